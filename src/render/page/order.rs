//! In which order findings are told, and what of their causes is named.

use std::cmp::Reverse;

use super::Check;

/// How bad a severity is; what a later release may name is at least worth reading.
fn badness(severity: &str) -> u8 {
    match severity {
        "error" => 3,
        "warning" => 2,
        "info" => 0,
        _ => 1,
    }
}

/// What is new first, then worst first, then in report order, which has causes first. Of causes only those stay that
/// are told too.
pub(super) fn found(found: &mut [Check]) {
    let told: Vec<_> = found.iter().map(|check| check.id.clone()).collect();
    for check in found.iter_mut() {
        check.caused_by.retain(|id| told.contains(id));
    }
    found.sort_by_key(|check| {
        let is_new = !check.known && badness(&check.severity) > 0;
        Reverse((is_new, badness(&check.severity)))
    });
}

/// Notes that a target is hurt so badly, if it is not hurt worse.
pub(super) fn worse(hurt: &mut Vec<(String, String)>, target: &str, severity: &str) {
    match hurt.iter_mut().find(|(name, _)| name == target) {
        Some((_, known)) if badness(known) < badness(severity) => severity.clone_into(known),
        Some(_) => {}
        None => hurt.push((target.to_owned(), severity.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: &str, severity: &str, known: bool, cause: &str) -> Check {
        let caused_by = vec![cause.to_owned()];
        Check { id: id.into(), severity: severity.into(), known, caused_by, ..Check::default() }
    }

    #[test]
    fn what_is_new_and_bad_comes_first_and_only_causes_that_are_told_are_named() {
        let mut checks = [
            check("hint", "info", false, "gone"),
            check("known", "error", true, "new"),
            check("new", "warning", false, "hint"),
            check("worst", "error", false, "worse"),
        ];
        found(&mut checks);
        let told = checks.each_ref().map(|check| (check.id.as_str(), check.caused_by.len()));
        assert_eq!(told, [("worst", 0), ("new", 1), ("known", 1), ("hint", 0)]);
    }

    #[test]
    fn of_two_severities_for_a_target_the_worse_counts() {
        let mut hurt = Vec::new();
        for (target, severity) in [("kind", "info"), ("dockerd", "error"), ("kind", "warning")] {
            worse(&mut hurt, target, severity);
        }
        worse(&mut hurt, "dockerd", "info");
        let hurt: Vec<_> = hurt.iter().map(|(t, s)| (t.as_str(), s.as_str())).collect();
        assert_eq!(hurt, [("kind", "warning"), ("dockerd", "error")]);
    }
}
