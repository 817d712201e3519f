//! What the tests of this area share.

use crate::outcome::{Finding, Outcome, Verdict};

pub(super) fn only_finding(verdict: Verdict) -> Finding {
    match verdict {
        Ok(Outcome::Found(mut found)) if found.len() == 1 => found.remove(0),
        other => panic!("{other:?}"),
    }
}

pub(super) fn is_not_applicable(verdict: &Verdict) -> bool {
    matches!(verdict, Ok(Outcome::NotApplicable(_)))
}
