//! `doctor explain`.

use std::io::Write;

use dind_doctor_checks::{Check, registry::Area};

use super::{Console, ExitCode, Trouble, When, output::TextFormat, selection, unless_closed};
use crate::render::explain;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The check, as in a report or in `doctor list`
    #[arg(value_name = "ID", value_parser = selection::check)]
    check: (Area, &'static Check),
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
    let (area, check) = arguments.check;
    match arguments.format {
        TextFormat::Json => unless_closed(explain::json(area, check, out))?,
        TextFormat::Table => {
            let width = console.width();
            console.print(arguments.color, out, |out| explain::text(area, check, width, out))?;
        }
    }
    Ok(ExitCode::Success)
}
