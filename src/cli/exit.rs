//! How a run ends.

use std::{fmt, io, path::PathBuf};

use crate::text;

/// The exit code of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCode {
    /// 0: nothing at or above the level that fails.
    Success,
    /// 1: something.
    Findings,
    /// 2: the doctor could not do its job.
    Failure,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        match code {
            ExitCode::Success => Self::SUCCESS,
            ExitCode::Findings => Self::from(1),
            ExitCode::Failure => Self::from(2),
        }
    }
}

/// Why the doctor could not do its job.
#[derive(Debug)]
pub enum Trouble {
    /// What was asked for makes no sense.
    Usage(String),
    /// Nothing can be read from where it was asked to read.
    Source(String),
    /// Standard output could not be written.
    Output(io::Error),
    /// A file could not be written.
    File(PathBuf, io::Error),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message) | Self::Source(message) => f.write_str(message),
            Self::Output(error) => write!(f, "cannot write to standard output: {error}"),
            Self::File(path, error) => write!(f, "cannot write {}: {error}", text::path(path)),
        }
    }
}
