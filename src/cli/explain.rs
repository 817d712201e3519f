//! `doctor explain`.

use std::io::Write;

use dind_doctor_checks::registry;

use super::{Console, ExitCode, Trouble, When, log, output::TextFormat, selection, unless_closed};
use crate::{
    log::{Entry, Subject},
    render::{
        explain,
        log::{entry_json, entry_text},
    },
};

/// Said where neither a check nor a log is given.
const WHICH: &str = "say what to explain: a check (doctor explain ID; doctor list shows all), or the log of \
                     what failed (doctor explain --log FILE)";

#[derive(Debug, clap::Args)]
#[command(
    override_usage = "doctor explain [OPTIONS] ID\n       doctor explain [OPTIONS] --log FILE"
)]
pub(super) struct Arguments {
    /// The check, as in a report or in `doctor list`; or what only logs show, as in what `--log` says
    #[arg(value_name = "ID", value_parser = subject)]
    check: Option<Subject>,
    #[command(flatten)]
    log: log::Logged,
    /// For people or for scripts
    #[arg(long, value_enum, default_value_t = TextFormat::Table)]
    format: TextFormat,
    /// Whether to colour
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = When::Auto)]
    color: When,
}

pub(super) fn run(
    arguments: &Arguments,
    console: &Console,
    out: &mut dyn Write,
) -> Result<ExitCode, Trouble> {
    if let Some(path) = &arguments.log.log {
        let view = (arguments.format, arguments.color);
        return log::run(path, &arguments.log, view, console, out);
    }
    let subject = arguments.check.ok_or_else(|| Trouble::Usage(WHICH.to_owned()))?;
    match arguments.format {
        TextFormat::Json => unless_closed(match subject {
            Subject::Check(area, check) => explain::json(area, check, out),
            Subject::Entry(entry) => entry_json(entry, out),
        })?,
        TextFormat::Table => {
            let width = console.width();
            console.print(arguments.color, out, |out| match subject {
                Subject::Check(area, check) => explain::text(area, check, width, out),
                Subject::Entry(entry) => entry_text(entry, width, out),
            })?;
        }
    }
    Ok(ExitCode::Success)
}

/// The check or the entry with this id, for clap.
fn subject(id: &str) -> Result<Subject, String> {
    if let Some(entry) = Entry::find(id).filter(|_| registry::find(id).is_none()) {
        return Ok(Subject::Entry(entry));
    }
    selection::check(id).map(|(area, check)| Subject::Check(area, check))
}
