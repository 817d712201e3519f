//! Over all scenarios, every check is seen at work: as finding, as pass, and as neither (unknown or not
//! applicable). What no scenario shows yet is listed in `not_yet_seen.toml`; whoever records one takes it
//! off the list.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use dind_doctor::report::Status;
use dind_doctor_checks::registry;

use super::hosts;

const HEADER: &str =
    "# What no recorded environment shows yet, by check; each has unit tests for it.\n";

#[test]
fn every_check_is_seen_as_finding_as_pass_and_as_neither_but_for_those_listed() {
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
    let lacking: BTreeMap<&str, Vec<&str>> = registry::all()
        .map(|(_, check)| {
            let seen = seen.get(check.id).cloned().unwrap_or_default();
            (check.id, all.difference(&seen).copied().collect())
        })
        .filter(|(_, lacking): &(_, Vec<_>)| !lacking.is_empty())
        .collect();
    let listed: BTreeMap<String, Vec<String>> =
        toml::from_str(include_str!("not_yet_seen.toml")).expect("not_yet_seen.toml");
    if std::env::var_os("DOCTOR_BLESS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/not_yet_seen.toml");
        let text = toml::to_string(&lacking).expect("TOML");
        std::fs::write(path, format!("{HEADER}{text}")).expect("not_yet_seen.toml");
        return;
    }
    let lacking: BTreeMap<String, Vec<String>> = lacking
        .into_iter()
        .map(|(id, kinds)| (id.to_owned(), kinds.into_iter().map(str::to_owned).collect()))
        .collect();
    assert_eq!(lacking, listed, "a scenario shows more, or less, than not_yet_seen.toml says");
}
