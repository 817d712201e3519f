//! `doctor check`, which is also `doctor`.

use std::{
    io::{self, Write},
    path::PathBuf,
    time::{Duration, SystemTime},
};

use dind_doctor_checks::{
    target::Severity,
    version::{Component, Version},
};

use super::{
    Console, ExitCode, Trouble, When,
    active::Active,
    arguments::{self, FailOn, Wanted},
    baseline,
    config::{self, Config},
    console::styled,
    output::{self, Format, Output},
    progress::Progress,
    selection, source, unless_closed,
};
use crate::{
    file,
    isolated::isolated,
    probe,
    render::{
        github, html, json, junit, markdown,
        sarif::{self, Anchor},
        table::{self, Detail, View},
        tap,
    },
    report::{self, Baseline, Day, Ignore, Options, Origin, Report, Selector},
};

#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(super) struct Arguments {
    /// What is going to be started here: dockerd, kind, rootless, systemd, buildkit, podman (as this user),
    /// sandbox (bubblewrap), or docker: docker commands through the daemon that they reach; kind=0.11 gives a
    /// version too [default: docker,kind where a daemon is reached, else dockerd,kind for root and rootless for a
    /// user]
    #[arg(long = "for", value_name = "TARGET", value_delimiter = ',',
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
    #[command(flatten)]
    active: Active,

    /// From which severity on the exit code is 1 [default: error]
    #[arg(long, value_enum, value_name = "SEVERITY", help_heading = "Exit code")]
    fail_on: Option<FailOn>,
    /// What could not be judged counts as found
    #[arg(long, help_heading = "Exit code")]
    strict: bool,
    /// Exit with 0 whatever is found
    #[arg(long, help_heading = "Exit code")]
    exit_zero: bool,

    #[command(flatten)]
    config: config::Arguments,
    #[command(flatten)]
    baseline: baseline::Arguments,

    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Table, help_heading = "Output")]
    format: Format,
    /// Also write this format to this file, whole or not at all; - is standard output, and what
    /// $GITHUB_STEP_SUMMARY names is added to
    #[arg(long, value_name = "FORMAT=FILE", value_parser = output::output,
          help_heading = "Output")]
    output: Vec<Output>,
    /// The file of the repository at which SARIF shows what is in no file [default: the workflow that runs,
    /// else README.md]
    #[arg(long, value_name = "FILE", value_parser = Anchor::new, help_heading = "Output")]
    sarif_anchor: Option<Anchor>,
    /// Whether to colour
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = When::Auto,
          help_heading = "Output")]
    color: When,
    /// Only what was found
    #[arg(short, long, conflicts_with = "verbose", help_heading = "Output")]
    quiet: bool,
    /// All evidence, all remedies, what passed, and how long the probes took
    #[arg(short, long, help_heading = "Output")]
    verbose: bool,
}

