//! Programs of others, executed for what they do.

use std::{
    ffi::OsStr,
    io::Read,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
};

use super::steps::Failure;

/// Bytes of what a program says that are read.
const SAID: u64 = 4096;

/// Executes `program` under `name`, and waits; what it said first if it did not end well.
pub(super) fn execute(
    program: &Path,
    name: &OsStr,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Result<(), Failure> {
    let mut child = Command::new(program)
        .arg0(name)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut said = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        stderr.take(SAID).read_to_end(&mut said)?;
    }
    let status = child.wait()?;
    if status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&said);
    // Hints follow the error.
    let first = said.lines().map(str::trim).find(|line| !line.is_empty());
    Err(Failure::seen(
        first.map_or_else(|| status.to_string(), |line| line.chars().take(200).collect::<String>()),
    ))
}
