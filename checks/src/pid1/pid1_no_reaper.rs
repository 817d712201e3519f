use alloc::{format, string::String, vec::Vec};

use crate::{
    facts::{Action, Facts, InitProcess, Role, Text, Tri, TrialName},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{Place, Remedy, Task},
};

check! {
    /// ## What it looks at
    /// Zombies whose parent is PID 1 (`/proc/PID/stat`, state `Z`) that are still there a quarter of
    /// a second later (under Python, whose supervisors look once a second, a second and a quarter), looked at
    /// four or five times; and whether PID 1 is a program known never to wait for orphans:
    /// `sleep`, `tail`, `dockerd`, `node`, `java`, `python`.
    ///
    /// ## Why it matters
    /// The kernel hands every orphan to PID 1, and the orphan's entry stays until PID 1 waits for it.
    /// Engines orphan processes all day: shims, runc, git, ssh. The entries pile up, `docker stop` waits
    /// for processes that are dead already, and one day `fork` fails against `pids.max`.
    ///
    /// ## When it is fine
    /// A few zombies that are gone a moment later are normal, and zombies of another parent are that
    /// parent's bug. tini and its kin, systemd, the pause process of a pod and a shell that stays (bash
    /// and dash wait for any child) reap. With the host's PID namespace, PID 1 is not yours. Below a
    /// tini that is not PID 1, orphans may be tini's (`-s`), so PID 1's name decides nothing.
    ///
    /// ## How to fix
    /// Put an init in front: `docker run --init`, `ENTRYPOINT ["tini", "--", …]`,
    /// `docker-init -- dockerd`; in a pod also `shareProcessNamespace: true`.
    ///
    /// ## References
    /// `wait(2)`, `pid_namespaces(7)`, `PR_SET_CHILD_SUBREAPER(2const)`;
    /// <https://github.com/docker-library/docker/issues/318>,
    /// <https://github.com/docker-library/docker/issues/580>.
    "pid1-no-reaper",
    "PID 1 does not reap orphans: zombies pile up",
    { dockerd: Warning, kind: Warning, rootless: Warning, buildkit: Warning, sandbox: Warning },
    [
        "Tini is not running as PID 1 and isn't registered as a child subreaper",
        "Tini is not running as PID 1",
        "Resource temporarily unavailable",
        "fork: Resource temporarily unavailable",
        "fork: retry: Resource temporarily unavailable",
    ],
    trials: [Pid1]
}

/// Zombies named in a summary.
const SHOWN: usize = 5;

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    if !facts.in_container()? {
        return Ok(Outcome::not_applicable("not a container: PID 1 is the system's init"));
    }
    let pid1 = &facts.pid1;
    if pid1.is_doctor {
        return Ok(Outcome::not_applicable("the doctor itself is PID 1 here"));
    }
    let namespace = &facts.identity.namespaces.pid;
    if namespace.is_known_and(|namespace| namespace.initial == Tri::Yes) {
        return Ok(Outcome::not_applicable("PID 1 and its children are the host's"));
    }
    // Zombies could be the host's as long as it is not certain whose PID namespace this is.
    if facts.runtime.container == Tri::Unknown {
        namespace.get()?;
    }
    let zombies = &facts.processes.zombies_of_pid1;
    if let Some(zombies) = zombies.known().filter(|zombies| !zombies.is_empty()) {
        let mut names: Vec<String> =
            zombies.iter().take(SHOWN).map(|z| format!("{} ({})", z.comm, z.pid)).collect();
        if zombies.len() > SHOWN {
            names.push("…".into());
        }
        let names = names.join(", ");
        let summary = format!("PID 1 ({}) leaves zombies: {}, {names}", pid1.name(), zombies.len());
        return Ok(finding(facts, pid1, summary)
            .evidence("/proc/*/stat", format!("state Z, parent 1, in every sample: {names}"))
            .into());
    }
    let tried = facts.trials.complete(TrialName::Pid1);
    if let Some((trial, step)) = tried.and_then(|t| Some((t, t.steps(Action::ReapOrphan).next()?)))
    {
        match &step.refused {
            None => return Ok(Outcome::proved()),
            // Otherwise a subreaper took the orphan, which says nothing about PID 1.
            Some(refused) if refused.what.starts_with("still a zombie") => {
                let summary = format!("PID 1 ({}) does not reap an orphan", pid1.name());
                return Ok(finding(facts, pid1, summary).tried(trial, step).into());
            }
            Some(_) => {}
        }
    }
    if reaps(pid1) {
        return Ok(Outcome::pass());
    }
    if never_waits(pid1) && !below_another_init(facts) {
        let summary = format!("PID 1 is {}, which never waits for orphans", pid1.name());
        return Ok(finding(facts, pid1, summary).into());
    }
    if pid1.exe.known().is_none() {
        pid1.comm.get()?;
    }
    zombies.get()?;
    Ok(Outcome::pass())
}

