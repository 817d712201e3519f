use alloc::vec;

use super::*;
use crate::{
    facts::{CapabilitySet, Ending, Fact, Missing, Text, Why},
    testing::{healthy_container, healthy_vm, mount, refused_step, tried as add_trial},
};

fn with_read_only(places: &[&str]) -> Facts {
    let mut facts = healthy_container();
    let Fact::Known(table) = &mut facts.mounts else { panic!() };
    table.rows.extend(places.iter().map(|place| mount(place, "proc", &["ro", "nosuid"])));
    facts
}

fn with_cgroups(mounts: &[(Hierarchy, &str)]) -> Facts {
    let mut facts = healthy_container();
    facts.cgroup.mounts = Fact::Known(
        mounts
            .iter()
            .map(|(hierarchy, place)| CgroupMount {
                hierarchy: hierarchy.clone(),
                mount_point: Text::from(*place),
                root: "/".into(),
                read_only: true,
                super_options: vec![],
            })
            .collect(),
    );
    facts
}

fn only_finding(facts: &Facts) -> Finding {
    match judged(facts) {
        Ok(Outcome::Found(mut found)) if found.len() == 1 => found.remove(0),
        other => panic!("{other:?}"),
    }
}

fn docker(finding: &Finding) -> Option<Severity> {
    finding.severity.get(Target::Dockerd)
}

#[test]
fn read_only_sysctls_stop_a_new_docker_and_hinder_an_old_one() {
    let mut facts = with_read_only(&["/proc/sys"]);
    let new = only_finding(&facts);
    assert_eq!(docker(&new), Some(Severity::Error));
    assert_eq!(new.assumed.len(), 1);
    facts.versions.give(Component::Docker, Version::new(20, 10, 24));
    let old = only_finding(&facts);
    assert_eq!(docker(&old), Some(Severity::Warning));
    assert_eq!(old.severity.get(Target::Kind), Some(Severity::Error));
    facts.versions.give(Component::Docker, Version::new(19, 3, 11));
    assert_eq!(docker(&only_finding(&facts)), Some(Severity::Error));
}

#[test]
fn ipv6_that_may_stay_on_is_no_error() {
    let mut facts = with_read_only(&["/proc/sys"]);
    facts.runtime.variables = Fact::Known(vec![(ALLOW_IPV6.into(), "1".into())]);
    assert_eq!(docker(&only_finding(&facts)), Some(Severity::Warning));
}

#[test]
fn the_cause_is_the_missing_privilege_where_it_is_missing() {
    let mut facts = with_read_only(&["/proc/sys"]);
    let privileged = only_finding(&facts);
    assert!(privileged.caused_by.is_empty());
    assert!(privileged.remedies.iter().any(|remedy| remedy.place == Place::Here));
    facts.capabilities.bounding = Fact::Known(CapabilitySet(0xa804_25fb));
    facts.capabilities.effective = Fact::Known(CapabilitySet(0xa804_25fb));
    let unprivileged = only_finding(&facts);
    assert_eq!(unprivileged.caused_by, ["privilege-missing"]);
    assert!(unprivileged.remedies.iter().all(|remedy| remedy.place != Place::Here));
}

#[test]
fn a_read_only_cgroup_hierarchy_is_found_on_both_versions() {
    let v2 = with_cgroups(&[(Hierarchy::Unified, "/sys/fs/cgroup")]);
    assert!(only_finding(&v2).caused_by.contains(&"cgroup2-not-delegated"));
    let memory = Hierarchy::Controllers(vec!["memory".into()]);
    let v1 = with_cgroups(&[(memory, "/sys/fs/cgroup/memory")]);
    assert_eq!(only_finding(&v1).severity, CHECK.worst);
}

#[test]
fn hierarchies_that_engines_do_not_use_do_not_count() {
    let mut hybrid = with_cgroups(&[
        (Hierarchy::Unified, "/sys/fs/cgroup/unified"),
        (Hierarchy::Named("systemd".into()), "/sys/fs/cgroup/systemd"),
        (Hierarchy::Controllers(vec!["memory".into()]), "/sys/fs/cgroup/memory"),
    ]);
    let Fact::Known(mounts) = &mut hybrid.cgroup.mounts else { panic!() };
    mounts[2].read_only = false;
    assert_eq!(judged(&hybrid), Ok(Outcome::pass()));
}

#[test]
fn writable_mounts_pass() {
    assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
}