/// `doctor rehearse`: the same as `--active=rehearse`, with what else `--active` names.
pub(super) fn rehearse(
    arguments: &mut Arguments,
    console: &Console,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<ExitCode, Trouble> {
    if arguments.from.is_some() {
        let message = "a bundle cannot be rehearsed: leave out --from";
        return Err(Trouble::Usage(message.to_owned()));
    }
    arguments.active.add_rehearsals();
    run(arguments, console, out, err)
}

pub(super) fn run(
    arguments: &Arguments,
    console: &Console,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<ExitCode, Trouble> {
    let time = arguments.active.begin(arguments.timeout)?;
    let config = arguments.config.read(console.variable)?;
    let options = arguments.options(config, arguments.baseline.read()?);
    let source = source::open(arguments.from.as_deref(), time.end)?;
    let origin = if arguments.from.is_some() { Origin::Bundle } else { Origin::Live };
    let mut collected = probe::collect(&*source);
    let mut progress = Progress::begin(console);
    arguments.active.run(&mut collected, &options.targets, &time, &mut |step| progress.at(step));
    drop(progress);
    let report = report::diagnose(collected, origin, &options);
    let printed = time.printing(console, || arguments.print(&report, console, out));
    // The files are written though nobody reads standard output, and the other way round.
    for output in &arguments.output {
        arguments.write(output, &report, console, out)?;
    }
    let adopted = arguments.baseline.write(report.baseline.as_ref(), err);
    printed.and(adopted)?;
    Ok(if report.exit_code == 0 { ExitCode::Success } else { ExitCode::Findings })
}

impl Arguments {
    /// What of the file counts, and is not said otherwise on the command line.
    fn decided_by(&self, file: &config::File) -> Vec<String> {
        let mut all = Vec::new();
        let mut add = |counts: bool, what: String| all.extend(counts.then_some(what));
        let number = |n: usize, one: &str| match n {
            1 => format!("1 {one}"),
            n => format!("{n} {one}s"),
        };
        add(!file.ignore.is_empty(), number(file.ignore.len(), "ignore"));
        add(
            !file.overrides.is_empty(),
            number(file.overrides.len(), "severity").replace("ys", "ies"),
        );
        add(self.select.is_empty() && file.select.is_some(), "select".to_owned());
        add(self.targets.is_empty() && file.targets.is_some(), "for".to_owned());
        add(!file.assume.is_empty(), "assume".to_owned());
        add(self.fail_on.is_none() && file.fail_on.is_some(), "fail_on".to_owned());
        add(!self.strict && file.strict, "strict".to_owned());
        all
    }

    /// What the command line asks for, and where that says nothing, the configuration; what is ignored
    /// and assumed in either.
    fn options(&self, config: Config, baseline: Option<Baseline>) -> Options {
        let default = Options::default();
        let decided_by_found =
            if config.found_here { self.decided_by(&config.file) } else { Vec::new() };
        let Config { path, file, .. } = config;
        let (of_file, mut assume) =
            arguments::judged(&file.targets.unwrap_or_default(), &file.assume);
        let (given, versions) = arguments::judged(&self.targets, &self.assume);
        assume.extend(versions);
        let targets = [given, of_file].into_iter().find(|targets| !targets.is_empty());
        let mut ignore: Vec<_> = self.ignore.iter().cloned().map(Ignore::from).collect();
        ignore.extend(file.ignore);
        Options {
            targets: targets.unwrap_or_default(),
            assume,
            select: if self.select.is_empty() {
                file.select.unwrap_or_default()
            } else {
                self.select.clone()
            },
            ignore,
            today: Day::of(SystemTime::now()),
            overrides: file.overrides,
            baseline,
            adopt: self.baseline.adopts(),
            configuration: path,
            decided_by_found,
            fail_on: self.fail_on.or(file.fail_on).map_or(default.fail_on, Severity::from),
            strict: self.strict || file.strict,
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
        let style = Style { width: console.width(), colored: console.color(self.color) };
        unless_closed(self.render(self.format, style, report, console, out))
    }

    /// A file is no terminal: its table is 80 columns wide, and coloured only if that was asked for.
    fn write(
        &self,
        output: &Output,
        report: &Report,
        console: &Console,
        out: &mut dyn Write,
    ) -> Result<(), Trouble> {
        let style = Style { width: View::DEFAULT_WIDTH, colored: self.color == When::Always };
        let mut content = Vec::new();
        let trouble = |error| Trouble::File(output.path.clone(), error);
        self.render(output.format, style, report, console, &mut content).map_err(trouble)?;
        if output::is_stdout(&output.path) {
            return unless_closed(out.write_all(&content));
        }
        // Other steps write to the job's summary too.
        if (console.variable)("GITHUB_STEP_SUMMARY").is_some_and(|path| output.path == *path) {
            return file::append(&output.path, &content).map_err(trouble);
        }
        file::write(&output.path, &content).map_err(trouble)
    }

    fn render(
        &self,
        format: Format,
        style: Style,
        report: &Report,
        console: &Console,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let rendered = isolated(|| match format {
            Format::Table => {
                let view = self.view(style.width);
                styled(style.colored, out, |out| table::render(report, view, out))
            }
            Format::Json => json::render(report, out),
            Format::Junit => junit::render(report, out),
            Format::Sarif => sarif::render(report, &self.anchor(console), out),
            Format::Github => github::render(report, out),
            Format::Markdown => markdown::render(report, out),
            Format::Html => html::render(report, out),
            Format::Tap => tap::render(report, out),
        });
        // Other formats are still written.
        rendered.unwrap_or_else(|message| {
            let message = crate::text::escape(&message);
            Err(io::Error::other(format!("rendering crashed, please report it: {message}")))
        })
    }

    /// What was asked for, the workflow that runs, or the file that nearly every repository has.
    fn anchor(&self, console: &Console) -> Anchor {
        let variable = |name| (console.variable)(name)?.into_string().ok();
        let workflow = || {
            let repository = variable("GITHUB_REPOSITORY")?;
            Anchor::of_workflow(&variable("GITHUB_WORKFLOW_REF")?, &repository)
        };
        self.sarif_anchor.clone().or_else(workflow).unwrap_or_default()
    }
}

/// How a table looks.
#[derive(Clone, Copy)]
struct Style {
    width: usize,
    colored: bool,
}
