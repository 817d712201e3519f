//! From which differences a finding follows, by trying: checks are pure functions of the facts, so a check
//! can be run over the facts of one side with some of the other side's.

use std::collections::{BTreeMap, BTreeSet};

use dind_doctor_checks::{Check, facts::Facts, plan::Plans, registry::Area};
use serde::Deserialize;
use serde_json::Value;

use super::{
    search::minimal,
    swap::{Position, swap},
    tree::{Difference, Kind},
    verdict::Verdict,
};
use crate::report::{Options, judge};

/// So many hybrids are made for one check, and for all of them.
const TRIALS: (usize, usize) = (400, 6000);

/// Sections that sum up what others say: named only if nothing else decides.
const SUMMARIES: [&str; 2] = ["runtime", "versions"];

/// Why a check ended differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// How sure it is.
    pub how: How,
    /// Indexes of the differences.
    pub differences: Vec<usize>,
}

/// How sure an explanation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// These differences alone decide it: with them swapped each side ends as the other did.
    Decides,
    /// With these as they are on the better side, the worse side would end as the better one; the better
    /// one would need more than these to end as the worse one.
    TurnsOn,
    /// The differences are somewhere in these sections; looking closer would have taken too long.
    Sections,
}

impl Explanation {
    /// How much it asks of a reader; less is better. What works both ways may be a little longer.
    const fn length(&self) -> usize {
        match self.how {
            How::Decides => self.differences.len(),
            How::TurnsOn => self.differences.len() + 1,
            How::Sections => usize::MAX,
        }
    }
}

impl How {
    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Decides => "decides",
            Self::TurnsOn => "turns-on",
            Self::Sections => "sections",
        }
    }
}

/// Facts of both sides, and what differs between them.
pub(super) struct Laboratory<'a> {
    left: &'a Value,
    right: &'a Value,
    differences: &'a [Difference],
    checks: &'a [(Area, &'static Check)],
    options: Options,
    seen: BTreeMap<(bool, Vec<usize>), Option<Vec<Verdict>>>,
    budget: usize,
}

