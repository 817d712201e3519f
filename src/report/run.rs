//! Runs one check, and keeps its panic to itself.

use std::collections::BTreeMap;

use dind_doctor_checks::{
    Check,
    facts::{Facts, Missing},
    outcome::{Outcome, Proof},
    registry::Area,
    remedy::{Place, Remedy},
};

use super::{CheckReport, Ignored, Options, Status, ignore, severity, unknown};
use crate::isolated::isolated;

/// Runs `check` over `facts`.
pub(crate) fn judge(
    area: Area,
    check: &'static Check,
    facts: &Facts,
    options: &Options,
) -> CheckReport {
    let mut report = CheckReport {
        id: check.id,
        area,
        title: check.title,
        doc: check.doc,
        worst: check.worst,
        status: Status::Pass,
        severity: None,
        proof: Proof::Static,
        reason: None,
        missing: Vec::new(),
        remedies: Vec::new(),
        ignored: options.ignores(area, check.id).map(Ignored::from),
        overridden: None,
        findings: Vec::new(),
        fails: false,
        set_aside: Vec::new(),
        accepted: BTreeMap::new(),
    };
    match isolated(|| (check.run)(facts)) {
        Ok(Ok(outcome)) => {
            report.proof = outcome.proof();
            match outcome {
                Outcome::Found(findings) if !findings.is_empty() => {
                    report.status = Status::Finding;
                    for missing in findings.iter().flat_map(|finding| &finding.missing) {
                        if !report.missing.contains(missing) {
                            report.missing.push(missing.clone());
                        }
                    }
                    report.findings = findings;
                    if facts.runtime.container.is_no() {
                        report.findings.iter_mut().for_each(|f| drop_launching(&mut f.remedies));
                    }
                }
                Outcome::Found(_) | Outcome::Pass(_) => {}
                Outcome::NotApplicable(reason) => {
                    report.status = Status::NotApplicable;
                    report.reason = Some(reason);
                }
            }
        }
        Ok(Err(unknown)) => {
            report.status = Status::Unknown;
            report.reason = Some(reason(&unknown.missing));
            report.remedies = match unknown.remedy {
                Some(remedy) => vec![remedy],
                None => unknown::remedies(&unknown.missing, facts),
            };
            report.missing = unknown.missing;
        }
        Err(message) => {
            report.status = Status::Crashed;
            report.reason = Some(message);
        }
    }
    ignore::set_aside(&mut report, options);
    severity::replace(&mut report, options);
    report.severity = report.found().worst(&options.targets);
    report
}

/// Nothing launches what is not a container; a remedy that is the only one may still tell something.
fn drop_launching(remedies: &mut Vec<Remedy>) {
    if remedies.iter().any(|remedy| remedy.place != Place::Container) {
        remedies.retain(|remedy| remedy.place != Place::Container);
    }
}

fn reason(missing: &[Missing]) -> String {
    let each: Vec<_> = missing.iter().map(|m| format!("{}: {}", m.source, m.why)).collect();
    each.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{check, crashed, report_of, unknown};

    #[test]
    fn a_panic_is_one_crashed_check_and_the_next_one_runs() {
        let report = report_of(&[crashed!("first", "B/-/-/-/-"), check!("second", "B/-/-/-/-")]);
        assert_eq!(report.checks[0].status, Status::Crashed);
        let reason = report.checks[0].reason.as_deref().unwrap_or_default();
        assert!(reason.starts_with("out of cheese ("), "{reason}");
        assert!(reason.contains(".rs:"), "{reason}");
        assert_eq!(report.checks[1].status, Status::Pass);
    }

    #[test]
    fn what_is_missing_is_named_with_a_remedy() {
        let report = report_of(&[unknown!("blind", "B/-/-/-/-")]);
        let check = &report.checks[0];
        assert_eq!(check.reason.as_deref(), Some("/proc/1/status: not-permitted"));
        assert_eq!(check.remedies.len(), 1);
    }

    #[test]
    fn on_a_machine_nothing_is_launched_unless_that_is_all_there_is_to_say() {
        let at = |place| Remedy::advice(place, place.name());
        let mut both = vec![at(Place::Container), at(Place::Host)];
        drop_launching(&mut both);
        assert_eq!(both, [at(Place::Host)]);
        let mut only = vec![at(Place::Container)];
        drop_launching(&mut only);
        assert_eq!(only, [at(Place::Container)]);
    }
}
