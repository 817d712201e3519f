//! The command line.

mod active;
mod arguments;
mod baseline;
mod capture;
mod check;
mod color;
mod command;
mod completions;
mod config;
mod console;
mod diff;
mod exit;
mod explain;
mod facts;
mod fix;
pub(crate) mod fuzzing;
mod hints;
mod input;
mod list;
mod log;
mod man;
mod output;
mod progress;
mod report;
mod schema;
mod selection;
mod source;
mod time;
mod usage;

use std::{
    ffi::OsString,
    io::{self, Write},
};

use clap::{Parser, Subcommand};
pub use color::When;
pub use command::command;
pub use console::Console;
pub use exit::{ExitCode, Trouble};

use crate::{
    isolated::isolated,
    rehearsal::inside,
    report::version,
    sys::{alarm, fork},
    text::Visible,
};

/// Finds out, before anything is started, whether a nested Docker daemon, kind, rootless containers,
/// systemd or BuildKit will work here, and what to change if not.
#[derive(Debug, Parser)]
#[command(
    name = "doctor",
    version = version::long(),
    args_conflicts_with_subcommands = true,
    before_help = EXAMPLES,
    help_template = "{about-with-newline}\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}",
    after_help = AFTER_HELP,
)]
struct Doctor {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    check: check::Arguments,
}

const EXAMPLES: &str = "\
Examples:
  doctor                                   will dockerd and kind work here?
  doctor --for rootless,buildkit           other targets
  doctor --for kind=0.11                   a version that is going to run here
  doctor --format json | jq .targets       for scripts
  doctor --format html                     also markdown, junit, sarif, tap
  doctor --fail-on warning --ignore mount  in CI: warnings are exit code 1
  doctor report                            one page to paste into a ticket
  doctor capture -o support.tar.gz         for people who cannot get in here
  doctor fix --write cure                  what to change, as files
  doctor explain pid1-swallows-sigterm     why it matters, how to fix it
  doctor explain --log dockerd.log         it has failed: what was it?";

const AFTER_HELP: &str = "\
Exit code:
  0  nothing at or above --fail-on for the targets asked for
  1  something
  2  the doctor could not do its job";

#[derive(Debug, Subcommand)]
enum Command {
    /// Look at this environment and say what will work (the default)
    Check(Box<check::Arguments>),
    /// Start the engine itself for seconds, in a throw-away place, and run a container in it: check
    /// --active=rehearse
    Rehearse(Box<check::Arguments>),
    /// List all checks
    List(list::Arguments),
    /// Explain one check, or the log of what has failed already
    Explain(explain::Arguments),
    /// Record this machine as a bundle that can be diagnosed elsewhere
    Capture(capture::Arguments),
    /// Write one page to paste into a ticket or to open in a browser, with
    /// addresses and names taken out
    Report(report::Arguments),
    /// Print what was found out, typed, as JSON
    Facts(facts::Arguments),
    /// Say what to change, all findings taken together, or write it as files
    Fix(Box<fix::Arguments>),
    /// Compare two environments: which facts differ, and which findings follow from that
    Diff(diff::Arguments),
    /// Print the JSON Schema of the report that --format json prints
    Schema,
    /// Print what makes a shell complete doctor's options, checks and areas
    Completions(completions::Arguments),
    /// Print the manual page
    Man(man::Arguments),
}

/// Runs the program with its process's arguments, environment and streams.
pub fn main() -> std::process::ExitCode {
    fork::begins_alone();
    alarm::enable();
    usage::escape_panics();
    let code = isolated(|| {
        let console = Console::of_process();
        let mut out = io::stdout().lock();
        run(std::env::args_os(), &console, &mut out, &mut io::stderr())
    });
    let code = code.unwrap_or_else(|message| {
        let message = crate::text::escape(&message);
        // Nobody is left to be told if this fails.
        let _ = writeln!(io::stderr(), "doctor: crashed, please report it: {message}");
        ExitCode::Failure
    });
    code.into()
}

/// Runs the program: data to `out`, everything else to `err`.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    console: &Console,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if inside::is_asked(&arguments) {
        // Nobody is left to be told if this fails.
        return inside::main(&arguments, out).map_or(ExitCode::Failure, |()| ExitCode::Success);
    }
    let mut parsed = match command::parse(arguments) {
        Ok(parsed) => parsed,
        Err(error) => return usage::print(&error, console, out, err),
    };
    let err: &mut dyn Write = &mut Visible(err);
    let result = match &mut parsed.command {
        None => check::run(&parsed.check, console, out, err),
        Some(Command::Check(arguments)) => check::run(arguments, console, out, err),
        Some(Command::Rehearse(arguments)) => check::rehearse(arguments, console, out, err),
        Some(Command::List(arguments)) => list::run(arguments, console, out),
        Some(Command::Explain(arguments)) => explain::run(arguments, console, out),
        Some(Command::Capture(arguments)) => capture::run(arguments, console, err),
        Some(Command::Report(arguments)) => report::run(arguments, console, out, err),
        Some(Command::Facts(arguments)) => facts::run(arguments, console, out, err),
        Some(Command::Fix(arguments)) => fix::run(arguments, console, out, err),
        Some(Command::Diff(arguments)) => diff::run(arguments, console, out),
        Some(Command::Schema) => schema::run(out),
        Some(Command::Completions(arguments)) => completions::run(arguments, out),
        Some(Command::Man(arguments)) => man::run(arguments, out),
    };
    match result.and_then(|code| flushed(out).map(|()| code)) {
        Ok(code) => code,
        Err(trouble) => {
            // Nobody is left to be told if this fails too.
            let _ = writeln!(err, "doctor: {trouble}");
            ExitCode::Failure
        }
    }
}

/// Whoever reads standard output may go away; a full disk is trouble.
fn flushed(out: &mut dyn Write) -> Result<(), Trouble> {
    unless_closed(out.flush())
}

/// The result of writing to standard output, where a reader that went away is no error.
fn unless_closed(result: io::Result<()>) -> Result<(), Trouble> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Trouble::Output(error)),
        _ => Ok(()),
    }
}
