//! `doctor list`.

use std::io::Write;

use dind_doctor_checks::registry;

use super::{Console, ExitCode, Trouble, When, output::TextFormat, unless_closed};
use crate::render::{list, trials};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// For people or for scripts
    #[arg(long, value_enum, default_value_t = TextFormat::Table)]
    format: TextFormat,
    /// Whether to colour
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = When::Auto)]
    color: When,
    /// The trials of check --active instead: what each does, and which modules it may load
    #[arg(long)]
    active: bool,
}

pub(super) fn run(
    arguments: &Arguments,
    console: &Console,
    out: &mut dyn Write,
) -> Result<ExitCode, Trouble> {
    match arguments.format {
        TextFormat::Json if arguments.active => unless_closed(trials::json(out))?,
        TextFormat::Table if arguments.active => {
            let width = console.width();
            console.print(arguments.color, out, |out| trials::table(width, out))?;
        }
        TextFormat::Json => unless_closed(list::json(registry::all(), out))?,
        TextFormat::Table => {
            let width = console.width();
            console.print(arguments.color, out, |out| list::table(registry::all(), width, out))?;
        }
    }
    Ok(ExitCode::Success)
}
