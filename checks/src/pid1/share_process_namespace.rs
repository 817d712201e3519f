use alloc::format;

use crate::{
    facts::{Facts, Role, Text, Tri},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, Place, Remedy},
};

check! {
    /// ## What it looks at
    /// Whether PID 1 of this PID namespace is the container's own: `/proc/1/exe` and `/proc/1/comm`
    /// (`pause` with `shareProcessNamespace: true`), and the inode of `/proc/self/ns/pid` (the kernel's
    /// initial one with `hostPID: true` or `--pid=host`).
    ///
    /// ## Why it matters
    /// The container's entrypoint is then an ordinary process. systemd refuses to be anything but PID 1.
    /// tini warns that it does not reap. `/proc/1/root` and `/proc/1/environ` are another image's, so
    /// scripts that look there (`container=`, cgroup of PID 1) read the wrong thing, and a signal to
    /// PID 1 never reaches the entrypoint.
    ///
    /// ## When it is fine
    /// For dockerd, kind and BuildKit it is only worth knowing: pause reaps orphans, and the kernel does
    /// not shield the entrypoint from signals. On a host or VM the initial PID namespace is one's own.
    ///
    /// ## How to fix
    /// Leave `shareProcessNamespace`, `hostPID` and `--pid=host` out. If the pod needs them, start tini
    /// as `tini -s` or with `TINI_SUBREAPER=1`, and do not run systemd in it.
    ///
    /// ## References
    /// `pid_namespaces(7)`; <https://github.com/kubernetes/kubernetes/issues/84210>,
    /// <https://github.com/flant/shell-operator/issues/377>, <https://github.com/lxc/lxcfs/issues/543>.
    "share-process-namespace",
    "PID 1 belongs to the pod or the host, not to this container",
    { dockerd: Info, kind: Info, systemd: Error, buildkit: Info },
    ["Tini is not running as PID 1"]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    if !facts.in_container()? {
        return Ok(Outcome::not_applicable("not a container: PID 1 is the system's init"));
    }
    let pid1 = &facts.pid1;
    let name = pid1.name();
    if pid1.role == Role::Pause {
        let top = facts.top.as_ref().map_or_else(
            || "this container's processes come after it".into(),
            |top| format!("this container's top process is {} (PID {})", top.name(), top.pid),
        );
        let finding = Finding::new(
            "PID 1",
            CHECK.worst,
            format!("PID 1 is the pod's {name} process (shareProcessNamespace); {top}"),
        )
        .evidence("/proc/1/exe", pid1.exe.known().map_or(name, Text::as_str));
        return Ok(remedied(finding).into());
    }
    let namespace = facts.identity.namespaces.pid.get()?;
    if facts.runtime.container.is_yes() && namespace.initial == Tri::Yes {
        let finding = Finding::new(
            "PID namespace",
            CHECK.worst,
            format!("the container is in the host's PID namespace: PID 1 is the host's {name}"),
        )
        .evidence("/proc/self/ns/pid", format!("pid:[{}], the initial one", namespace.inode));
        return Ok(remedied(finding).into());
    }
    // Without a name the role is a guess.
    if pid1.exe.known().is_none() {
        pid1.comm.get()?;
    }
    Ok(Outcome::pass())
}

fn remedied(finding: Finding) -> Finding {
    finding
        .remedy(Remedy::container(
            "give the container a PID namespace of its own",
            [ContainerSetting::OwnPidNamespace],
        ))
        .remedy(Remedy::advice(
            Place::Image,
            "if the namespace must be shared, start tini with -s (or TINI_SUBREAPER=1) so that it \
             reaps although it is not PID 1; systemd cannot run in this arrangement",
        ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact, SignalMasks, Why},
        target::{Severity, Target},
        testing::{healthy_container, healthy_vm, init_process, initial},
    };

    fn in_shared_namespace() -> Facts {
        let mut facts = healthy_container();
        facts.pid1 = init_process("pause", Role::Pause, SignalMasks::default());
        facts.top = Some(init_process("bash", Role::Shell, SignalMasks::default()));
        facts
    }

    #[test]
    fn pause_as_pid_1_is_found_and_stops_systemd() {
        let Ok(Outcome::Found(found)) = judged(&in_shared_namespace()) else { panic!("not found") };
        assert!(found[0].summary.contains("top process is bash"));
        assert_eq!(found[0].severity.get(Target::Systemd), Some(Severity::Error));
        assert_eq!(found[0].severity.get(Target::Dockerd), Some(Severity::Info));
    }

    #[test]
    fn the_hosts_pid_namespace_is_found_too() {
        let mut facts = healthy_container();
        facts.identity.namespaces.pid = initial(4_026_531_836);
        facts.pid1 = init_process("systemd", Role::Systemd, SignalMasks::default());
        assert!(matches!(judged(&facts), Ok(Outcome::Found(_))));
    }

    #[test]
    fn a_pid_namespace_of_its_own_passes() {
        assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
    }

    #[test]
    fn a_vm_is_not_judged() {
        assert!(matches!(judged(&healthy_vm()), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn without_name_or_namespace_it_is_unknown_but_pause_is_certain() {
        let mut facts = healthy_container();
        facts.pid1.exe = Fact::missing("/proc/1/exe", Why::NotPermitted);
        facts.pid1.comm = Fact::missing("/proc/1/comm", Why::NotPermitted);
        assert!(judged(&facts).is_err());
        let mut facts = in_shared_namespace();
        facts.identity.namespaces.pid = Fact::missing("/proc/self/ns/pid", Why::NotFound);
        assert!(matches!(judged(&facts), Ok(Outcome::Found(_))));
        facts.pid1.role = Role::Init;
        assert!(judged(&facts).is_err());
    }
}
