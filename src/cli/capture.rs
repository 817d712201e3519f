//! `doctor capture`.

use std::{io::Write, path::PathBuf, time::Duration};

use dind_doctor_checks::version::{Component, Version};

use super::{
    Console, ExitCode, Trouble,
    active::Active,
    arguments::{self, Wanted},
    progress::Progress,
    source,
};
use crate::{
    bundle::{
        self, Recorder, Replay,
        account::{self, Names, Redactions},
    },
    file,
    isolated::isolated,
    probe,
    render::{escape, json},
    report::{self, Options, Origin},
    source::ask,
    text,
};

/// So many things that could not be seen are named.
const FEW: usize = 8;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where to: a name that ends in .tar.gz, or a new directory; only you may read it
    #[arg(short, long, value_name = "BUNDLE")]
    output: PathBuf,
    /// Also write the JSON report of the same reads
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// For the report: what is going to be started here
    #[arg(long = "for", value_name = "TARGET", value_delimiter = ',',
          value_parser = arguments::wanted)]
    targets: Vec<Wanted>,
    /// For the report: a version that is going to run here
    #[arg(long, value_name = "COMPONENT=V", value_delimiter = ',',
          value_parser = arguments::assumption)]
    assume: Vec<(Component, Version)>,
    /// Keep addresses, names and values as they are
    #[arg(long)]
    no_redact: bool,
    /// Name the files and variables that were left out or rewritten
    #[arg(long, conflicts_with = "no_redact")]
    show_redactions: bool,
    /// Copy a recorded bundle instead of recording this machine
    #[arg(long, value_name = "BUNDLE")]
    from: Option<PathBuf>,
    #[command(flatten)]
    active: Active,
    /// Seconds for the whole run
    #[arg(long, value_name = "SECS", default_value = "10", value_parser = arguments::seconds)]
    timeout: Duration,
}

pub(super) fn run(
    arguments: &Arguments,
    console: &Console,
    err: &mut dyn Write,
) -> Result<ExitCode, Trouble> {
    let time = arguments.active.begin(arguments.timeout)?;
    let source = source::open(arguments.from.as_deref(), time.end)?;
    let recorder = Recorder::new(&*source);
    let mut collected = probe::collect(&recorder);
    if let Err(message) = isolated(|| bundle::ask_superset(&recorder, &collected.facts)) {
        let message = escape(&message);
        // What tomorrow's probes will ask; today's have been asked.
        let _ = writeln!(err, "doctor: crashed, please report it: {message}");
    }
    let (targets, versions) = arguments::judged(&arguments.targets, &arguments.assume);
    // The last, for engines may take longer than there is time to ask.
    let mut progress = Progress::begin(console);
    let mut tell = |step: &str| progress.at(step);
    let tried = arguments.active.run(&mut collected, &targets, &time, &mut tell);
    drop(progress);
    if let Some(tried) = tried {
        recorder.note(ask::Trials, tried);
    }
    let mut recording = recorder.into_recording(false);
    let mut removed = Vec::new();
    let mut redactions = Redactions::default();
    if !arguments.no_redact {
        let redacted = bundle::redact(&recording);
        redactions = account::redactions(&recording, &redacted.recording);
        recording = redacted.recording;
        removed = redacted.removed;
    }
    let size =
        bundle::write(&recording, &arguments.output).map_err(|e| Trouble::Source(e.to_string()))?;
    let path = text::path(&arguments.output);
    // The answers are where they belong; who cannot be told about it is not in trouble.
    let _ = writeln!(err, "doctor: {path}: {} answers, {size} bytes", recording.answers.len());
    if arguments.no_redact {
        let _ = writeln!(
            err,
            "doctor: {path} holds secrets as they are (passwords in proxies, arguments of processes): keep it to yourself"
        );
    }
    for removal in removed {
        let _ = writeln!(err, "doctor: redacted {} {}", removal.count, removal.kind.name());
    }
    if arguments.show_redactions {
        list(err, "left out", &redactions.dropped);
        list(err, "rewritten", &redactions.rewritten);
    }
    for (why, names) in account::unseen(&recording) {
        let more = match names.len().checked_sub(FEW) {
            Some(more) if more > 0 => format!(" and {more} more"),
            _ => String::new(),
        };
        let names: Vec<_> = names.keys().take(FEW).map(|name| escape(name)).collect();
        let _ = writeln!(err, "doctor: could not see ({why}): {}{more}", names.join(", "));
    }
    if let Some(path) = &arguments.report {
        let collected = probe::collect(&Replay::new(recording));
        let options = Options { targets, assume: versions, ..Options::default() };
        let report = report::diagnose(collected, Origin::Bundle, &options);
        let mut content = Vec::new();
        json::render(&report, &mut content).map_err(Trouble::Output)?;
        file::write(path, &content).map_err(|e| Trouble::File(path.clone(), e))?;
    }
    Ok(ExitCode::Success)
}

/// One line for each name.
fn list(err: &mut dyn Write, what: &str, names: &Names) {
    for (name, count) in names {
        let times = if *count > 1 { format!(" ({count} times)") } else { String::new() };
        let _ = writeln!(err, "doctor: {what}: {}{times}", escape(name));
    }
}
