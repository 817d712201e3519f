use alloc::{format, string::String, vec::Vec};

use crate::{
    facts::Facts,
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{Loader, Place, Remedy, Task},
};

check! {
    /// ## What it looks at
    /// Controllers of cgroups that the kernel has and was told to leave off: 0 in the column `enabled` of `/proc/cgroups`.
    /// Both versions of cgroups, in containers too: it is the kernel's.
    ///
    /// ## Why it matters
    /// kubelet needs cpu, cpuset, memory and pids, and ends without: `failed to find memory cgroup (v2)`. Docker starts
    /// containers whose limits of memory count for nothing: `No memory limit support`. The kernel of Raspberry Pi OS starts
    /// with memory off, by the board's device tree.
    ///
    /// ## When it is fine
    /// For Docker without limits. Kernels without any file `/proc/cgroups` are newer than such boards' and not judged.
    ///
    /// ## How to fix
    /// On the kernel's command line `cgroup_enable=memory`, or no `cgroup_disable=memory`, and a reboot. Raspberry Pi OS
    /// reads `/boot/firmware/cmdline.txt` since release 12, and `/boot/cmdline.txt` before; it is one line.
    ///
    /// ## References
    /// Kernel `admin-guide/kernel-parameters.txt`, `cgroup_disable=`; k3s#8890; moby#46185; raspberrypi/linux#1950.
    "cgroup-controller-disabled",
    "The kernel was told to leave a cgroup controller off",
    { dockerd: Warning, kind: Error, rootless: Info, buildkit: Info },
    [
        "failed to find memory cgroup",
        "No memory limit support",
        "Your kernel does not support memory limit capabilities or the cgroup is not mounted",
        "missing cgroups: memory",
        "[ERROR SystemVerification]: missing required cgroups: memory",
    ]
}

/// What kubelet cannot do without.
const NEEDED: [&str; 4] = ["cpu", "cpuset", "memory", "pids"];

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let off = disabled(facts);
    if off.is_empty() {
        facts.cgroup.controllers.told()?;
        return Ok(Outcome::pass());
    }
    let names = off.join(", ");
    Ok(Finding::new(
        names.as_str(),
        CHECK.worst,
        format!(
            "the kernel was told to leave {names} off: kubelet ends, and limits count for nothing"
        ),
    )
    .evidence("/proc/cgroups", format!("{names}: enabled 0"))
    .remedy(enable(facts, &off))
    .into())
}

/// Those of the needed controllers that the kernel has and leaves off.
pub(super) fn disabled(facts: &Facts) -> Vec<&'static str> {
    let rows = facts.cgroup.controllers.known().map(Vec::as_slice).unwrap_or_default();
    let off = |name: &&str| rows.iter().any(|row| row.name == *name && !row.enabled);
    NEEDED.into_iter().filter(off).collect()
}

fn enable(facts: &Facts, off: &[&str]) -> Remedy {
    let board = facts.kernel.release.is_known_and(|release| {
        ["-rpi", "-raspi", "-v7", "-v8"].iter().any(|mark| release.contains(mark))
    });
    if board {
        let words: Vec<String> = off.iter().map(|name| format!("cgroup_enable={name}")).collect();
        return Remedy::tasks(
            Place::Host,
            "switch it on for the next boot: in /boot/firmware/cmdline.txt, before release 12 in /boot/cmdline.txt",
            [Task::KernelArguments { add: words, remove: Vec::new(), loader: Loader::RaspberryPi }],
        );
    }
    let words: Vec<String> = off.iter().map(|name| format!("cgroup_disable={name}")).collect();
    Remedy::tasks(
        Place::Host,
        "take it from the kernel's command line and reboot",
        [Task::KernelArguments { add: Vec::new(), remove: words, loader: Loader::Grub }],
    )
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{ControllerRow, Fact, Fact::Known, Why},
        testing::{healthy_container, healthy_vm},
    };

    fn with(name: &str, enabled: bool) -> Facts {
        let mut facts = healthy_vm();
        let row = |name: &str, enabled| ControllerRow {
            name: name.into(),
            hierarchy: 0,
            cgroups: 51,
            enabled,
        };
        facts.cgroup.controllers = Known(vec![row("cpu", true), row(name, enabled)]);
        facts
    }

    fn commands(facts: &Facts) -> Vec<String> {
        let Ok(Outcome::Found(mut found)) = judged(facts) else { panic!("{:?}", judged(facts)) };
        found.remove(0).remedies.remove(0).change.commands()
    }

    #[test]
    fn memory_that_is_left_off_is_found() {
        let mut facts = with("memory", false);
        assert!(commands(&facts)[0].contains("cgroup_disable=memory"));
        facts.kernel.release = Known("6.1.0-rpi6-rpi-2712".into());
        assert_eq!(
            commands(&facts)[0],
            "sed -i '1s/$/ cgroup_enable=memory/' /boot/firmware/cmdline.txt"
        );
    }

    #[test]
    fn what_is_on_and_what_nobody_needs_passes() {
        assert_eq!(judged(&with("memory", true)), Ok(Outcome::pass()));
        assert_eq!(judged(&with("net_prio", false)), Ok(Outcome::pass()));
        assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
    }

    #[test]
    fn a_kernel_without_the_file_is_not_judged_and_a_refusal_is_unknown() {
        let mut facts = healthy_vm();
        facts.cgroup.controllers = Fact::missing("/proc/cgroups", Why::NotFound);
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
        facts.cgroup.controllers = Fact::missing("/proc/cgroups", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
