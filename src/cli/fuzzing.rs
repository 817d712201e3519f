//! Files that a run is told to read, for fuzz targets.

use super::{Trouble, baseline as known, config::Config, input::Input};

fn input(name: &str, text: &str) -> Input {
    Input { path: name.into(), text: text.to_owned() }
}

fn message(trouble: &Trouble) -> String {
    trouble.to_string()
}

/// A `doctor.toml`; the error is the message on standard error.
pub fn configuration(name: &str, text: &str) -> Result<(), String> {
    Config::parse(&input(name, text)).map(drop).map_err(|trouble| message(&trouble))
}

/// A baseline, and how it is written again; the error is the message on standard error.
pub fn baseline(name: &str, text: &str) -> Result<Vec<u8>, String> {
    let read = known::parse(&input(name, text)).map_err(|trouble| message(&trouble))?;
    known::document(&read).map_err(|error| error.to_string())
}
