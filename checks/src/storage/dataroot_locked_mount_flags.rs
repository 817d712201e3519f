use alloc::{format, vec::Vec};

use crate::{
    facts::{DataRootOwner, Facts},
    outcome::{Finding, Outcome, Verdict},
    plan::{Plan, User},
    remedy::{Place, Remedy},
    version::{Component, Version},
};

check! {
    /// ## What it looks at
    /// In a user namespace: whether the mount that holds BuildKit's data root has `nosuid`, `nodev` or `noexec`, and the
    /// version of BuildKit.
    ///
    /// ## Why it matters
    /// In a user namespace such flags are locked: who binds a directory of that mount again, read-only, has to repeat them,
    /// or the kernel says EPERM. BuildKit before 0.11.5 did not, so that every build fails at its first source:
    /// `Options:[rbind ro]}]: operation not permitted`. Bottlerocket and hardened nodes mount emptyDirs so.
    ///
    /// ## When it is fine
    /// With BuildKit 0.11.5 or later, which repeats the flags. For root outside of user namespaces. Docker and podman have
    /// repeated them for longer.
    ///
    /// ## How to fix
    /// A newer BuildKit, or a volume without the flags. What `noexec` does besides: see storage-fs-unsupported.
    ///
    /// ## References
    /// `mount_namespaces(7)`, "Restrictions on mount namespaces"; moby/buildkit#879, #3098; bottlerocket#1934.
    "dataroot-locked-mount-flags",
    "BuildKit does not repeat the locked flags of its volume",
    Docker,
    { buildkit: Error },
    ["Options:[rbind ro]}]: operation not permitted", "Options:[rbind ro]: operation not permitted"]
}

const LOCKED: [&str; 3] = ["nodev", "noexec", "nosuid"];

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    if plan.user == User::Unknown {
        facts.identity.euid.get()?;
    }
    if !plan.has_user_namespace(facts)? {
        return Ok(Outcome::not_applicable("root outside of user namespaces may drop such flags"));
    }
    let buildkit = facts.versions.sure(Component::Buildkit)?;
    if buildkit.version >= Version::new(0, 11, 5) {
        return Ok(Outcome::pass());
    }
    let owner = match plan.user {
        User::Root => DataRootOwner::Buildkit,
        User::Ordinary | User::Unknown => DataRootOwner::RootlessBuildkit,
    };
    for root in facts.storage.of(owner) {
        let Some(mount) = &root.filesystem.get()?.mount else { continue };
        let locked: Vec<&str> = LOCKED.into_iter().filter(|flag| mount.has_option(flag)).collect();
        if locked.is_empty() {
            continue;
        }
        let locked = locked.join(",");
        return Ok(Finding::new(
            root.path.as_str(),
            CHECK.worst,
            format!(
                "{} is mounted {locked}, which BuildKit {} does not repeat in its read-only binds: every build fails",
                root.path, buildkit.version
            ),
        )
        .evidence(format!("/proc/self/mountinfo: {}", mount.mount_point), locked)
        .rests_on(Component::Buildkit, &buildkit)
        .remedy(Remedy::advice(
            Place::Image,
            "use BuildKit 0.11.5 or later (image moby/buildkit:v0.11.5-rootless, or a newer one)",
        ))
        .remedy(Remedy::advice(
            Place::Container,
            format!("give {} a volume that is mounted without these flags", root.path),
        ))
        .into());
    }
    Ok(Outcome::pass())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact, Fact::Known, Why},
        testing::{healthy_container, mount},
    };

    fn with(options: &[&str], version: Version) -> Facts {
        let mut facts = healthy_container();
        facts.identity.euid = Known(1000);
        facts.versions.give(Component::Buildkit, version);
        for root in &mut facts.storage.data_roots {
            if let (DataRootOwner::RootlessBuildkit, Known(filesystem)) =
                (root.owner, &mut root.filesystem)
            {
                filesystem.mount = Some(mount("/data", "ext4", options));
            }
        }
        facts
    }

    #[test]
    fn an_old_buildkit_fails_on_locked_flags() {
        let facts = with(&["rw", "nosuid", "nodev"], Version::new(0, 10, 0));
        let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
        assert!(found[0].summary.contains("is mounted nodev,nosuid"), "{}", found[0].summary);
    }

    #[test]
    fn a_newer_one_and_a_plain_volume_pass() {
        let facts = with(&["rw", "nosuid"], Version::new(0, 11, 5));
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
        assert_eq!(judged(&with(&["rw"], Version::new(0, 10, 0))), Ok(Outcome::pass()));
    }

    #[test]
    fn root_may_drop_them() {
        let mut facts = with(&["rw", "nosuid"], Version::new(0, 10, 0));
        facts.identity.euid = Known(0);
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn without_the_filesystem_it_is_unknown() {
        let mut facts = with(&["rw"], Version::new(0, 10, 0));
        for root in &mut facts.storage.data_roots {
            root.filesystem = Fact::missing("/home", Why::NotPermitted);
        }
        assert!(judged(&facts).is_err());
        facts.identity.euid = Fact::missing("ids", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
