//! Which finding explains which.

use std::collections::BTreeSet;

use super::{CheckReport, Status};

/// Leaves in `caused_by` only other checks of this report that found something that counts.
pub(super) fn prune(checks: &mut [CheckReport]) {
    let present: BTreeSet<_> = checks
        .iter()
        .filter(|check| check.status == Status::Finding && check.counts())
        .map(|check| check.id)
        .collect();
    for check in checks {
        let aside = check.set_aside.iter_mut().map(|aside| &mut aside.finding);
        for finding in check.findings.iter_mut().chain(aside) {
            finding.caused_by.retain(|id| *id != check.id && present.contains(id));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::report::{
        Options, Selector,
        testing::{check, found, report_of, report_with},
    };

    #[test]
    fn only_other_findings_of_this_report_are_causes() {
        let report = report_of(&[
            found!("effect", {dockerd: Error}, "cause", "passed", "absent", "effect"),
            found!("cause", {dockerd: Error}),
            check!("passed", {dockerd: Error}),
        ]);
        assert_eq!(report.checks[0].findings[0].caused_by, ["cause"]);
    }

    #[test]
    fn what_is_ignored_explains_nothing() {
        let options = Options {
            ignore: vec![Selector::Check("cause".to_owned()).into()],
            ..Options::default()
        };
        let report = report_with(
            &[found!("cause", {dockerd: Error}), found!("effect", {dockerd: Error}, "cause")],
            &options,
        );
        assert!(report.checks[1].findings[0].caused_by.is_empty());
        assert_eq!(report.targets[0].blockers, ["effect"]);
    }
}