fn reaps(process: &InitProcess) -> bool {
    matches!(process.role, Role::Init | Role::Systemd | Role::Pause | Role::Shell)
        // Python scripts whose executable is the interpreter.
        || process.comm.is_known_and(|comm| comm == "supervisord" || comm == "my_init")
        || process.arguments.is_known_and(|arguments| {
            arguments.iter().take(3).any(|a| a.ends_with("/supervisord") || a.ends_with("/my_init"))
        })
}

/// By name, and by comm too: the executable of busybox's sleep is busybox.
fn never_waits(process: &InitProcess) -> bool {
    let comm = process.comm.known().map(Text::as_str);
    [Some(process.name()), comm].into_iter().flatten().any(|name| {
        matches!(name, "sleep" | "tail" | "dockerd" | "node" | "java") || name.starts_with("python")
    })
}

/// Whether the doctor descends from an init that is not PID 1 and can be a subreaper.
fn below_another_init(facts: &Facts) -> bool {
    let (Some(pid), Some(rows)) = (facts.identity.pid.known(), facts.processes.rows.known()) else {
        return false;
    };
    let mut pid = *pid;
    // Bounded by the number of rows, since recorded rows could form a ring.
    for _ in rows {
        let Some(row) = rows.iter().find(|row| row.pid == pid && pid > 1) else { return false };
        if matches!(row.comm.as_str(), "tini" | "docker-init" | "catatonit" | "dumb-init") {
            return true;
        }
        pid = row.ppid;
    }
    false
}

