//! What this environment is.

use std::io::{self, Write};

use super::{
    View, grid,
    style::{LABEL, PLAIN},
};
use crate::{
    render::{environment, escape},
    report::Report,
};

/// What a first look needs; the rest explains what is found, and is there if everything is asked for.
const BRIEF: [&str; 2] = ["this is", "docker"];

pub(super) fn write(report: &Report, view: View, out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<_> = environment::lines(&report.environment, view.is_verbose())
        .into_iter()
        .filter(|(label, _)| view.is_verbose() || BRIEF.contains(label))
        .map(|(label, text)| vec![(label.to_owned(), LABEL), (escape(&text).into_owned(), PLAIN)])
        .collect();
    grid::rows(&rows, 0, view.width, out)
}