impl<'a> Laboratory<'a> {
    /// For these checks.
    pub(super) fn new(
        (left, right): (&'a Value, &'a Value),
        differences: &'a [Difference],
        checks: &'a [(Area, &'static Check)],
    ) -> Self {
        let (options, seen) = (Options::default(), BTreeMap::new());
        Self { left, right, differences, checks, options, seen, budget: 0 }
    }

    /// Why the check at this place of the list ended differently; `None` if swapping all differences does
    /// not explain it.
    pub(super) fn explain(&mut self, check: usize) -> Option<Explanation> {
        self.budget = TRIALS.0;
        let left = self.verdict(check, Position::Left, &[])?;
        let right = self.verdict(check, Position::Right, &[])?;
        let worse =
            if right.badness() >= left.badness() { Position::Right } else { Position::Left };
        let (base, goal) = if worse == Position::Right { (right, left) } else { (left, right) };
        let case = Case { check, worse, base, goal };
        let volatile = |at: &usize| matches!(self.differences[*at].kind, Kind::Volatile(_));
        let all: Vec<usize> = (0..self.differences.len()).collect();
        let real: Vec<usize> = all.iter().copied().filter(|at| !volatile(at)).collect();
        [real, all].iter().find_map(|among| {
            self.improves(&case, among).filter(|improved| *improved)?;
            self.narrow(&case, among)
        })
    }

    /// The best explanation among differences that explain it together.
    fn narrow(&mut self, case: &Case, among: &[usize]) -> Option<Explanation> {
        let mut best: Option<Explanation> = None;
        for section in self.sections(case, among) {
            let part: Vec<_> = self.of_sections(among, &[section]);
            if self.improves(case, &part) != Some(true) {
                continue;
            }
            let found = self.smallest(case, &part);
            if best.as_ref().is_none_or(|best| found.length() < best.length()) {
                best = Some(found);
            }
        }
        if best.is_some() {
            return best;
        }
        // Several sections together.
        let sections = self.sections(case, among);
        let numbers: Vec<_> = (0..sections.len()).collect();
        let chosen =
            |numbers: &[usize]| -> Vec<_> { numbers.iter().map(|at| sections[*at]).collect() };
        let needed = minimal(&numbers, |some| {
            let part = self.of_sections(among, &chosen(some));
            self.improves(case, &part)
        })?;
        let part = self.of_sections(among, &chosen(&needed));
        Some(self.smallest(case, &part))
    }

    /// The fewest of these differences that explain it: one that decides it alone, else a minimal set.
    fn smallest(&mut self, case: &Case, part: &[usize]) -> Explanation {
        let Some(found) = minimal(part, |some| self.improves(case, some)) else {
            return Explanation { how: How::Sections, differences: part.to_vec() };
        };
        let mut best = self.sure(case, found);
        // Where one of several would do, one that works both ways says more.
        for single in part {
            if best.length() == 1 {
                break;
            }
            if self.improves(case, &[*single]) == Some(true) {
                let other = self.sure(case, vec![*single]);
                if other.length() < best.length() {
                    best = other;
                }
            }
        }
        best
    }

    fn sure(&mut self, case: &Case, differences: Vec<usize>) -> Explanation {
        let worsened = self.verdict(case.check, case.worse.other(), &differences);
        let how = if worsened.as_ref() == Some(&case.base) { How::Decides } else { How::TurnsOn };
        Explanation { how, differences }
    }

    /// Whether the worse side ends as the better one with its values; `None` if there were too many
    /// trials.
    fn improves(&mut self, case: &Case, differences: &[usize]) -> Option<bool> {
        self.verdict(case.check, case.worse, differences).map(|verdict| verdict == case.goal)
    }

    /// The sections of these differences: that of the check's area first, summaries last.
    fn sections(&self, case: &Case, among: &[usize]) -> Vec<&'a str> {
        let area = self.checks[case.check].0.name();
        let differences = self.differences;
        let found: BTreeSet<&str> =
            among.iter().map(|at| differences[*at].path.section()).collect();
        let mut sections: Vec<_> = found.into_iter().collect();
        sections.sort_by_key(|section| (SUMMARIES.contains(section), !section.starts_with(area)));
        sections
    }

    fn of_sections(&self, among: &[usize], sections: &[&str]) -> Vec<usize> {
        let inside = |at: &usize| sections.contains(&self.differences[*at].path.section());
        among.iter().copied().filter(inside).collect()
    }

    /// How a check ends over the facts of `position` with the other side's values of `differences`.
    fn verdict(
        &mut self,
        check: usize,
        position: Position,
        differences: &[usize],
    ) -> Option<Verdict> {
        let mut set = differences.to_vec();
        set.sort_unstable();
        let key = (position == Position::Left, set);
        if !self.seen.contains_key(&key) {
            if self.seen.len() >= TRIALS.1 {
                return None;
            }
            self.budget = self.budget.checked_sub(1)?;
            let verdicts = self.run(position, &key.1);
            self.seen.insert(key.clone(), verdicts);
        }
        // Facts that no machine can have are no explanation.
        self.seen.get(&key)?.as_ref().map_or(Some(Verdict::Open), |all| all.get(check).cloned())
    }

    fn run(&self, position: Position, differences: &[usize]) -> Option<Vec<Verdict>> {
        let mut value = match position {
            Position::Left => self.left.clone(),
            Position::Right => self.right.clone(),
        };
        swap(&mut value, position, differences.iter().map(|at| &self.differences[*at]));
        let facts = Facts::deserialize(&value).ok()?;
        let plans = Plans::of(&facts);
        let end = |(area, check): &(Area, &'static Check)| {
            Verdict::of(&judge(*area, check, &facts, &plans, &self.options))
        };
        Some(self.checks.iter().map(end).collect())
    }
}

/// A check that ended differently.
struct Case {
    /// Its place in the list.
    check: usize,
    /// On which side it ended worse.
    worse: Position,
    /// How it ended there.
    base: Verdict,
    /// How it ended on the other side.
    goal: Verdict,
}
