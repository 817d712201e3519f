//! Over all scenarios, every check is seen at work.

use std::collections::{BTreeMap, BTreeSet};

use dind_doctor::report::Status;
use dind_doctor_checks::registry;

use super::hosts;

#[test]
fn every_check_is_seen_as_finding_as_pass_and_as_neither() {
    let mut seen: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for host in hosts() {
        for check in host.report().checks {
            let kind = match check.status {
                Status::Finding => "finding",
                Status::Pass => "pass",
                Status::Unknown | Status::NotApplicable => "neither",
                Status::Crashed => "crashed",
            };
            seen.entry(check.id).or_default().insert(kind);
        }
    }
    let all = BTreeSet::from(["finding", "pass", "neither"]);
    let lacking: BTreeMap<_, Vec<_>> = registry::all()
        .map(|(_, check)| {
            let seen = seen.get(check.id).cloned().unwrap_or_default();
            (check.id, all.difference(&seen).copied().collect())
        })
        .filter(|(_, lacking): &(_, Vec<_>)| !lacking.is_empty())
        .collect();
    assert!(lacking.is_empty(), "never seen in any scenario: {lacking:#?}");
}