#[test]
fn a_read_only_sys_alone_is_as_systemd_wants_it() {
    let facts = with_read_only(&["/sys"]);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn writable_network_sysctls_below_read_only_ones_are_enough() {
    let mut facts = with_read_only(&["/proc/sys"]);
    let Fact::Known(table) = &mut facts.mounts else { panic!() };
    table.rows.push(mount("/proc/sys/net", "proc", &["rw"]));
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn of_a_vm_only_cgroups_are_judged() {
    let mut facts = healthy_vm();
    assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
    let Fact::Known(mounts) = &mut facts.cgroup.mounts else { panic!() };
    mounts[0].read_only = true;
    let closed = only_finding(&facts);
    assert_eq!(closed.remedies[0].change.commands(), ["mount -o remount,bind,rw /sys/fs/cgroup"]);
}

#[test]
fn without_mounts_it_is_unknown_unless_one_is_certain() {
    let missing = || Missing::new("/proc/self/mountinfo", Why::NotPermitted);
    let mut facts = with_read_only(&["/proc/sys"]);
    facts.cgroup.mounts = Fact::Missing(missing());
    assert_eq!(only_finding(&facts).subject, "/proc/sys");
    facts.mounts = Fact::Missing(missing());
    assert!(judged(&facts).is_err());
    let mut facts = healthy_container();
    facts.cgroup.mounts = Fact::Missing(missing());
    assert!(judged(&facts).is_err());
}

/// With a trial of sysctls that ended so, and one in which a cgroup was made.
fn tried_with(mut facts: Facts, refused: Option<(i32, &str)>) -> Facts {
    let name = "net/ipv4/ip_forward";
    add_trial(&mut facts, TrialName::Sysctl, "", &[(Action::WriteSysctl, name, None)]);
    if let Some((errno, what)) = refused {
        refused_step(&mut facts, TrialName::Sysctl, Action::WriteSysctl, errno, what);
    }
    let steps = [(Action::MakeDirectory, "/sys/fs/cgroup", None)];
    add_trial(&mut facts, TrialName::Cgroup, "/sys/fs/cgroup", &steps);
    facts
}

#[test]
fn what_may_not_be_written_is_found_whoever_refuses() {
    let facts = tried_with(with_read_only(&["/proc/sys"]), Some((30, "EROFS")));
    let finding = only_finding(&facts);
    let last = finding.evidence.last().unwrap();
    assert_eq!(
        (&*last.source, &*last.value),
        ("trial: write a sysctl (net/ipv4/ip_forward)", "EROFS")
    );
    assert_eq!(docker(&finding), Some(Severity::Error));
    let mut facts = tried_with(healthy_container(), Some((13, "EACCES")));
    facts.security.label = Fact::Known("docker-default (enforce)".into());
    let finding = only_finding(&facts);
    assert_eq!(finding.severity, CHECK.worst);
    assert!(
        finding.summary.starts_with("/proc/sys/net/ipv4/ip_forward cannot be written (EACCES)")
    );
    assert!(finding.remedies.iter().all(|remedy| remedy.place != Place::Here), "not read-only");
}

#[test]
fn what_was_written_is_no_alarm() {
    assert_eq!(judged(&tried_with(healthy_container(), None)), Ok(Outcome::proved()));
    assert_eq!(judged(&tried_with(with_read_only(&["/proc/sys"]), None)), Ok(Outcome::proved()));
    let closed = tried_with(with_cgroups(&[(Hierarchy::Unified, "/sys/fs/cgroup")]), None);
    assert_eq!(judged(&closed), Ok(Outcome::proved()));
    // A file that this kernel lacks, or a capability, says nothing of the mount.
    for other in [(2, "ENOENT"), (1, "EPERM")] {
        assert_eq!(judged(&tried_with(healthy_container(), Some(other))), Ok(Outcome::pass()));
    }
}

#[test]
fn a_cgroup_that_was_refused_is_proof() {
    let mut facts = with_cgroups(&[(Hierarchy::Unified, "/sys/fs/cgroup")]);
    let steps = [(Action::MakeDirectory, "/sys/fs/cgroup", Some("EROFS"))];
    add_trial(&mut facts, TrialName::Cgroup, "/sys/fs/cgroup", &steps);
    assert_eq!(only_finding(&facts).proof(), crate::outcome::Proof::Trial);
}

#[test]
fn without_trials_it_is_judged_as_before() {
    for (facts, found) in [(with_read_only(&["/proc/sys"]), true), (healthy_container(), false)] {
        let mut facts = tried_with(facts, Some((13, "EACCES")));
        for trial in &mut facts.trials.runs {
            trial.ending = Ending::Skipped("no process can be forked".into());
        }
        assert_eq!(matches!(judged(&facts), Ok(Outcome::Found(_))), found);
        // No network namespace: nothing was written.
        let mut facts = tried_with(healthy_container(), None);
        facts.trials.runs[0].steps.clear();
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }
}
