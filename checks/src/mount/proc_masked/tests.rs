use super::*;
use crate::{
    facts::{CapabilitySet, Fact},
    target::Severity,
    testing::{healthy_container, healthy_vm, mount},
};

fn with_mounts(extra: &[(&str, &str)]) -> Facts {
    let mut facts = healthy_container();
    let Fact::Known(table) = &mut facts.mounts else { panic!() };
    table.rows.extend(extra.iter().map(|(place, fstype)| {
        let root = if *fstype == "proc" { place.trim_start_matches("/proc") } else { "/" };
        Mount { root: root.into(), ..mount(place, fstype, &["ro"]) }
    }));
    facts
}

fn masked() -> Facts {
    with_mounts(&[
        ("/proc/kcore", "tmpfs"),
        ("/proc/keys", "tmpfs"),
        ("/proc/acpi", "tmpfs"),
        ("/proc/bus", "proc"),
        ("/proc/sys", "proc"),
    ])
}

fn severities(facts: &Facts) -> [Option<Severity>; 3] {
    match judged(facts) {
        Ok(Outcome::Found(found)) => {
            [Target::Dockerd, Target::Rootless, Target::Buildkit].map(|t| found[0].severity.get(t))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn masked_paths_stop_rootless_engines_and_never_dockerd() {
    assert_eq!(severities(&masked()), [None, Some(Severity::Error), None]);
}

#[test]
fn buildkit_is_stopped_where_it_must_run_rootless() {
    let error = Some(Severity::Error);
    let mut user = masked();
    user.identity.euid = Fact::Known(1000);
    assert_eq!(severities(&user), [None, error, error]);
    let mut unprivileged = masked();
    let default = CapabilitySet(0xa804_25fb);
    unprivileged.capabilities.effective = Fact::Known(default);
    unprivileged.capabilities.bounding = Fact::Known(default);
    assert_eq!(severities(&unprivileged), [None, error, error]);
    let Ok(Outcome::Found(found)) = judged(&unprivileged) else { panic!() };
    assert_eq!(found[0].caused_by, ["privilege-missing"]);
    assert!(found[0].summary.contains("/proc/acpi") && found[0].summary.contains("and 1 more"));
}

#[test]
fn buildkit_without_a_process_sandbox_needs_no_new_proc() {
    let mut facts = masked();
    facts.identity.euid = Fact::Known(1000);
    facts.runtime.variables = Fact::Known(alloc::vec![(
        "BUILDKITD_FLAGS".into(),
        "--oci-worker-no-process-sandbox".into()
    )]);
    assert_eq!(severities(&facts), [None, Some(Severity::Error), None]);
}

#[test]
fn an_unmasked_proc_passes_in_a_container_and_a_vm() {
    assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
    assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
}

#[test]
fn mounts_on_directories_that_are_always_empty_hide_nothing() {
    let facts = with_mounts(&[("/proc/sys/fs/binfmt_misc", "autofs"), ("/proc/fs/nfsd", "nfsd")]);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn another_complete_proc_is_enough() {
    let mut facts = masked();
    let Fact::Known(table) = &mut facts.mounts else { panic!() };
    table.rows.push(mount("/mnt/proc", "proc", &["rw"]));
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn a_read_only_proc_allows_no_writable_one() {
    let mut facts = healthy_container();
    let Fact::Known(table) = &mut facts.mounts else { panic!() };
    for row in table.rows.iter_mut().filter(|row| row.mount_point == "/proc") {
        row.options = ["ro".into()].into();
    }
    assert!(matches!(judged(&facts), Ok(Outcome::Found(_))));
}

#[test]
fn sysbox_is_not_judged() {
    let mut facts = masked();
    facts.runtime.sandbox = Sandbox::Sysbox;
    assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
}

#[test]
fn without_mounts_it_is_unknown() {
    let mut facts = masked();
    facts.mounts = Fact::missing("/proc/self/mountinfo", Why::NotPermitted);
    assert!(judged(&facts).is_err());
}

#[test]
fn a_proc_that_was_mounted_is_not_masked_and_one_that_was_refused_is() {
    use crate::testing::tried;
    let with = |mut facts: Facts, refused| {
        tried(&mut facts, TrialName::Userns, "uid 1000", &[(Action::MountProc, "", refused)]);
        facts
    };
    assert_eq!(judged(&with(masked(), None)), Ok(Outcome::proved()));
    for facts in [masked(), healthy_container()] {
        let Ok(Outcome::Found(found)) = judged(&with(facts, Some("EPERM"))) else { panic!() };
        assert!(found[0].severity.within(&CHECK.worst));
        assert_eq!(found[0].evidence.last().unwrap().source, "trial: mount proc (uid 1000)");
    }
}

/// `unshare --mount-proc` leaves the old proc below the new one, which lies on the whole of it.
#[test]
fn a_proc_that_another_one_covers_is_not_visible() {
    let mut facts = healthy_container();
    let Fact::Known(table) = &mut facts.mounts else { panic!() };
    let lower = table.rows.iter().find(|row| row.fstype == "proc").unwrap().clone();
    let upper = Mount { id: 901, parent: lower.id, ..lower };
    let mask =
        Mount { id: 902, parent: 901, root: "/sys".into(), ..mount("/proc/sys", "proc", &["ro"]) };
    table.rows.extend([upper, mask]);
    let Ok(Outcome::Found(found)) = judged(&facts) else { panic!("{:?}", judged(&facts)) };
    assert_eq!(found[0].severity.get(Target::Sandbox), Some(Severity::Error));
    assert!(found[0].summary.contains("/proc/sys"), "{}", found[0].summary);
}

#[test]
fn a_podman_that_gives_containers_this_proc_mounts_no_other() {
    let mut facts = masked();
    facts.identity.euid = Fact::Known(1000);
    let said = |facts: &Facts| crate::testing::said_of(&CHECK, facts, Target::Podman);
    assert!(matches!(said(&facts), Ok(Outcome::Found(_))));
    facts.resources.podman_defaults = Fact::Known(PodmanDefaults {
        volumes: alloc::vec!["/proc".into()],
        ..PodmanDefaults::default()
    });
    assert!(matches!(said(&facts), Ok(Outcome::NotApplicable(_))));
}

#[test]
fn a_bubblewrap_that_is_root_mounts_proc_as_root() {
    use crate::testing::said_of;
    let sandbox = |facts: &Facts| said_of(&CHECK, facts, Target::Sandbox);
    let mut facts = masked();
    assert!(matches!(sandbox(&facts), Ok(Outcome::Found(_))));
    facts.userns.set_user_id_bwrap = Fact::Known(true);
    assert!(matches!(sandbox(&facts), Ok(Outcome::NotApplicable(_))));
    let mut no_new_privs = facts.clone();
    no_new_privs.security.no_new_privs = Fact::Known(true);
    assert!(matches!(sandbox(&no_new_privs), Ok(Outcome::Found(_))));
    let mut without = facts.clone();
    without.capabilities.bounding = Fact::Known(CapabilitySet(0xa804_25fb));
    assert!(matches!(sandbox(&without), Ok(Outcome::Found(_))));
    facts.identity.namespaces.user = crate::testing::private(4_026_532_000);
    assert!(matches!(sandbox(&facts), Ok(Outcome::Found(_))), "root of a user namespace");
}
