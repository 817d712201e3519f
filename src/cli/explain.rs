//! `doctor explain`.

use std::io::Write;

use dind_doctor_checks::{Check, registry::Area};

use super::{Console, ExitCode, Trouble, When, log, output::TextFormat, selection, unless_closed};
use crate::render::explain;

/// Said where neither a check nor a log is given.
const WHICH: &str = "say what to explain: a check (doctor explain ID; doctor list shows all), or the log of \
                     what failed (doctor explain --log FILE)";

#[derive(Debug, clap::Args)]
#[command(
    override_usage = "doctor explain [OPTIONS] ID\n       doctor explain [OPTIONS] --log FILE"
)]
pub(super) struct Arguments {
    /// The check, as in a report or in `doctor list`
    #[arg(value_name = "ID", value_parser = selection::check)]
    check: Option<(Area, &'static Check)>,
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
    let (area, check) = arguments.check.ok_or_else(|| Trouble::Usage(WHICH.to_owned()))?;
    match arguments.format {
        TextFormat::Json => unless_closed(explain::json(area, check, out))?,
        TextFormat::Table => {
            let width = console.width();
            console.print(arguments.color, out, |out| explain::text(area, check, width, out))?;
        }
    }
    Ok(ExitCode::Success)
}
