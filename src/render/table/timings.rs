//! How long the probes took, longest first: where a slow run spent its time.

use std::{
    cmp::Reverse,
    io::{self, Write},
    time::Duration,
};

use super::{View, grid, style::LABEL};
use crate::report::Report;

/// Bundles answer at once, and say nothing of the machine that they come from.
pub(super) fn write(report: &Report, view: View, out: &mut dyn Write) -> io::Result<()> {
    if !view.is_verbose() || report.took.is_empty() {
        return Ok(());
    }
    let mut took = report.took.clone();
    took.sort_by_key(|(_, time)| Reverse(*time));
    let whole = took.iter().map(|(_, time)| *time).sum();
    let each: Vec<_> =
        took.iter().map(|(probe, time)| format!("{probe} {}", milliseconds(*time))).collect();
    let text = format!("probes took {} ms: {}", milliseconds(whole), each.join(", "));
    writeln!(out)?;
    grid::paragraph(&text, LABEL, 0, view.width, out)
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1000.0)
}
