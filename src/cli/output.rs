//! Formats, and which of them go where.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Table,
    /// For scripts: one document, described by `doctor schema`.
    Json,
    /// For Jenkins, GitLab and Azure: a test case per check.
    Junit,
    /// For GitHub code scanning and editors: SARIF 2.1.0.
    Sarif,
    /// For the log and the annotations of GitHub Actions.
    Github,
    /// For pull requests, job summaries and support tickets.
    Markdown,
    /// One page for a browser, which needs nothing else.
    Html,
    /// For prove and other readers of TAP 14.
    Tap,
}

/// How text that is no report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TextFormat {
    /// For people.
    Table,
    /// For scripts.
    Json,
}

/// A format and the file that gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Output {
    pub(super) format: Format,
    pub(super) path: PathBuf,
}

/// `json=report.json`, for clap.
pub(super) fn output(text: &str) -> Result<Output, String> {
    let (format, path) = text.split_once('=').unwrap_or((text, ""));
    let known = || {
        let names = Format::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        names.map(|value| value.get_name().to_owned()).collect::<Vec<_>>().join(", ")
    };
    let format = Format::from_str(format, false)
        .map_err(|_| format!("say FORMAT=FILE; formats are {}", known()))?;
    if path.is_empty() {
        return Err("say FORMAT=FILE, for instance json=report.json".to_owned());
    }
    Ok(Output { format, path: path.into() })
}

/// Whether the file is this process's standard output under one of its names.
pub(super) fn is_stdout(path: &Path) -> bool {
    ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].iter().any(|name| path == Path::new(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_and_a_file() {
        let want = Output { format: Format::Json, path: "a=b".into() };
        assert_eq!(output("json=a=b"), Ok(want));
        for text in ["json", "json=", "xml=a", "=a"] {
            assert!(output(text).is_err(), "{text}");
        }
    }
}
