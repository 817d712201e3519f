//! The journal: what was done, on the disk before it is done.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use super::Action;
use crate::trial::{state_home, trust};

const JOURNAL: &str = "fix.journal";

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Entry {
    Begin { number: u64, action: Action },
    Done { number: u64 },
    Undone { number: u64 },
}

/// What was done and not taken back; one doctor at a time has it.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    /// Held as long as it is open.
    _lock: Flock<File>,
    pending: Vec<(u64, Action)>,
    last: u64,
}

impl Journal {
    /// Opens the journal of this user, and waits for nobody.
    pub(crate) fn open(variable: fn(&str) -> Option<std::ffi::OsString>) -> io::Result<Self> {
        Self::at(&home(variable)?)
    }

    /// Whether this user has one: whoever takes back what nobody did leaves nothing.
    pub(crate) fn exists(variable: fn(&str) -> Option<std::ffi::OsString>) -> io::Result<bool> {
        home(variable)?.join(JOURNAL).try_exists()
    }

    /// Opens the one in this directory, which is made if it is not there.
    pub(super) fn at(directory: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let reached = trust::directory(directory)?;
        if let Some(shared) = reached.shared {
            return Err(io::Error::other(format!("others may write to {}", shared.display())));
        }
        let lock = own(&directory.join("fix.lock"))?;
        let lock = Flock::lock(lock, FlockArg::LockExclusiveNonblock)
            .map_err(|_| io::Error::other("another doctor is at it"))?;
        let path = directory.join(JOURNAL);
        let file = own(&path)?;
        File::open(directory)?.sync_all()?;
        let (mut pending, mut last) = (Vec::new(), 0);
        for line in BufReader::new(File::open(&path)?).lines() {
            // The last line of a doctor that was killed may be half of one: then nothing was done.
            match serde_json::from_str(&line?) {
                Ok(Entry::Begin { number, action }) => {
                    last = number;
                    pending.push((number, action));
                }
                Ok(Entry::Undone { number }) => pending.retain(|(other, _)| *other != number),
                Ok(Entry::Done { .. }) | Err(_) => {}
            }
        }
        Ok(Self { path, file, _lock: lock, pending, last })
    }

    /// What can be taken back, in the order in which it was done.
    pub(crate) fn pending(&self) -> Vec<(u64, Action)> {
        self.pending.clone()
    }

    /// Notes what will be done now.
    pub(super) fn begin(&mut self, action: &Action) -> io::Result<u64> {
        self.last += 1;
        self.note(&Entry::Begin { number: self.last, action: action.clone() })?;
        self.pending.push((self.last, action.clone()));
        Ok(self.last)
    }

    /// Notes that it is done.
    pub(super) fn done(&mut self, number: u64) -> io::Result<()> {
        self.note(&Entry::Done { number })
    }

    /// Notes that it was taken back.
    pub(super) fn undone(&mut self, number: u64) -> io::Result<()> {
        self.pending.retain(|(other, _)| *other != number);
        self.note(&Entry::Undone { number })
    }

    /// All was taken back.
    pub(super) fn end(&mut self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }

    fn note(&mut self, entry: &Entry) -> io::Result<()> {
        // A line of its own, whatever a doctor that was killed has left.
        let mut line = String::from("\n");
        line.push_str(&serde_json::to_string(entry)?);
        line.push('\n');
        self.file.write_all(line.as_bytes())?;
        self.file.sync_data()
    }
}

/// A file of this user's own, and never one behind a link.
fn own(path: &Path) -> io::Result<File> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
    OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(flags).open(path)
}

/// Where it is kept.
fn home(variable: fn(&str) -> Option<std::ffi::OsString>) -> io::Result<PathBuf> {
    state_home(variable).ok_or_else(|| io::Error::other("neither XDG_STATE_HOME nor HOME is set"))
}
