//! `doctor explain --log`.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use dind_doctor_checks::{registry, target::Target};

use super::{
    Console, ExitCode, Trouble, When, arguments, output::TextFormat, progress::Progress, source,
    time::Time, unless_closed,
};
use crate::{
    file::{self, Opened},
    log::{self, Log, Texts},
    probe,
    render::log as render,
    report::{self, Options, Origin, Report},
    text,
};

/// For looking at this machine, and for reading a file.
const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub(super) struct Logged {
    /// Say which known failures this log shows; a file, packed with gzip or not, a directory of logs, or - for
    /// standard input
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    pub(super) log: Option<PathBuf>,
    /// Compare the log with this machine: which of its failures are found here too? Done anyway if the log names
    /// this host
    #[arg(long, requires = "log", conflicts_with_all = ["check", "from"])]
    here: bool,
    /// Compare the log with a recorded bundle
    #[arg(long, value_name = "BUNDLE", requires = "log", conflicts_with = "check")]
    from: Option<PathBuf>,
    /// Seconds for the whole run; unless it is given, a pipe is waited for, and then looking at this machine has 10
    #[arg(long, value_name = "SECS", value_parser = arguments::seconds,
          requires = "log", conflicts_with = "check")]
    timeout: Option<Duration>,
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
    let mut progress = Progress::begin(console);
    progress.at("reading the log");
    let log = read(path, arguments.timeout, &texts);
    drop(progress);
    let log = log.map_err(|error| {
        let (name, error) = (text::path(path), error.to_string());
        Trouble::Source(format!("cannot read the log {name}: {}", text::escape(&error)))
    })?;
    // After the log, whose writer may take longer than the machine has to answer.
    let time = Time::begin(arguments.timeout.unwrap_or(TIMEOUT));
    let named =
        arguments.from.is_none() && hostname().is_some_and(|name| log.hosts.contains(&name));
    let is_compared = arguments.here || arguments.from.is_some() || named;
    let report = is_compared.then(|| compared(arguments.from.as_deref(), &time)).transpose()?;
    let mut explanation = log::explain(&log, report.as_ref());
    explanation.names_this_host = named;
    time.printing(console, || match format {
        TextFormat::Json => unless_closed(render::json(&name, &explanation, out)),
        TextFormat::Table => {
            let width = console.width();
            console.print(color, out, |out| render::text(&name, &explanation, width, out))
        }
    })?;
    Ok(ExitCode::Success)
}

/// What is found on this machine, or in the bundle.
fn compared(from: Option<&Path>, time: &Time) -> Result<Report, Trouble> {
    let source = source::open(from, time.end)?;
    let origin = if from.is_some() { Origin::Bundle } else { Origin::Live };
    // What failed is not known yet.
    let options = Options { targets: Target::ALL.to_vec(), ..Options::default() };
    Ok(report::diagnose(probe::collect(&*source), origin, &options))
}

/// The name of this host, if it says which one it is.
fn hostname() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| log::is_telling(name))
}

/// Reads a file in the time that looking at the machine has. A pipe is waited for as long as its writer takes, unless
/// a time was given: `kind create cluster 2>&1 | doctor explain --log -`.
fn read<'a>(path: &Path, timeout: Option<Duration>, texts: &'a Texts) -> io::Result<Log<'a>> {
    let is_stdin = path == Path::new("-");
    if !is_stdin || timeout.is_some() {
        Time::begin(timeout.unwrap_or(TIMEOUT));
    }
    if is_stdin {
        return log::read(io::stdin().lock(), texts);
    }
    match file::open_or_wait(path)? {
        Opened::File(file, Some(size)) => log::read_file(file, size, texts),
        Opened::File(file, None) => {
            if timeout.is_none() {
                Time::forever();
            }
            log::read(file, texts)
        }
        Opened::Directory(directory) => log::read_directory(&directory, texts),
    }
}
