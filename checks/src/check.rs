//! What a check is, and the macro that declares one.

use crate::{facts::Facts, outcome::Verdict, target::Severities};

/// One failure mode that can be recognised.
#[derive(Debug)]
pub struct Check {
    /// Kebab-case name of the problem; stable for ever.
    pub id: &'static str,
    /// The problem in at most 60 columns.
    pub title: &'static str,
    /// The worst severity that a finding of this check can have, per target.
    pub worst: Severities,
    /// Fragments of log lines by which `explain --log` recognises this problem, the most typical first;
    /// a text that can have several causes is in all their checks.
    pub logs: &'static [&'static str],
    /// Documentation in Markdown, with the headings of [`HEADINGS`], in that order.
    pub doc: &'static str,
    /// Judges the facts.
    pub run: fn(&Facts) -> Verdict,
}

/// The headings that every check's documentation has, in this order.
pub const HEADINGS: [&str; 5] = [
    "## What it looks at",
    "## Why it matters",
    "## When it is fine",
    "## How to fix",
    "## References",
];

/// Declares `CHECK` for the module that holds it, from the doc comment, the id, the title, the worst
/// severity per target (`docker/kind/rootless/systemd/buildkit`, as in the catalogue: `B` error, `D`
/// warning, `W` info, `-` not applicable) and the log fragments. The module's `run` judges.
macro_rules! check {
    ($(#[doc = $doc:expr])* $id:literal, $title:literal, $worst:literal, [$($log:literal),* $(,)?]) => {
        $(#[doc = $doc])*
        pub(super) const CHECK: $crate::Check = $crate::Check {
            id: $id,
            title: $title,
            worst: $crate::target::Severities::of($worst),
            logs: &[$($log),*],
            doc: concat!($($doc, "\n"),*),
            run,
        };
    };
}
