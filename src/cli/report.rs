//! `doctor report`.

use std::{io::Write, path::PathBuf, time::Duration};

use dind_doctor_checks::version::{Component, Version};
use serde_json::Value;

use super::{
    Console, ExitCode, Trouble,
    arguments::{self, Wanted},
    source::{self, Saved},
    time::Time,
    unless_closed,
};
use crate::{
    bundle::{self, Recorder, Recording, Removal, Replay},
    file, probe,
    render::{html, markdown, page::Page},
    report::{self, Options, Origin},
    text,
};

/// How the page is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// To be pasted into a ticket.
    Markdown,
    /// One file to be opened in a browser.
    Html,
}

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What is going to be started here
    #[arg(long = "for", value_name = "TARGET", value_delimiter = ',',
          value_parser = arguments::wanted)]
    targets: Vec<Wanted>,
    /// A version that is going to run here and cannot be read
    #[arg(long, value_name = "COMPONENT=V", value_delimiter = ',',
          value_parser = arguments::assumption)]
    assume: Vec<(Component, Version)>,
    /// Read a bundle or a JSON report instead of this machine
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// What to write
    #[arg(long, value_enum, default_value_t = Format::Markdown)]
    format: Format,
    /// Where to, whole or not at all, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Keep addresses, names and values as they are
    #[arg(long)]
    no_redact: bool,
    /// Seconds for the whole run
    #[arg(long, value_name = "SECS", default_value = "10", value_parser = arguments::seconds)]
    timeout: Duration,
}

pub(super) fn run(
    arguments: &Arguments,
    console: &Console,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<ExitCode, Trouble> {
    let time = Time::begin(arguments.timeout);
    let page = arguments.page(&time)?;
    let mut content = Vec::new();
    let write = match arguments.format {
        Format::Markdown => markdown::ticket,
        Format::Html => html::write,
    };
    write(&page, &mut content).map_err(Trouble::Output)?;
    match &arguments.output {
        Some(path) => {
            file::write(path, &content).map_err(|error| Trouble::File(path.clone(), error))?;
        }
        None => time.printing(console, || unless_closed(out.write_all(&content)))?,
    }
    let advice = if arguments.no_redact {
        "nothing was taken out: it can hold addresses and names that are not everybody's business"
    } else {
        "read it before you share it: directories, cgroups, services and volumes keep their names"
    };
    // Who cannot be told has the page anyway.
    let _ = writeln!(err, "doctor: {advice}");
    Ok(ExitCode::Success)
}

impl Arguments {
    fn page(&self, time: &Time) -> Result<Page, Trouble> {
        let Some(path) = &self.from else {
            let source = source::live(time.end);
            let recorder = Recorder::new(&source);
            let late = probe::collect(&recorder).timed_out;
            return self.of_recording(recorder.into_recording(false), late, Origin::Live);
        };
        let trouble = |what| Trouble::Source(format!("{}: {what}", text::path(path)));
        match source::saved(path).map_err(trouble)? {
            Saved::Bundle(recording) => self.of_recording(recording, Vec::new(), Origin::Bundle),
            Saved::File(content) => self.of_document(&content).map_err(trouble),
        }
    }

    /// Judged is what is left after redaction, so that nothing else can be told.
    fn of_recording(
        &self,
        mut recording: Recording,
        late: Vec<String>,
        origin: Origin,
    ) -> Result<Page, Trouble> {
        let was_redacted = recording.header.redacted;
        let mut removed = Vec::new();
        if !self.no_redact {
            let redacted = bundle::redact(&recording);
            (recording, removed) = (redacted.recording, redacted.removed);
        }
        let mut collected = probe::collect(&Replay::new(recording));
        if !late.is_empty() {
            collected.timed_out = late;
        }
        let (targets, assume) = arguments::judged(&self.targets, &self.assume);
        let options = Options { targets, assume, ..Options::default() };
        let report = report::diagnose(collected, origin, &options);
        let page = Page::of(&report).map_err(Trouble::Output)?;
        Ok(page.with_provenance(self.provenance(&removed, was_redacted)))
    }

    fn of_document(&self, content: &[u8]) -> Result<Page, String> {
        if !(self.targets.is_empty() && self.assume.is_empty()) {
            return Err(
                "a JSON report holds verdicts and no facts: --for and --assume need a bundle"
                    .to_owned(),
            );
        }
        let mut report: Value = crate::diff::Report::document(content)?;
        let mut removed = Vec::new();
        if !self.no_redact {
            removed = bundle::redact_document(&mut report);
        }
        Ok(Page::read(&report).with_provenance(self.provenance(&removed, false)))
    }

    /// How this page came about, for whoever reads it.
    fn provenance(&self, removed: &[Removal], was_redacted: bool) -> Vec<String> {
        let (targets, versions) = arguments::judged(&self.targets, &self.assume);
        let names: Vec<_> = targets.iter().map(|target| target.name()).collect();
        let targets = (!names.is_empty()).then(|| format!(" --for {}", names.join(",")));
        let versions =
            versions.iter().map(|(c, version)| format!(" --assume {}={version}", c.name()));
        let asked: String =
            std::iter::once("doctor report".to_owned()).chain(targets).chain(versions).collect();
        let counts =
            removed.iter().map(|removal| format!("{} ({})", removal.kind.name(), removal.count));
        let counts: Vec<_> = counts.collect();
        let redacted = match (self.no_redact, counts.is_empty()) {
            (true, _) if was_redacted => "of a redacted bundle".to_owned(),
            (true, _) => "not redacted".to_owned(),
            (false, true) => "redacted: there was nothing to take out".to_owned(),
            (false, false) => format!("redacted: {}", counts.join(", ")),
        };
        vec![format!("asked for with: {asked}"), redacted]
    }
}
