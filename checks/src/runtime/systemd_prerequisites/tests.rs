use super::*;
use crate::{
    facts::{CapabilitySet, Fact, Fact::Known},
    testing::{healthy_container, healthy_vm, tried},
};

/// What Docker gives without `--privileged`.
fn unprivileged() -> Facts {
    let mut facts = healthy_container();
    facts.capabilities.bounding = Known(CapabilitySet(0xa804_25fb));
    facts
}

fn without_run(mut facts: Facts) -> Facts {
    if let Known(table) = &mut facts.mounts {
        table.rows.retain(|m| m.mount_point != "/run");
    }
    facts
}

fn subjects(facts: &Facts) -> Vec<String> {
    match judged(facts) {
        Ok(Outcome::Found(findings)) => findings.into_iter().map(|f| f.subject).collect(),
        Ok(_) => Vec::new(),
        other => panic!("{other:?}"),
    }
}

fn named(facts: &mut Facts, read_only: bool) {
    facts.cgroup.version = Known(CgroupVersion::V1);
    facts.cgroup.mounts = Known(
        [CgroupMount {
            hierarchy: Hierarchy::Named("systemd".into()),
            mount_point: "/sys/fs/cgroup/systemd".into(),
            root: "/".into(),
            read_only,
            super_options: Vec::new(),
        }]
        .into(),
    );
}

#[test]
fn without_a_mount_at_run_and_the_right_to_make_it_systemd_freezes() {
    assert_eq!(subjects(&without_run(unprivileged())), ["/run"]);
}

#[test]
fn with_either_of_the_two_it_passes() {
    assert!(subjects(&unprivileged()).is_empty());
    assert!(subjects(&without_run(healthy_container())).is_empty());
}

#[test]
fn a_read_only_named_hierarchy_is_found() {
    let mut facts = healthy_container();
    named(&mut facts, true);
    assert_eq!(subjects(&facts), ["/sys/fs/cgroup/systemd"]);
    named(&mut facts, false);
    assert!(subjects(&facts).is_empty());
}

#[test]
fn hidden_cgroups_are_found_where_they_cannot_be_mounted() {
    let mut facts = unprivileged();
    facts.cgroup.version = Known(CgroupVersion::None);
    assert_eq!(subjects(&facts), ["/sys/fs/cgroup"]);
}

#[test]
fn a_host_and_systemd_itself_are_not_judged() {
    assert!(matches!(judged(&healthy_vm()), Ok(Outcome::NotApplicable(_))));
    let mut facts = without_run(unprivileged());
    facts.pid1.role = Role::Systemd;
    assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
}

#[test]
fn without_the_mount_table_it_is_unknown_but_what_is_certain_is_told() {
    let mut facts = healthy_container();
    facts.mounts = Fact::missing("/proc/self/mountinfo", Why::NotPermitted);
    assert!(judged(&facts).is_err());
    named(&mut facts, true);
    assert_eq!(subjects(&facts), ["/sys/fs/cgroup/systemd"]);
}

/// With trials in which a tmpfs was mounted and a cgroup made, or not.
fn tried_with(mut facts: Facts, mount: Option<i32>, cgroup: Option<&str>) -> Facts {
    tried(&mut facts, TrialName::Privilege, "", &[(Action::MountTmpfs, "", None)]);
    if let Some(errno) = mount {
        let action = Action::MountTmpfs;
        crate::testing::refused_step(&mut facts, TrialName::Privilege, action, errno, "E");
    }
    let place = match facts.cgroup.version {
        Known(CgroupVersion::V2) => "/sys/fs/cgroup",
        _ => "/sys/fs/cgroup/systemd",
    };
    let steps = [(Action::MakeDirectory, place, cgroup)];
    tried(&mut facts, TrialName::Cgroup, "/sys/fs/cgroup", &steps);
    facts
}

#[test]
fn what_systemd_may_not_do_either_is_found() {
    let refused = tried_with(without_run(healthy_container()), Some(13), None);
    assert_eq!(subjects(&refused), ["/run"], "AppArmor, with every capability");
    let mut facts = healthy_container();
    named(&mut facts, false);
    assert_eq!(subjects(&tried_with(facts, None, Some("EACCES"))), ["/sys/fs/cgroup/systemd"]);
}

#[test]
fn what_was_done_is_no_alarm() {
    let facts = tried_with(without_run(unprivileged()), None, None);
    assert_eq!(judged(&facts), Ok(Outcome::proved()));
    let mut facts = healthy_container();
    named(&mut facts, false);
    assert_eq!(judged(&tried_with(facts, None, None)), Ok(Outcome::proved()));
}

#[test]
fn without_trials_it_is_judged_as_before() {
    let mut facts = tried_with(without_run(unprivileged()), None, None);
    facts.trials.runs[0].steps.clear();
    assert_eq!(subjects(&facts), ["/run"]);
    let mut facts = tried_with(healthy_container(), Some(13), Some("EACCES"));
    for trial in &mut facts.trials.runs {
        trial.ending = crate::facts::Ending::Skipped("no process can be forked".into());
    }
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}
