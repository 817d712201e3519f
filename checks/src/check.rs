//! What a check is, and the macro that declares one.

use crate::{
    facts::{Facts, TrialName},
    outcome::Verdict,
    plan::{Plan, Plans},
    target::{Severities, Severity, Target},
};

/// One failure mode that can be recognised.
#[derive(Debug)]
pub struct Check {
    /// Kebab-case name of the problem; stable for ever.
    pub id: &'static str,
    /// The problem in at most 60 columns.
    pub title: &'static str,
    /// The worst severity that a finding of this check can have, per target that its file names; see
    /// [`Check::reach`] for the others.
    pub worst: Severities,
    /// Fragments of log lines by which `explain --log` recognises this problem, the most typical first;
    /// a text that can have several causes is in all their checks.
    pub logs: &'static [&'static str],
    /// The trials that settle it: whose results it takes as its evidence.
    pub trials: &'static [TrialName],
    /// What it judges.
    pub layer: Layer,
    /// Documentation in Markdown, with the headings of [`HEADINGS`], in that order.
    pub doc: &'static str,
    /// Judges one plan by the facts.
    pub run: fn(&Facts, &Plan) -> Verdict,
}

impl Check {
    /// The worst severity that a finding of this check can have for that plan, if it concerns it.
    pub fn hurts(&self, plan: &Plan) -> Option<Severity> {
        let is_podman = plan.target == Target::Podman;
        if is_podman && !matches!(self.layer, Layer::Engine | Layer::Both) {
            None
        } else {
            plan.severity(&self.worst)
        }
    }

    /// The worst severity that a finding of this check can have for each of these plans.
    pub fn reach(&self, plans: &Plans) -> Severities {
        plans.iter().fold(Severities::NONE, |all, plan| all.with(plan.target, self.hurts(plan)))
    }

    /// The same, wherever it runs and whoever asks.
    pub fn reach_anywhere(&self) -> Severities {
        self.reach(&Plans::anywhere())
    }
}

/// What a check judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// The machine, container or user that an engine runs in. Where the daemon is elsewhere, that is judged there.
    Engine,
    /// The same, of what dockerd or BuildKit does and podman does not.
    Docker,
    /// What clients have here, wherever the daemon is: endpoint, API version, paths, addresses.
    Client,
    /// The container that this is: what an engine in it meets, and a client of a daemon elsewhere.
    Both,
}

/// The headings that every check's documentation has, in this order.
pub const HEADINGS: [&str; 5] = [
    "## What it looks at",
    "## Why it matters",
    "## When it is fine",
    "## How to fix",
    "## References",
];

/// Severities by name, for targets by name; a target that is not named is not affected:
/// `severities!(dockerd: Error, kind: Warning)`.
#[macro_export]
macro_rules! severities {
    ($($target:ident: $severity:ident),* $(,)?) => {
        $crate::target::Severities::NONE$(.$target($crate::target::Severity::$severity))*
    };
}

/// Declares `CHECK` for the module that holds it, from the doc comment, the id, the title, the worst
/// severity for each target that it concerns, and the log fragments; with `Client`, `Docker` or `Both` before the severities
/// if that is its layer, and `trials: [Userns]` at the end if trials settle it. The module's `run` judges.
macro_rules! check {
    ($(#[doc = $doc:expr])* $id:literal, $title:literal, {$($worst:tt)*}, [$($log:literal),* $(,)?]
        $(, trials: [$($trial:ident),*])? $(,)?) => {
        check! { $(#[doc = $doc])* $id, $title, Engine, {$($worst)*}, [$($log),*] $(, trials: [$($trial),*])? }
    };
    ($(#[doc = $doc:expr])* $id:literal, $title:literal, $layer:ident, {$($worst:tt)*}, [$($log:literal),* $(,)?]
        $(, trials: [$($trial:ident),*])? $(,)?) => {
        $(#[doc = $doc])*
        pub(super) const CHECK: $crate::Check = $crate::Check {
            id: $id,
            title: $title,
            worst: $crate::severities!($($worst)*),
            layer: $crate::Layer::$layer,
            logs: &[$($log),*],
            trials: &[$($($crate::facts::TrialName::$trial),*)?],
            doc: concat!($($doc, "\n"),*),
            run,
        };

        /// What the check says of all plans together.
        #[cfg(test)]
        fn judged(facts: &$crate::facts::Facts) -> $crate::outcome::Verdict {
            $crate::testing::judged(&CHECK, facts)
        }
    };
}
