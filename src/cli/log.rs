//! `doctor explain --log`.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use dind_doctor_checks::{registry, target::Target};

use super::{
    Console, ExitCode, Trouble, When, arguments, output::TextFormat, source, unless_closed,
};
use crate::{
    log::{self, Texts},
    probe,
    render::log as render,
    report::{self, Options, Origin},
};

#[derive(Debug, clap::Args)]
pub(super) struct Logged {
    /// Say which known failures this log shows, and which of them are found here too; - is standard
    /// input
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    pub(super) log: Option<PathBuf>,
    /// Compare the log with a recorded bundle instead of this machine
    #[arg(long, value_name = "BUNDLE", requires = "log", conflicts_with = "check")]
    from: Option<PathBuf>,
    /// Seconds for looking at this machine
    #[arg(long, value_name = "SECS", default_value = "10", value_parser = arguments::seconds,
          requires = "log", conflicts_with = "check")]
    timeout: Duration,
}

/// Exits with 0 whatever is in the log: no failure known to be in it is a result too.
pub(super) fn run(
    path: &Path,
    arguments: &Logged,
    (format, color): (TextFormat, When),
    console: &Console,
    out: &mut dyn Write,
) -> Result<ExitCode, Trouble> {
    let texts = Texts::of(registry::all());
    let name = path.to_string_lossy();
    let log = open(path)
        .and_then(|input| log::read(input, &texts))
        .map_err(|error| Trouble::Source(format!("cannot read the log {name}: {error}")))?;
    // After the log, whose writer may take longer than the machine has to answer.
    let source = source::open(arguments.from.as_deref(), arguments.timeout)?;
    let origin = if arguments.from.is_some() { Origin::Bundle } else { Origin::Live };
    // What failed is not known yet.
    let options = Options { targets: Target::ALL.to_vec(), ..Options::default() };
    let report = report::diagnose(probe::collect(&*source), origin, &options);
    let explanation = log::explain(&log, &report);
    match format {
        TextFormat::Json => unless_closed(render::json(&name, &explanation, out))?,
        TextFormat::Table => {
            let width = console.width();
            console.print(color, out, |out| render::text(&name, &explanation, width, out))?;
        }
    }
    Ok(ExitCode::Success)
}

fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    Ok(Box::new(File::open(path)?))
}
