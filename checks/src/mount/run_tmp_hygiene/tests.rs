use alloc::vec;

use super::*;
use crate::{
    facts::{CapabilitySet, DIND_ENTRYPOINT, EngineProcess, Fact, ProcessRow, Why},
    testing::{healthy_container, healthy_vm, mount},
};

fn found(facts: &Facts) -> Finding {
    match judged(facts) {
        Ok(Outcome::Found(mut found)) if found.len() == 1 => {
            assert!(found[0].severity.within(&CHECK.worst));
            found.remove(0)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_read_only_run_stops_engines_and_systemd_unless_it_can_mount_there() {
    let mut facts = healthy_container();
    facts.scratch.run.writable = Fact::Known(false);
    assert_eq!(
        found(&facts).severity,
        severities!(dockerd: Error, kind: Error, systemd: Error, buildkit: Error)
    );
    let Fact::Known(table) = &mut facts.mounts else { panic!() };
    table.rows.retain(|mount| mount.mount_point != "/run");
    assert_eq!(found(&facts).severity, severities!(dockerd: Error, kind: Error, buildkit: Error));
    facts.capabilities.effective = Fact::Known(CapabilitySet::default());
    assert_eq!(found(&facts).severity.get(Target::Systemd), Some(Severity::Error));
    facts.identity.euid = Fact::Known(1000);
    assert_eq!(judged(&facts), Ok(Outcome::pass()), "rootlesskit has a /run of its own");
}

#[test]
fn temporary_files_need_a_place() {
    let mut facts = healthy_container();
    facts.scratch.temporary.writable = Fact::Known(false);
    assert_eq!(
        found(&facts).severity,
        severities!(dockerd: Warning, kind: Warning, rootless: Warning, buildkit: Warning)
    );
    facts.scratch.temporary.writable = Fact::missing("/build/tmp", Why::NotFound);
    facts.runtime.variables = Fact::Known(vec![("TMPDIR".into(), "/build/tmp".into())]);
    assert!(found(&facts).remedies[0].text.contains("TMPDIR"));
}

#[test]
fn only_a_tiny_tmpfs_is_too_small() {
    let mut facts = healthy_container();
    facts.scratch.run.size = Fact::Known(4 << 20);
    assert!(found(&facts).summary.contains("4096 KiB"));
    let Fact::Known(table) = &mut facts.mounts else { panic!() };
    table.rows.push(mount("/run", "ext4", &["rw"]));
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn a_pid_file_is_stale_only_if_another_process_has_the_number() {
    let mut facts = healthy_container();
    facts.scratch.docker_pid = Fact::Known(Some(7));
    let finding = found(&facts);
    assert_eq!(finding.severity, severities!(dockerd: Error, kind: Error));
    assert!(finding.summary.contains("PID 7 is sleep"));
    facts.scratch.docker_pid = Fact::Known(Some(8));
    assert_eq!(judged(&facts), Ok(Outcome::pass()), "nobody has it");
    facts.scratch.docker_pid = Fact::Known(Some(7));
    facts.engines.preparing_entrypoints = Fact::Known(vec![DIND_ENTRYPOINT.into()]);
    assert_eq!(judged(&facts), Ok(Outcome::pass()), "the entrypoint removes it");
    facts.engines.preparing_entrypoints = Fact::Known(vec![]);
    facts.processes.rows =
        Fact::Known(vec![ProcessRow { pid: 7, ppid: 1, comm: "dockerd".into(), state: 'S' }]);
    assert!(found(&facts).summary.contains("PID 7 is dockerd"), "it is called so");
    facts.engines.running = Fact::Known(vec![EngineProcess {
        name: "dockerd".into(),
        pid: 7,
        arguments: Fact::Known(vec!["dockerd".into()]),
        same_mount_namespace: Some(true),
    }]);
    assert_eq!(judged(&facts), Ok(Outcome::pass()), "it is dockerd");
}

#[test]
fn a_lock_that_is_there_must_be_writable() {
    let mut facts = healthy_container();
    facts.scratch.xtables_lock = Fact::Known(Some(false));
    assert_eq!(found(&facts).severity, severities!(dockerd: Warning, kind: Warning));
    facts.runtime.variables =
        Fact::Known(vec![("XTABLES_LOCKFILE".into(), "/tmp/xtables.lock".into())]);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn healthy_environments_pass_noexec_or_not() {
    let mut facts = healthy_container();
    let Fact::Known(table) = &mut facts.mounts else { panic!() };
    table.rows.push(mount("/tmp", "tmpfs", &["noexec", "rw"]));
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
}

#[test]
fn without_access_it_is_unknown() {
    let mut facts = healthy_container();
    facts.scratch.run.writable = Fact::missing("/run", Why::TimedOut);
    assert!(judged(&facts).is_err());
    facts.identity.euid = Fact::missing("ids", Why::NotRecorded);
    assert!(judged(&facts).is_err());
}
