//! `doctor check`, which is also `doctor`.

use std::{
    io::Write,
    path::PathBuf,
    time::{Duration, Instant},
};

use dind_doctor_checks::{
    facts::TrialName,
    version::{Component, Version},
};

use super::{
    Console, ExitCode, Trouble, When,
    arguments::{self, FailOn, Wanted},
    console::styled,
    output::{self, Format, Output},
    selection, source, unless_closed,
};
use crate::{
    probe,
    render::{
        json,
        table::{self, Detail, View},
    },
    report::{self, Options, Origin, Report, Selector},
    trial,
};

#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(super) struct Arguments {
    /// What is going to be started here: dockerd, kind, rootless, systemd, buildkit; kind=0.11 gives a
    /// version too
    #[arg(long = "for", value_name = "TARGET", value_delimiter = ',', default_value = "dockerd,kind",
          value_parser = arguments::wanted, help_heading = "What to judge")]
    targets: Vec<Wanted>,
    /// A version that is going to run here and cannot be read: docker, containerd, runc, kind,
    /// kubernetes, buildkit, systemd, podman
    #[arg(long, value_name = "COMPONENT=V", value_delimiter = ',',
          value_parser = arguments::assumption, help_heading = "What to judge")]
    assume: Vec<(Component, Version)>,
    /// Only these checks; the others leave a target unknown
    #[arg(long, value_name = "ID|AREA", value_delimiter = ',',
          value_parser = selection::selector, help_heading = "What to judge")]
    select: Vec<Selector>,
    /// Checks that do not count; they stay listed
    #[arg(long, value_name = "ID|AREA", value_delimiter = ',',
          value_parser = selection::selector, help_heading = "What to judge")]
    ignore: Vec<Selector>,
    /// Read a recorded bundle instead of this machine
    #[arg(long, value_name = "BUNDLE", help_heading = "What to judge")]
    from: Option<PathBuf>,
    /// Seconds for the whole run
    #[arg(long, value_name = "SECS", default_value = "10", value_parser = arguments::seconds,
          help_heading = "What to judge")]
    timeout: Duration,
    /// Also try the real thing, in namespaces of its own that vanish with it: all trials, or those that
    /// are named; list --active shows them
    #[arg(long, value_name = "TRIAL", num_args = 0.., require_equals = true, value_delimiter = ',',
          value_parser = selection::trial, conflicts_with = "from", help_heading = "What to judge")]
    active: Option<Vec<TrialName>>,

    /// From which severity on the exit code is 1
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t = FailOn::Error,
          help_heading = "Exit code")]
    fail_on: FailOn,
    /// What could not be judged counts as found
    #[arg(long, help_heading = "Exit code")]
    strict: bool,
    /// Exit with 0 whatever is found
    #[arg(long, help_heading = "Exit code")]
    exit_zero: bool,

    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Table, help_heading = "Output")]
    format: Format,
    /// Also write this format to this file, whole or not at all; - is standard output
    #[arg(long, value_name = "FORMAT=FILE", value_parser = output::output,
          help_heading = "Output")]
    output: Vec<Output>,
    /// Whether to colour
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = When::Auto,
          help_heading = "Output")]
    color: When,
    /// Only what is wrong
    #[arg(short, long, conflicts_with = "verbose", help_heading = "Output")]
    quiet: bool,
    /// All evidence, all remedies, and what passed
    #[arg(short, long, help_heading = "Output")]
    verbose: bool,
}

pub(super) fn run(
    arguments: &Arguments,
    console: &Console,
    out: &mut dyn Write,
) -> Result<ExitCode, Trouble> {
    let end = Instant::now() + arguments.timeout;
    let source = source::open(arguments.from.as_deref(), arguments.timeout)?;
    let origin = if arguments.from.is_some() { Origin::Bundle } else { Origin::Live };
    let mut collected = probe::collect(&*source);
    if let Some(names) = &arguments.active {
        trial::run(&mut collected, names, end);
    }
    let report = report::diagnose(collected, origin, &arguments.options());
    let printed = arguments.print(&report, console, out);
    // The files are written though nobody reads standard output, and the other way round.
    for output in &arguments.output {
        arguments.write(output, &report, out)?;
    }
    printed?;
    Ok(if report.exit_code == 0 { ExitCode::Success } else { ExitCode::Findings })
}

impl Arguments {
    fn options(&self) -> Options {
        let (targets, assume) = arguments::judged(&self.targets, &self.assume);
        Options {
            targets,
            assume,
            select: self.select.clone(),
            ignore: self.ignore.clone(),
            fail_on: self.fail_on.into(),
            strict: self.strict,
            exit_zero: self.exit_zero,
        }
    }

    fn view(&self, width: usize) -> View {
        let detail = match (self.quiet, self.verbose) {
            (true, _) => Detail::Quiet,
            (_, true) => Detail::Verbose,
            _ => Detail::Normal,
        };
        View { width, detail }
    }

    fn print(
        &self,
        report: &Report,
        console: &Console,
        out: &mut dyn Write,
    ) -> Result<(), Trouble> {
        match self.format {
            Format::Json => unless_closed(json::render(report, out)),
            Format::Table => {
                let view = self.view(console.width());
                console.print(self.color, out, |out| table::render(report, view, out))
            }
        }
    }

    /// A file is no terminal: its table is 80 columns wide, and coloured only if that was asked for.
    fn write(&self, output: &Output, report: &Report, out: &mut dyn Write) -> Result<(), Trouble> {
        let mut content = Vec::new();
        let rendered = match output.format {
            Format::Json => json::render(report, &mut content),
            Format::Table => {
                let view = self.view(View::DEFAULT_WIDTH);
                let colored = self.color == When::Always;
                styled(colored, &mut content, |content| table::render(report, view, content))
            }
        };
        rendered.map_err(|error| Trouble::File(output.path.clone(), error))?;
        if output::is_stdout(&output.path) {
            return unless_closed(out.write_all(&content));
        }
        output::write(&output.path, &content)
            .map_err(|error| Trouble::File(output.path.clone(), error))
    }
}
