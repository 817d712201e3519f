//! `doctor facts`.

use std::{io::Write, path::PathBuf, time::Duration};

use dind_doctor_checks::plan::Plans;

use super::{Console, ExitCode, Trouble, arguments, source, time::Time, unless_closed};
use crate::{file, probe, render::json, report::FactsDocument};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Write to this file, which only its owner can read, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Read a recorded bundle instead of this machine
    #[arg(long, value_name = "BUNDLE")]
    from: Option<PathBuf>,
    /// Seconds for the whole run
    #[arg(long, value_name = "SECS", default_value = "10", value_parser = arguments::seconds)]
    timeout: Duration,
}

/// What is said on standard error, since nothing is taken out.
const SECRETS: &str = "these facts can hold passwords and command lines: keep them to yourself, and share what \
                       `doctor capture` writes instead";

pub(super) fn run(
    arguments: &Arguments,
    console: &Console,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<ExitCode, Trouble> {
    let time = Time::begin(arguments.timeout);
    let source = source::open(arguments.from.as_deref(), time.end)?;
    let facts = probe::collect(&*source).facts;
    let document = FactsDocument { plans: Some(Plans::of(&facts)), facts: &facts };
    match &arguments.output {
        Some(path) => {
            let written = file::private(path, &mut |mut file| json::document(&document, &mut file));
            written.map_err(|error| Trouble::File(path.clone(), error))?;
        }
        None => time.printing(console, || unless_closed(json::document(&document, out)))?,
    }
    if arguments.from.is_none() {
        // Who cannot be told has the facts anyway.
        let _ = writeln!(err, "doctor: {SECRETS}");
    }
    Ok(ExitCode::Success)
}
