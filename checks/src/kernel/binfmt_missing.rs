use alloc::vec::Vec;

use crate::{
    facts::{Facts, Text},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{Place, Remedy, Task},
    target::Target,
};

check! {
    /// ## What it looks at
    /// The names that are registered in `/proc/sys/fs/binfmt_misc`, where that filesystem is mounted: `qemu-aarch64`,
    /// `rosetta`, … It is not listed where systemd would mount it on that occasion.
    ///
    /// ## Why it matters
    /// A program for another processor is run by an emulator that the kernel calls. Without one, `docker run --platform`
    /// and every `RUN` of a multi-platform build end with `exec format error`.
    ///
    /// ## When it is fine
    /// For images of the machine's own platform, and for builds that only cross-compile. BuildKit's own image has emulators of
    /// its own. Registrations are the kernel's: those of the host are good in its containers, where they do not show.
    ///
    /// ## How to fix
    /// `docker run --privileged --rm tonistiigi/binfmt --install all`, or `apt-get install qemu-user-static` on the machine.
    /// They last until the next boot, and the package registers them again.
    ///
    /// ## References
    /// Kernel `Documentation/admin-guide/binfmt-misc.rst`; <https://docs.docker.com/build/building/multi-platform/>;
    /// moby/buildkit#2437.
    "binfmt-missing",
    "No emulator for programs of other processors",
    Docker,
    { dockerd: Info, buildkit: Info },
    ["exec format error", "cannot execute binary file: Exec format error"]
}

/// How the usual emulators call themselves.
const EMULATORS: [&str; 6] = ["qemu-", "rosetta", "FEX", "box64", "box86", "buildkit-qemu"];

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    let Some(names) = facts.kernel.emulators.get()? else {
        return Ok(Outcome::not_applicable("binfmt_misc is not mounted here, so that none shows"));
    };
    if names.iter().any(|name| EMULATORS.iter().any(|emulator| name.starts_with(emulator))) {
        return Ok(Outcome::pass());
    }
    let names: Vec<&str> = names.iter().map(Text::as_str).collect();
    let registered = if names.is_empty() { "none".into() } else { names.join(", ") };
    let package = Remedy::tasks(
        Place::Host,
        "install emulators on the machine, which registers them at every boot",
        [Task::Packages {
            debian: ["qemu-user-static".into(), "binfmt-support".into()].into(),
            alpine: ["qemu-openrc".into()].into(),
            fedora: ["qemu-user-static".into()].into(),
        }],
    );
    let finding = Finding::new(
        "binfmt_misc",
        crate::target::Severities::NONE.with(plan.target, plan.severity(&CHECK.worst)),
        "no emulator is registered: images and builds for other processors fail with exec format error",
    )
    .evidence("/proc/sys/fs/binfmt_misc", registered);
    if plan.target == Target::Buildkit {
        return Ok(finding.remedy(package).into());
    }
    Ok(finding
        .remedy(Remedy::commands(
            Place::Here,
            "register emulators until the next boot",
            ["docker run --privileged --rm tonistiigi/binfmt --install all"],
        ))
        .remedy(package)
        .into())
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{Fact, Fact::Known, Why},
        testing::{healthy_container, healthy_vm},
    };

    #[test]
    fn no_emulator_is_worth_knowing() {
        for names in [vec![], vec!["python3.11".into()]] {
            let mut facts = healthy_vm();
            facts.kernel.emulators = Known(Some(names));
            let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
            assert!(found[0].severity.within(&CHECK.worst));
        }
    }

    #[test]
    fn one_emulator_is_enough_to_say_nothing() {
        assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
    }

    #[test]
    fn where_they_do_not_show_nothing_is_said() {
        let mut facts = healthy_container();
        facts.kernel.emulators = Known(None);
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn without_the_list_it_is_unknown() {
        let mut facts = healthy_container();
        facts.kernel.emulators = Fact::missing("/proc/sys/fs/binfmt_misc", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
