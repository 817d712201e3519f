use alloc::{format, string::String};

use crate::{
    facts::{Engine, Facts, InitProcess, Role, SIGTERM, SignalMasks, Tri},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, Language, Place, Remedy, Snippet},
    version::{Component, Origin},
};

check! {
    /// ## What it looks at
    /// The signal masks of PID 1 in `/proc/1/status`, its name, and whether it waits for signals
    /// synchronously (`/proc/1/wchan`, `/proc/1/syscall`). In a pod with a shared PID namespace PID 1
    /// is the pause process, and the container's own top process is judged instead.
    /// `--active` does not try it: that would be to send SIGTERM to PID 1.
    ///
    /// ## Why it matters
    /// The kernel drops a signal to the init process of a PID namespace when its disposition is the
    /// default one. A shell script, `sleep infinity` or `tail -f` as PID 1 therefore never sees SIGTERM:
    /// the pod stays in `Terminating`, `docker stop` takes its ten seconds, everything is killed with
    /// 137, and the inner daemon leaves cgroups and pid files behind.
    ///
    /// ## When it is fine
    /// tini and its kin show no handler and no blocked signal, and forward SIGTERM all the same. A
    /// program that blocks SIGTERM reads it from a signalfd. systemd takes SIGTERM for a wish to execute itself
    /// anew and ends on SIGRTMIN+3 (tried: `docker stop` of an image without STOPSIGNAL waits for its SIGKILL): that is
    /// said, but what the engine will send cannot be seen from inside; images of kind have the STOPSIGNAL, and podman,
    /// LXC and systemd-nspawn send the right signal by themselves. On a host or VM, PID 1 is the system's init. Where the doctor itself is PID 1, nothing can be said about what will be. A top process
    /// that is not PID 1 of its namespace dies of SIGTERM unless it ignores it.
    ///
    /// ## How to fix
    /// Put an init in front (`ENTRYPOINT ["tini", "--", …]`, `docker run --init`), end the entrypoint
    /// script with `exec "$@"`, or set a trap that passes the signal on. For systemd `STOPSIGNAL SIGRTMIN+3` in the
    /// image, or `docker run --stop-signal`.
    ///
    /// ## References
    /// `pid_namespaces(7)`, kernel `sig_task_ignored()`; `systemd(1)`, signals; <https://github.com/krallin/tini>.
    "pid1-swallows-sigterm",
    "PID 1 swallows SIGTERM: stopping takes until the SIGKILL",
    { dockerd: Warning, kind: Warning, rootless: Warning, systemd: Info, buildkit: Info },
    ["of signal 15 - using the force"]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    if !facts.in_container()? {
        return Ok(Outcome::not_applicable("not a container: PID 1 is the system's init"));
    }
    if facts.pid1.is_doctor {
        return Ok(Outcome::not_applicable("the doctor itself is PID 1 here"));
    }
    if facts.pid1.role == Role::Pause {
        return shared_namespace(facts);
    }
    let process = &facts.pid1;
    if process.role == Role::Systemd {
        return systemd(facts);
    }
    let reason = match disposition(process)? {
        Disposition::Handled => return Ok(Outcome::pass()),
        Disposition::Ignored => "ignores SIGTERM",
        Disposition::Default => "has no handler for SIGTERM, and the kernel drops it for PID 1",
        Disposition::ReRaised => {
            "catches SIGTERM only to raise it again, and the kernel drops it for PID 1"
        }
    };
    if facts.runtime.container == Tri::Unknown {
        facts.identity.namespaces.pid.get()?;
    }
    Ok(finding(facts, process, reason).into())
}

/// Which signal is sent is an affair of the image and the engine.
fn systemd(facts: &Facts) -> Verdict {
    let knows =
        matches!(facts.runtime.engine, Engine::Podman | Engine::Lxc | Engine::SystemdNspawn);
    let node = Origin::Read("/kind/version".into());
    if knows || facts.versions.sure(Component::Kubernetes)?.origin == node {
        return Ok(Outcome::pass());
    }
    let summary =
        "PID 1 is systemd: SIGTERM only makes it execute itself anew, and SIGRTMIN+3 ends it";
    Ok(Finding::new(
        "PID 1",
        severities!(dockerd: Info, kind: Info, rootless: Info, systemd: Info, buildkit: Info),
        summary,
    )
    .evidence("/proc/1/comm", facts.pid1.name())
    .remedy(Remedy::file(
        Place::Image,
        "have engines stop it by the right signal, unless the image does so already",
        Snippet::Lines(Language::Dockerfile, "STOPSIGNAL SIGRTMIN+3".into()),
    ))
    .remedy(Remedy::container(
        "say so when the container is started",
        [ContainerSetting::StopSignal("SIGRTMIN+3".into())],
    ))
    .into())
}

/// PID 1 is the pause process: the kernel protects no other, so only an ignored SIGTERM is swallowed.
fn shared_namespace(facts: &Facts) -> Verdict {
    let Some(top) = &facts.top else {
        return Ok(Outcome::not_applicable("PID 1 is the pause process of the pod"));
    };
    Ok(match disposition(top)? {
        Disposition::Ignored => finding(facts, top, "ignores SIGTERM").into(),
        _ => Outcome::pass(),
    })
}

enum Disposition {
    Handled,
    Ignored,
    Default,
    ReRaised,
}

