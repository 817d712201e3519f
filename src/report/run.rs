//! Runs one check, and keeps its panic to itself.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    collections::BTreeMap,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

use dind_doctor_checks::{
    Check,
    facts::{Facts, Missing},
    outcome::{Outcome, Proof},
    registry::Area,
    remedy::{Place, Remedy},
};

use super::{CheckReport, Ignored, Options, Status, ignore, severity, unknown};

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

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The value of `check`, or the message of its panic, which is not printed.
///
/// The hook is installed once and looks at a flag of its thread, so that other threads keep theirs: to
/// swap hooks around each check would race.
fn isolated<T>(check: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if INSIDE.get() {
                let place = info.location().map(|l| format!(" ({}:{})", l.file(), l.line()));
                PLACE.set(place);
            } else {
                previous(info);
            }
        }));
    });
    INSIDE.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(check));
    INSIDE.set(false);
    result.map_err(|payload| message(&*payload) + &PLACE.take().unwrap_or_default())
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panicked without a message")
        .to_owned()
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
