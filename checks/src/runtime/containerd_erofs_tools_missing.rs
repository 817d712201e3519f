use crate::{
    facts::Facts,
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{Place, Remedy, Task},
    version::{Component, Version},
};

check! {
    /// ## What it looks at
    /// Whether containerd is 2.3.0, whether the kernel has erofs (`/proc/filesystems`), and whether `mkfs.erofs` is on the
    /// PATH.
    ///
    /// ## Why it matters
    /// That release has a part for images in erofs, which it takes for usable where the kernel has the filesystem. That part
    /// wants `mkfs.erofs`, and containerd's transfer service does not load without it: dockerd waits for containerd and gives up.
    ///
    /// ## When it is fine
    /// Up to 2.2 and from 2.3.1 on. Where the kernel has no erofs. With erofs-utils installed.
    ///
    /// ## How to fix
    /// `apt-get install erofs-utils`, or another containerd.
    ///
    /// ## References
    /// containerd#13346, #13328; devcontainers/features#1642.
    "containerd-erofs-tools-missing",
    "containerd 2.3.0 wants mkfs.erofs, which is not here",
    Docker,
    { dockerd: Error, kind: Error, rootless: Error },
    [
        "no plugins registered for io.containerd.transfer.v1",
        "failed to check mkfs.erofs availability",
        "exec: \"mkfs.erofs\": executable file not found in $PATH",
    ]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let containerd = facts.versions.of(Component::Containerd);
    if containerd.version != Version::new(2, 3, 0) {
        return Ok(Outcome::not_applicable("only containerd 2.3.0 wants it"));
    }
    let filesystems = facts.kernel.filesystems.get()?;
    if !filesystems.iter().any(|name| name == "erofs") {
        return Ok(Outcome::pass());
    }
    if facts.engines.program("mkfs.erofs")?.is_some() || !facts.engines.lacks("mkfs.erofs") {
        return Ok(Outcome::pass());
    }
    Ok(Finding::new(
        "mkfs.erofs",
        CHECK.worst,
        "containerd 2.3.0 does not come up without mkfs.erofs where the kernel has erofs, and dockerd gives up",
    )
    .evidence("/proc/filesystems", "erofs")
    .evidence("PATH", "no mkfs.erofs")
    .rests_on(Component::Containerd, &containerd)
    .remedy(Remedy::tasks(
        Place::Image,
        "install it (the package is called erofs-utils everywhere)",
        [Task::package("erofs-utils")],
    ))
    .remedy(Remedy::advice(Place::Image, "use containerd 2.3.1 or later, or 2.2"))
    .into())
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{Fact, Fact::Known, Program, Why},
        testing::healthy_container,
    };

    fn with(release: u32, path: Option<&str>) -> Facts {
        let mut facts = healthy_container();
        facts.versions.give(Component::Containerd, Version::new(2, 3, release));
        facts.kernel.filesystems = Known(vec!["overlay".into(), "erofs".into()]);
        facts.engines.programs =
            vec![Program { name: "mkfs.erofs".into(), path: Known(path.map(Into::into)) }];
        facts
    }

    #[test]
    fn that_release_without_the_tool_is_found() {
        assert!(matches!(judged(&with(0, None)), Ok(Outcome::Found(_))));
    }

    #[test]
    fn with_the_tool_or_without_the_filesystem_it_passes() {
        assert_eq!(judged(&with(0, Some("/usr/bin/mkfs.erofs"))), Ok(Outcome::pass()));
        let mut facts = with(0, None);
        facts.kernel.filesystems = Known(vec!["overlay".into()]);
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn other_releases_do_not_want_it() {
        assert!(matches!(judged(&with(1, None)), Ok(Outcome::NotApplicable(_))));
        assert!(matches!(judged(&healthy_container()), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn what_cannot_be_read_is_unknown() {
        let mut facts = with(0, None);
        facts.engines.programs[0].path = Fact::missing("/opt/bin/mkfs.erofs", Why::NotPermitted);
        assert!(judged(&facts).is_err());
        facts.kernel.filesystems = Fact::missing("/proc/filesystems", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