fn disposition(process: &InitProcess) -> Result<Disposition, Unknown> {
    if matches!(process.role, Role::Init | Role::Systemd | Role::Pause) {
        return Ok(Disposition::Handled);
    }
    let masks = process.signals.get()?;
    Ok(if SignalMasks::has(masks.ignored, SIGTERM) {
        Disposition::Ignored
    } else if SignalMasks::has(masks.caught, SIGTERM) {
        // node installs a handler that ends in the default action, which PID 1 does not have.
        if process.name() == "node" { Disposition::ReRaised } else { Disposition::Handled }
    } else if SignalMasks::has(masks.blocked, SIGTERM) || waits_for_signals(process) {
        Disposition::Handled
    } else {
        Disposition::Default
    })
}

/// Whether the process sleeps in `rt_sigtimedwait`: 128 on x86-64, 137 on arm64.
fn waits_for_signals(process: &InitProcess) -> bool {
    process.wchan.is_known_and(|wchan| wchan.starts_with("do_sigtimedwait"))
        || process.syscall.is_known_and(|number| matches!(number, Some(128 | 137)))
}

fn finding(facts: &Facts, process: &InitProcess, reason: &str) -> Finding {
    let name = process.name();
    let masks = process.signals.known().map_or_else(String::new, |m| {
        format!("SigBlk {:016x}, SigIgn {:016x}, SigCgt {:016x}", m.blocked, m.ignored, m.caught)
    });
    let finding = Finding::new(
        format!("PID {}", process.pid),
        severities!(dockerd: Warning, kind: Warning, rootless: Warning, buildkit: Info),
        format!("PID {} is {name}: it {reason}", process.pid),
    )
    .evidence(format!("/proc/{}/status", process.pid), masks);
    let text = "start the container with an init that forwards signals and reaps orphans";
    super::an_init(facts, text).into_iter().fold(finding, Finding::remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact, Why},
        testing::{healthy_container, healthy_vm, init_process},
        version::Version,
    };

    const TERM: u64 = 1 << 14;

    fn verdict(name: &str, role: Role, signals: SignalMasks) -> Verdict {
        let mut facts = healthy_container();
        facts.pid1 = init_process(name, role, signals);
        judged(&facts)
    }

    fn is_found(verdict: &Verdict) -> bool {
        matches!(verdict, Ok(Outcome::Found(_)))
    }

    #[test]
    fn a_program_without_a_handler_is_found() {
        assert!(is_found(&verdict("sleep", Role::Application, SignalMasks::default())));
        assert!(is_found(&verdict(
            "bash",
            Role::Shell,
            SignalMasks { ignored: TERM, ..SignalMasks::default() }
        )));
    }

    #[test]
    fn node_catches_the_signal_and_survives_all_the_same() {
        let caught = SignalMasks { caught: TERM, ..SignalMasks::default() };
        assert!(is_found(&verdict("node", Role::Application, caught)));
        assert_eq!(verdict("java", Role::Application, caught), Ok(Outcome::pass()));
    }

    #[test]
    fn an_init_passes_though_it_shows_no_handler() {
        assert_eq!(verdict("tini", Role::Init, SignalMasks::default()), Ok(Outcome::pass()));
    }

    #[test]
    fn systemd_ends_on_another_signal_and_some_engines_know_that() {
        let mut facts = healthy_container();
        facts.pid1 = init_process("systemd", Role::Systemd, SignalMasks::default());
        facts.runtime.engine = Engine::Docker;
        let Ok(Outcome::Found(found)) = judged(&facts) else { panic!("nothing was found") };
        assert_eq!(
            found[0].severity,
            severities!(dockerd: Info, kind: Info, rootless: Info, systemd: Info, buildkit: Info)
        );
        facts.runtime.engine = Engine::Podman;
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
        facts.runtime.engine = Engine::Docker;
        facts.versions.read(Component::Kubernetes, Version::new(1, 33, 0), "/kind/version");
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn blocking_or_waiting_is_handling() {
        let blocked = SignalMasks { blocked: TERM, ..SignalMasks::default() };
        assert_eq!(verdict("agent", Role::Application, blocked), Ok(Outcome::pass()));
        let mut facts = healthy_container();
        facts.pid1 = init_process("agent", Role::Application, SignalMasks::default());
        facts.pid1.syscall = Fact::Known(Some(128));
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn a_host_and_the_doctor_as_pid_1_are_not_judged() {
        assert!(matches!(judged(&healthy_vm()), Ok(Outcome::NotApplicable(_))));
        let mut facts = healthy_container();
        facts.pid1.is_doctor = true;
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn behind_pause_only_an_ignored_signal_is_swallowed() {
        let mut facts = healthy_container();
        facts.pid1.role = Role::Pause;
        facts.top = Some(init_process("sleep", Role::Application, SignalMasks::default()));
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
        facts.top = Some(init_process(
            "bash",
            Role::Shell,
            SignalMasks { ignored: TERM, ..SignalMasks::default() },
        ));
        assert!(is_found(&judged(&facts)));
    }

    #[test]
    fn without_the_masks_it_is_unknown() {
        let mut facts = healthy_container();
        facts.pid1.role = Role::Application;
        facts.pid1.signals = Fact::missing("/proc/1/status", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
