//! `doctor list`.

use std::io::Write;

use dind_doctor_checks::registry;

use super::{Console, ExitCode, Trouble, When, output::TextFormat, unless_closed};
use crate::render::list;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
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
    match arguments.format {
        TextFormat::Json => unless_closed(list::json(registry::all(), out))?,
        TextFormat::Table => {
            let width = console.width();
            console.print(arguments.color, out, |out| list::table(registry::all(), width, out))?;
        }
    }
    Ok(ExitCode::Success)
}
