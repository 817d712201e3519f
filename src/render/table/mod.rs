//! The report for people: what this is, what will run, what is wrong and what to do about it.
//!
//! Always styled; whoever does not want styles strips them.

mod findings;
mod footer;
mod grid;
mod others;
mod prescription;
mod readiness;
mod remedies;
mod set_aside;
mod style;
mod summary;
mod timings;
mod trials;
mod unknowns;

use std::io::{self, Write};

pub(super) use footer::counts;
pub(super) use grid::{labelled, paragraph, rows};
pub(super) use prescription::of as prescription;
pub(super) use readiness::write as readiness;
pub(super) use remedies::{place, write as remedies};
pub(super) use style::{CODE, HEADING, LABEL, PLAIN, UNKNOWN, of_severity};

use super::entries;
use crate::report::Report;

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Only what is wrong.
    Quiet,
    /// What a first look needs.
    Normal,
    /// All evidence, all remedies, and what passed.
    Verbose,
}

/// How a report is shown.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// Columns.
    pub width: usize,
    /// How much is told.
    pub detail: Detail,
}

impl View {
    /// Columns where nothing says better.
    pub const DEFAULT_WIDTH: usize = 80;

    const fn is_verbose(self) -> bool {
        matches!(self.detail, Detail::Verbose)
    }
}

/// The report for people: what will run, what to do, and why.
pub fn render(report: &Report, view: View, out: &mut dyn Write) -> io::Result<()> {
    let entries = entries::of(report);
    let prescription = prescription::of(&entries);
    if view.detail == Detail::Quiet {
        findings::briefly(&entries, view, out)?;
        prescription::write(&prescription, report, view, out)?;
        return set_aside::found(report, view, out);
    }
    summary::write(report, view, out)?;
    writeln!(out)?;
    readiness::write(report, view, out)?;
    prescription::write(&prescription, report, view, out)?;
    trials::write(report, view, out)?;
    findings::write(&entries, &prescription, report, view, out)?;
    unknowns::write(report, view, out)?;
    others::write(report, view, out)?;
    set_aside::write(report, view, out)?;
    timings::write(report, view, out)?;
    writeln!(out)?;
    footer::write(report, &entries, view, out)
}
