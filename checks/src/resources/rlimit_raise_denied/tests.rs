use alloc::vec;

use super::*;
use crate::{
    facts::{CapabilitySet, Ending, Why},
    remedy::Change,
    resources::testing::{is_not_applicable, only_finding},
    target::{Severity, Target},
    testing::{healthy_container, healthy_vm, private, tried},
};

/// Root with CAP_SYS_ADMIN, without CAP_SYS_RESOURCE.
fn confined(hard: u64) -> Facts {
    let mut facts = healthy_container();
    let without = CapabilitySet(1 << Capability::SYS_RESOURCE.0);
    let all = CapabilitySet::up_to(40);
    facts.capabilities.effective = Fact::Known(all.without(without));
    facts.resources.open_files = Fact::Known(Rlimit { soft: Some(1024), hard: Some(hard) });
    facts
}

fn asking(mut facts: Facts, hard: Option<u64>) -> Facts {
    facts.resources.podman_ulimits = Fact::Known(vec![DefaultUlimit {
        name: "nofile".into(),
        hard,
        source: "/etc/containers/containers.conf".into(),
    }]);
    facts
}

#[test]
fn more_than_the_hard_limit_is_found() {
    let finding = only_finding(judged(&asking(confined(4096), Some(65_536))));
    assert_eq!(finding.severity, severities!(rootless: Error));
    assert!(finding.summary.contains("nofile=65536") && finding.summary.contains("4096"));
    assert!(only_finding(judged(&asking(confined(4096), None))).summary.contains("unlimited"));
}

#[test]
fn podman_as_root_asked_by_itself_before_5_4() {
    let mut facts = confined(524_288);
    assert!(is_not_applicable(&judged(&facts)));
    facts.versions.read(Component::Podman, Version::new(4, 3, 1), "dpkg");
    assert!(only_finding(judged(&facts)).summary.contains("1048576"));
    // As many processes as there are PIDs are more than it may have: then it asks for nothing at all.
    let mut few = facts.clone();
    few.resources.processes = Fact::Known(Rlimit { soft: None, hard: Some(96_365) });
    assert!(is_not_applicable(&judged(&few)));
    few.resources.pid_max = Fact::Known(32_768);
    assert!(only_finding(judged(&few)).summary.contains("1048576"));
    let mut later = confined(524_288);
    later.versions.read(Component::Podman, Version::new(5, 4, 0), "dpkg");
    assert!(is_not_applicable(&judged(&later)));
    facts.capabilities.effective = Fact::Known(CapabilitySet(0xa804_25fb));
    assert!(is_not_applicable(&judged(&facts)));
}

/// The list is one key: with one of them only, the other is refused next.
#[test]
fn one_remedy_lowers_all_limits_that_are_too_large() {
    let mut facts = asking(confined(4096), Some(65_536));
    facts.resources.processes = Fact::Known(Rlimit { soft: None, hard: Some(9000) });
    let Fact::Known(asked) = &mut facts.resources.podman_ulimits else { panic!() };
    asked.push(DefaultUlimit { name: "nproc".into(), ..asked[0].clone() });
    let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
    let tree = serde_json::json!({"containers": {"default_ulimits": ["nofile=4096:4096", "nproc=9000:9000"]}});
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|f| f.remedies[0].change == Change::ContainersConf(tree.clone())));
}

#[test]
fn enough_passes_and_so_does_the_capability() {
    assert_eq!(judged(&asking(confined(65_536), Some(65_536))), Ok(Outcome::pass()));
    assert_eq!(judged(&asking(healthy_vm(), Some(1 << 30))), Ok(Outcome::pass()));
    let mut facts = asking(healthy_container(), Some(1 << 30));
    facts.identity.namespaces.user = private(4_026_532_600);
    assert_eq!(only_finding(judged(&facts)).severity, severities!(rootless: Error));
}

#[test]
fn without_the_limits_it_is_unknown() {
    let mut facts = asking(confined(4096), Some(65_536));
    facts.resources.open_files = Fact::missing("/proc/self/limits", Why::NotPermitted);
    assert!(judged(&facts).is_err());
    facts.capabilities.effective = Fact::missing("CapEff", Why::NotFound);
    assert!(judged(&facts).is_err());
}

/// With a trial in which setting this many files failed so, or worked.
fn tried_with(mut facts: Facts, hard: u64, what: Option<&str>) -> Facts {
    let object = format!("nofile={hard}");
    tried(&mut facts, TrialName::Rlimit, "", &[(Action::RaiseLimit, &object, what)]);
    facts
}

#[test]
fn a_limit_that_was_refused_is_proof() {
    let facts = asking(confined(4096), Some(65_536));
    let finding = only_finding(judged(&tried_with(facts, 65_536, Some("EPERM"))));
    let last = finding.evidence.last().unwrap();
    assert_eq!((&*last.source, &*last.value), ("trial: set a limit (nofile=65536)", "EPERM"));
    assert!(finding.summary.contains("4096"));
    // More than fs.nr_open.
    let mut facts = asking(healthy_vm(), Some(1 << 30));
    facts.resources.open_files = Fact::missing("/proc/self/limits", Why::NotPermitted);
    let finding = only_finding(judged(&tried_with(facts, 1 << 30, Some("EPERM"))));
    assert!(finding.summary.ends_with("cannot set it: EPERM"), "{}", finding.summary);
}

#[test]
fn a_limit_that_was_set_is_no_alarm() {
    let facts = asking(confined(4096), Some(65_536));
    assert_eq!(judged(&tried_with(facts.clone(), 65_536, None)), Ok(Outcome::proved()));
    let other = tried_with(facts, 1 << 20, None);
    assert_eq!(
        only_finding(judged(&other)).severity,
        severities!(rootless: Error),
        "another one was tried"
    );
}

#[test]
fn without_a_trial_it_is_judged_as_before() {
    let mut facts = tried_with(asking(confined(4096), Some(65_536)), 65_536, None);
    facts.trials.runs[0].ending = Ending::Skipped("no process can be forked".into());
    assert_eq!(only_finding(judged(&facts)).severity, severities!(rootless: Error));
}

#[test]
fn it_hurts_the_podman_that_is_asked_for() {
    let facts = asking(confined(4096), Some(65_536));
    let Ok(Outcome::Found(found)) = crate::testing::said_of(&CHECK, &facts, Target::Podman) else {
        panic!()
    };
    assert_eq!(found[0].severity.get(Target::Podman), Some(Severity::Error));
}
