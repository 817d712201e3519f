use alloc::vec;

use super::*;
use crate::{
    facts::{Fact, InotifyUser},
    resources::testing::{is_not_applicable, only_finding},
    testing::{healthy_container, healthy_vm},
};

fn limited(mut facts: Facts, instances: u64, open: u32) -> Facts {
    facts.resources.inotify.instances = Fact::Known(instances);
    facts.resources.inotify.in_use = Fact::Known(InotifyUse {
        users: vec![InotifyUser { uid: 0, instances: open }],
        ..InotifyUse::default()
    });
    facts
}

fn kind(facts: &Facts) -> Option<Severity> {
    only_finding(judged(facts)).severity.get(Target::Kind)
}

#[test]
fn in_a_container_the_default_is_a_warning_for_kind() {
    let finding = only_finding(judged(&limited(healthy_container(), 128, 3)));
    assert_eq!(
        finding.severity,
        severities!(dockerd: Info, kind: Warning, rootless: Info, systemd: Info)
    );
    assert!(finding.summary.contains("128") && finding.summary.contains("at least 3"));
    assert!(finding.remedies[0].change.commands()[0].contains("fs.inotify.max_user_instances=512"));
}

#[test]
fn on_an_idle_vm_the_default_is_enough_for_a_first_node() {
    assert_eq!(
        only_finding(judged(&limited(healthy_vm(), 128, 10))).severity,
        severities!(kind: Info)
    );
}

#[test]
fn a_vm_that_is_nearly_out_of_them_blocks() {
    assert_eq!(kind(&limited(healthy_vm(), 128, 60)), Some(Severity::Warning));
    assert_eq!(kind(&limited(healthy_vm(), 128, 100)), Some(Severity::Error));
    assert_eq!(kind(&limited(healthy_vm(), 8192, 8180)), Some(Severity::Error));
    assert!(only_finding(judged(&limited(healthy_vm(), 8192, 8190))).severity.within(&CHECK.worst));
}

#[test]
fn a_node_takes_less_on_version_1() {
    let mut facts = limited(healthy_vm(), 128, 90);
    assert_eq!(kind(&facts), Some(Severity::Error));
    facts.cgroup.version = Fact::Known(crate::facts::CgroupVersion::V1);
    assert_eq!(kind(&facts), Some(Severity::Warning));
}

#[test]
fn the_limit_of_the_user_namespace_counts_where_it_is_the_least() {
    let mut facts = healthy_container();
    facts.resources.inotify.namespace_instances = Fact::Known(16);
    let finding = only_finding(judged(&facts));
    assert_eq!(finding.subject, "user.max_inotify_instances");
    assert_eq!(finding.remedies[0].place, Place::Here);
    assert_eq!(kind(&facts), Some(Severity::Error));
}

#[test]
fn few_watches_are_a_warning_and_the_scaled_default_passes() {
    let mut facts = healthy_container();
    facts.resources.inotify.watches = Fact::Known(8192);
    assert_eq!(kind(&facts), Some(Severity::Warning));
    facts.resources.inotify.watches = Fact::Known(30_763);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn what_is_certain_is_found_though_the_use_is_not_known() {
    let mut facts = limited(healthy_vm(), 128, 0);
    facts.resources.inotify.in_use = Fact::missing("/proc", Why::NotRecorded);
    assert_eq!(kind(&facts), Some(Severity::Warning));
}

#[test]
fn without_the_limit_it_is_unknown_and_a_kernel_without_one_is_not_judged() {
    let mut facts = healthy_vm();
    facts.resources.inotify.instances = Fact::missing("max_user_instances", Why::NotPermitted);
    assert!(judged(&facts).is_err());
    facts.resources.inotify.instances = Fact::missing("max_user_instances", Why::NotFound);
    assert!(is_not_applicable(&judged(&facts)));
}

#[test]
fn what_cannot_be_made_is_not_there_whatever_the_limit_says() {
    use crate::{
        facts::{Action, TrialName},
        testing::tried,
    };
    let with = |refused| {
        let mut facts = limited(healthy_vm(), 8192, 0);
        let step = (Action::MakeInotify, "64 instances", refused);
        tried(&mut facts, TrialName::Inotify, "", &[step]);
        facts
    };
    assert_eq!(judged(&with(None)), Ok(Outcome::proved()));
    let facts = with(Some("EMFILE after 3"));
    assert_eq!(kind(&facts), Some(Severity::Error));
    let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
    assert_eq!(found[0].evidence.last().unwrap().value, "EMFILE after 3");
}
