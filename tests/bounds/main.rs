//! Hostile input ends in time and in bounded memory, nothing of it reaches a terminal raw, and what is written is
//! written whole, where it was asked for.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bundles;
mod inputs;
mod outputs;
mod terminal;

use std::{
    ffi::OsStr,
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

/// A run of the doctor that must end by itself, well before anybody would kill it.
fn doctor<A: AsRef<OsStr>>(directory: &Path, arguments: &[A]) -> Output {
    limited(directory, "", arguments)
}

/// The same after `limits` of a shell: `ulimit -v 524288;`.
fn limited<A: AsRef<OsStr>>(directory: &Path, limits: &str, arguments: &[A]) -> Output {
    let begin = Instant::now();
    let output = Command::new("sh")
        .arg("-c")
        .arg(format!("{limits} exec \"$0\" \"$@\""))
        .arg(env!("CARGO_BIN_EXE_doctor"))
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(begin.elapsed() < Duration::from_secs(60), "took {:?}", begin.elapsed());
    output
}

/// What a run says on standard error that must end with 2.
fn refused<A: AsRef<OsStr>>(directory: &Path, arguments: &[A]) -> String {
    let output = doctor(directory, arguments);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(!error.contains("panicked"), "{error}");
    error
}

fn pipe(path: &Path) {
    nix::unistd::mkfifo(path, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
}