fn finding(facts: &Facts, process: &InitProcess, summary: String) -> Finding {
    let exe = process.exe.known().map_or_else(|| process.name(), Text::as_str);
    let mut finding = Finding::new("PID 1", CHECK.worst, summary).evidence("/proc/1/exe", exe);
    for remedy in super::an_init(facts, "start the container with an init that reaps orphans") {
        finding = finding.remedy(remedy);
    }
    if process.name() == "dockerd" {
        finding = finding.remedy(Remedy::tasks(
            Place::Image,
            "let the entrypoint start dockerd below the init that Docker ships",
            [Task::UnderInit],
        ));
    }
    finding
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{Fact, ProcessRow, SignalMasks, Why, Zombie},
        testing::{healthy_container, healthy_vm, init_process, initial},
    };

    fn started_with(name: &str, role: Role) -> Facts {
        let mut facts = healthy_container();
        facts.pid1 = init_process(name, role, SignalMasks::default());
        facts
    }

    fn with_zombie(mut facts: Facts) -> Facts {
        facts.processes.zombies_of_pid1 =
            Fact::Known(vec![Zombie { pid: 77, comm: "containerd-shim".into() }]);
        facts
    }

    fn is_found(facts: &Facts) -> bool {
        matches!(judged(facts), Ok(Outcome::Found(_)))
    }

    #[test]
    fn zombies_that_stay_are_found_whoever_pid_1_is() {
        let verdict = judged(&with_zombie(started_with("agent", Role::Application)));
        let Ok(Outcome::Found(found)) = verdict else { panic!("{verdict:?}") };
        assert!(found[0].summary.contains("containerd-shim (77)"));
    }

    #[test]
    fn programs_that_never_wait_are_found_before_the_first_zombie() {
        assert!(is_found(&started_with("sleep", Role::Application)));
        assert!(is_found(&started_with("dockerd", Role::Daemon)));
        assert!(is_found(&started_with("python3.11", Role::Application)));
        let mut busybox = started_with("busybox", Role::Application);
        busybox.pid1.comm = Fact::Known("tail".into());
        assert!(is_found(&busybox));
    }

    #[test]
    fn inits_shells_pause_and_supervisord_reap() {
        for (name, role) in [
            ("tini", Role::Init),
            ("bash", Role::Shell),
            ("pause", Role::Pause),
            ("systemd", Role::Systemd),
        ] {
            assert_eq!(judged(&started_with(name, role)), Ok(Outcome::pass()), "{name}");
        }
        let mut supervisord = started_with("python3", Role::Application);
        supervisord.pid1.comm = Fact::Known("supervisord".into());
        assert_eq!(judged(&supervisord), Ok(Outcome::pass()));
    }

    #[test]
    fn of_an_unknown_program_only_zombies_tell() {
        assert_eq!(judged(&started_with("agent", Role::Application)), Ok(Outcome::pass()));
    }

    #[test]
    fn below_a_tini_that_is_not_pid_1_the_name_decides_nothing() {
        let mut facts = started_with("sleep", Role::Application);
        let row = |pid, ppid, comm: &str| ProcessRow { pid, ppid, comm: comm.into(), state: 'S' };
        facts.processes.rows =
            Fact::Known(vec![row(1, 0, "sleep"), row(9, 0, "tini"), row(42, 9, "doctor")]);
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
        facts.processes.rows =
            Fact::Known(vec![row(1, 0, "sleep"), row(9, 1, "tini"), row(42, 1, "doctor")]);
        assert!(is_found(&facts));
    }

    #[test]
    fn the_hosts_processes_a_vm_and_the_doctor_as_pid_1_are_not_judged() {
        let mut facts = with_zombie(healthy_container());
        facts.identity.namespaces.pid = initial(4_026_531_836);
        let mut as_pid1 = started_with("doctor", Role::Application);
        as_pid1.pid1.is_doctor = true;
        for facts in [facts, with_zombie(healthy_vm()), as_pid1] {
            assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
            assert!(!facts.judges_reaping(), "a second sample would be taken for nothing");
        }
    }

    #[test]
    fn without_processes_it_is_unknown_unless_pid_1_is_known() {
        let missing = || Fact::missing("/proc", Why::NotPermitted);
        let mut facts = started_with("agent", Role::Application);
        facts.processes.zombies_of_pid1 = missing();
        assert!(judged(&facts).is_err() && facts.judges_reaping());
        let mut facts = started_with("sleep", Role::Application);
        facts.processes.zombies_of_pid1 = missing();
        assert!(is_found(&facts));
        facts.runtime.container = Tri::Unknown;
        facts.identity.namespaces.pid = Fact::missing("/proc/self/ns/pid", Why::NotFound);
        assert!(judged(&facts).is_err() && !facts.judges_reaping());
    }

    #[test]
    fn an_orphan_that_is_reaped_or_not_decides() {
        use crate::{outcome::Proof, testing::tried};
        let with = |name: &str, refused| {
            let mut facts = started_with(name, Role::Application);
            tried(&mut facts, TrialName::Pid1, "", &[(Action::ReapOrphan, "", refused)]);
            judged(&facts)
        };
        assert_eq!(with("python3", None), Ok(Outcome::proved()));
        let Ok(Outcome::Found(found)) = with("agent", Some("still a zombie after 3 s")) else {
            panic!()
        };
        assert_eq!(found[0].proof(), Proof::Trial);
        let subreaper = Some("PID 9 takes orphans here, not PID 1");
        assert_eq!(with("agent", subreaper), Ok(Outcome::pass()), "it says nothing of PID 1");
    }
}
