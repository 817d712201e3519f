//! Two environments side by side: which facts differ, how the verdicts differ, and which of the former
//! decide the latter.

mod align;
mod explain;
mod links;
mod normal;
pub mod path;
mod report;
mod search;
mod side;
mod swap;
mod tree;
mod verdict;
mod volatile;

use std::{cmp::Reverse, collections::BTreeMap};

use dind_doctor_checks::{
    facts::Facts,
    registry,
    target::{Severity, Target},
};
use explain::Laboratory;
pub use explain::{Explanation, How};
pub use path::{Path, Step};
pub use report::{Json, Judged, Report};
use serde_json::Value;
pub use side::{Origin, Side};
pub use swap::Position;
pub use tree::{Difference, Kind, missing};
pub use verdict::Verdict;

use crate::report::FactsDocument;

/// What differs between two sides.
#[derive(Debug)]
pub struct Comparison {
    /// The first argument.
    pub left: Side,
    /// The second argument.
    pub right: Side,
    /// What is going to be started.
    pub targets: Vec<Target>,
    /// Checks that ended differently; the worst for the targets first, causes before consequences.
    pub changes: Vec<Change>,
    /// What differs of the facts, or of the environments where a side has no facts; in order of path.
    pub differences: Vec<Difference>,
    /// Whether both sides have facts.
    pub has_facts: bool,
    /// Values that are the same.
    pub same: usize,
    /// Checks that ended alike.
    pub alike: usize,
    /// Checks that only one of two reports has.
    pub one_sided: Vec<String>,
    /// Checks that could not be judged on one side for want of records, and found nothing on the other.
    pub unjudged: Vec<String>,
}

/// A check that ended differently.
#[derive(Debug)]
pub struct Change {
    /// How it ended on the left.
    pub left: Judged,
    /// How it ended on the right.
    pub right: Judged,
    /// What that means.
    pub verdicts: (Verdict, Verdict),
    /// The worst over both sides for the targets that were asked for.
    pub severity: Option<Severity>,
    /// What decides it; `None` where that cannot be told.
    pub explanation: Option<Explanation>,
}

impl Change {
    /// On which side it is worse.
    pub fn worse(&self) -> Position {
        let (left, right) = &self.verdicts;
        if right.badness() >= left.badness() { Position::Right } else { Position::Left }
    }

    /// How it ended on one side.
    pub const fn on(&self, position: Position) -> (&Judged, &Verdict) {
        match position {
            Position::Left => (&self.left, &self.verdicts.0),
            Position::Right => (&self.right, &self.verdicts.1),
        }
    }
}

impl Comparison {
    /// One of the sides.
    pub const fn side(&self, position: Position) -> &Side {
        match position {
            Position::Left => &self.left,
            Position::Right => &self.right,
        }
    }

    /// Whether anything differs that says something.
    pub fn differs(&self) -> bool {
        !self.changes.is_empty() || self.differences.iter().any(|d| d.kind == Kind::Real)
    }

    /// How many values are left out, by reason.
    pub fn left_out(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for difference in &self.differences {
            if let Kind::Volatile(reason) = difference.kind {
                *counts.entry(reason).or_default() += 1;
            }
        }
        counts
    }

    /// How many differences are of this kind.
    pub fn count(&self, kind: Kind) -> usize {
        self.differences.iter().filter(|d| d.kind == kind).count()
    }
}

impl Comparison {
    /// Takes the checks of both reports together.
    fn judge(&mut self) {
        let checks = |side: &Side| side.report.checks.clone();
        let (left, mut right) = (checks(&self.left), checks(&self.right));
        for left in left {
            let Some(at) = right.iter().position(|check| check.id == left.id) else {
                self.one_sided.push(left.id);
                continue;
            };
            self.pair(left, right.remove(at));
        }
        self.one_sided.extend(right.into_iter().map(|check| check.id));
        // What could not be judged comes before what hurts no target that was asked for.
        let open = |c: &Change| c.verdicts.0 == Verdict::Open || c.verdicts.1 == Verdict::Open;
        self.changes.sort_by_key(|change| (Reverse(change.severity), !open(change)));
    }

    fn pair(&mut self, left: Judged, right: Judged) {
        let verdicts = (Verdict::read(&left), Verdict::read(&right));
        let fine = verdicts.0 == Verdict::Fine || verdicts.1 == Verdict::Fine;
        if verdicts.0 == verdicts.1 {
            self.alike += 1;
        } else if fine && (left.is_for_want_of_records() || right.is_for_want_of_records()) {
            self.unjudged.push(left.id);
        } else {
            let severity = verdicts.0.worst(&self.targets).max(verdicts.1.worst(&self.targets));
            self.changes.push(Change { left, right, verdicts, severity, explanation: None });
        }
    }
}

/// Compares two sides for these targets.
pub fn compare(mut left: Side, mut right: Side, targets: &[Target]) -> Result<Comparison, String> {
    let mut trees = None;
    if let (Some(left), Some(right)) = (&mut left.facts, &mut right.facts) {
        links::align(left, right);
        trees = Some((tree(left)?, tree(right)?));
    }
    let found = match &trees {
        Some((left, right)) => tree::compare(left, right),
        None => tree::compare(&left.report.environment, &right.report.environment),
    };
    let mut comparison = Comparison {
        changes: Vec::new(),
        targets: targets.to_vec(),
        differences: found.list,
        has_facts: trees.is_some(),
        same: found.same,
        alike: 0,
        one_sided: Vec::new(),
        unjudged: Vec::new(),
        left,
        right,
    };
    comparison.judge();
    if let Some((left, right)) = &trees {
        explain(&mut comparison.changes, (left, right), &comparison.differences);
    }
    Ok(comparison)
}

/// By way of the text that `doctor facts` prints: facts are written by one piece of code only.
fn tree(facts: &Facts) -> Result<Value, String> {
    let text = serde_json::to_vec_pretty(&FactsDocument { facts, plans: None });
    let tree = text.and_then(|text| serde_json::from_slice::<Value>(&text));
    let mut tree = tree.map_err(|error| error.to_string())?;
    links::name(&mut tree, &facts.network);
    Ok(tree)
}

fn explain(changes: &mut [Change], trees: (&Value, &Value), differences: &[Difference]) {
    let checks: Vec<_> = changes.iter().filter_map(|c| registry::find(&c.left.id)).collect();
    let mut laboratory = Laboratory::new(trees, differences, &checks);
    for change in changes {
        let place = checks.iter().position(|(_, check)| check.id == change.left.id);
        change.explanation = place.and_then(|at| laboratory.explain(at));
    }
}
