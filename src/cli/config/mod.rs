//! `doctor.toml`: what a project or an administrator has decided once, for every run.

mod fault;
mod file;
mod value;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

pub(super) use file::File;

use super::{
    Trouble,
    input::{self, Input},
};

/// Where a configuration is looked for, the first that exists.
const PLACES: [&str; 2] = [HERE, "/etc/doctor/doctor.toml"];
/// Whoever wrote the working directory wrote it: a run says what it decides.
const HERE: &str = "./doctor.toml";
/// The variable that names one.
const VARIABLE: &str = "DOCTOR_CONFIG";

#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Arguments {
    /// The configuration, in place of $DOCTOR_CONFIG, ./doctor.toml or /etc/doctor/doctor.toml
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    config: Option<PathBuf>,
    /// No configuration, wherever there is one
    #[arg(long, conflicts_with = "config", help_heading = "Configuration")]
    no_config: bool,
}

/// A configuration that was read.
#[derive(Debug, Default)]
pub(super) struct Config {
    /// Where it was found, safe to print.
    pub(super) path: Option<String>,
    /// Whether nobody named it, and it was in the working directory.
    pub(super) found_here: bool,
    pub(super) file: File,
}

impl Arguments {
    /// The configuration of this run; an empty one where there is none. One that is named has to be
    /// there, and one that is there has to be right.
    pub(super) fn read(&self, variable: fn(&str) -> Option<OsString>) -> Result<Config, Trouble> {
        if self.no_config {
            return Ok(Config::default());
        }
        let source = input::source();
        if let Some(named) = &self.config {
            return Config::parse(&input::read(named, &source)?);
        }
        if let Some(named) = variable(VARIABLE).filter(|name| !name.is_empty()) {
            let input = input::read(Path::new(&named), &source)
                .map_err(|trouble| Trouble::Usage(format!("${VARIABLE}: {trouble}")))?;
            return Config::parse(&input);
        }
        for place in PLACES {
            if let Some(input) = input::read_if_there(Path::new(place), &source)? {
                let found_here = place == HERE;
                return Config::parse(&input).map(|config| Config { found_here, ..config });
            }
        }
        Ok(Config::default())
    }
}

impl Config {
    /// What the file says.
    pub(super) fn parse(input: &Input) -> Result<Self, Trouble> {
        let file = File::parse(&input.text).map_err(|fault| fault.in_file(input))?;
        Ok(Self { path: Some(input::name(&input.path)), found_here: false, file })
    }
}
