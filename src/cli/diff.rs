//! `doctor diff`.

use std::{
    io::Write,
    path::{Component, Path, PathBuf},
    time::{Duration, Instant},
};

use clap::ValueEnum;
use dind_doctor_checks::version::{self, Version};

use super::{
    Console, ExitCode, Trouble, When,
    arguments::{self, Wanted},
    source::{self, Saved},
    time::Time,
    unless_closed,
};
use crate::{
    bundle::Replay,
    diff::{self, Origin, Side},
    probe,
    render::{diff as render, json},
    report::Options,
    text,
};

/// The word for this machine.
const LIVE: &str = "live";
/// How the comparison is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// For scripts.
    Json,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  doctor diff laptop.tar.gz runner.tar.gz  why it works here and not there
  doctor diff live runner.tar.gz           this machine and a bundle
  doctor diff before.json after.json       two JSON reports: findings only

Exit code:
  0  nothing differs but what always does
  1  something differs
  2  the doctor could not do its job")]
pub(super) struct Arguments {
    /// A bundle, a JSON report, or the word live for this machine
    #[arg(value_name = "A")]
    left: PathBuf,
    /// What to compare it with: the same
    #[arg(value_name = "B")]
    right: PathBuf,
    /// What is going to be started
    #[arg(long = "for", value_name = "TARGET", value_delimiter = ',',
          default_value = "dockerd,kind", value_parser = arguments::wanted)]
    targets: Vec<Wanted>,
    /// A version that is going to run on both sides and cannot be read
    #[arg(long, value_name = "COMPONENT=V", value_delimiter = ',',
          value_parser = arguments::assumption)]
    assume: Vec<(version::Component, Version)>,
    /// Seconds for looking at this machine
    #[arg(long, value_name = "SECS", default_value = "10", value_parser = arguments::seconds)]
    timeout: Duration,
    /// For people or for scripts
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Whether to colour
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = When::Auto)]
    color: When,
    /// Every fact that differs, and what is left out
    #[arg(short, long)]
    verbose: bool,
}

pub(super) fn run(
    arguments: &Arguments,
    console: &Console,
    out: &mut dyn Write,
) -> Result<ExitCode, Trouble> {
    let (targets, assume) = arguments::judged(&arguments.targets, &arguments.assume);
    let options = Options { targets: targets.clone(), assume, ..Options::default() };
    let (left, right) = names(&arguments.left, &arguments.right);
    let time = Time::begin(arguments.timeout);
    let open = |path: &Path, name| {
        open(path, name, time.end, &options)
            .map_err(|what| Trouble::Source(format!("{}: {what}", text::path(path))))
    };
    let left = open(&arguments.left, left)?;
    let right = open(&arguments.right, right)?;
    let comparison = diff::compare(left, right, &targets).map_err(Trouble::Source)?;
    time.printing(console, || match arguments.format {
        Format::Json => unless_closed(render::json(&comparison, out)),
        Format::Table => {
            let width = console.width();
            console.print(arguments.color, out, |out| {
                render::table(&comparison, width, arguments.verbose, out)
            })
        }
    })?;
    Ok(if comparison.differs() { ExitCode::Findings } else { ExitCode::Success })
}

fn open(path: &Path, name: String, end: Instant, options: &Options) -> Result<Side, String> {
    if path == Path::new(LIVE) {
        let collected = probe::collect(&source::live(end));
        return Side::of(name, Origin::Live, collected, options, json::render);
    }
    match source::saved(path)? {
        Saved::Bundle(recording) => {
            let origin = Origin::Bundle { redacted: recording.header.redacted };
            Side::of(name, origin, probe::collect(&Replay::new(recording)), options, json::render)
        }
        Saved::File(content) => {
            Side::of_report(name, &content).map_err(|error| text::escape(&error).into_owned())
        }
    }
}

/// Short names that tell the two apart: the last parts of their paths that are not the same.
fn names(left: &Path, right: &Path) -> (String, String) {
    let parts = |path: &Path| -> Vec<String> {
        let name = |part: Component<'_>| stem(&part.as_os_str().to_string_lossy());
        let mut parts: Vec<_> = path.components().rev().map(name).collect();
        // A directory of this name says less than the one that holds it.
        if parts.len() > 1 && parts[0] == "bundle" {
            parts.remove(0);
        }
        parts
    };
    let (left, right) = (parts(left), parts(right));
    if let Some((left, right)) = left.iter().zip(&right).find(|(left, right)| left != right) {
        return (left.clone(), right.clone());
    }
    let name = left.first().cloned().unwrap_or_default();
    (format!("{name} (A)"), format!("{name} (B)"))
}

fn stem(name: &str) -> String {
    let suffixes = [".tar.gz", ".tgz", ".json"];
    let stem = suffixes.iter().find_map(|suffix| name.strip_suffix(suffix));
    stem.filter(|stem| !stem.is_empty()).unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_tell_the_two_apart() {
        let names = |left, right| names(Path::new(left), Path::new(right));
        let both = |left: &str, right: &str| (left.to_owned(), right.to_owned());
        assert_eq!(names("/tmp/laptop.tar.gz", "runner.json"), both("laptop", "runner"));
        assert_eq!(names("hosts/a/bundle", "hosts/b/bundle/"), both("a", "b"));
        assert_eq!(names("live", "hosts/b/bundle"), both("live", "b"));
        assert_eq!(names("live", "live"), both("live (A)", "live (B)"));
        assert_eq!(names("x.tgz", "x.json"), both("x (A)", "x (B)"));
    }
}
