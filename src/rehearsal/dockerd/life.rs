//! Whether the daemon lives, and what it wrote.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

use nix::{
    sys::wait::{Id, WaitPidFlag, WaitStatus, waitid},
    unistd::Pid,
};

use crate::{rehearsal::process, trial::steps::Failure};

/// Both of its streams.
pub(super) const LOG: &str = "/run/dind-doctor/log";

/// Bytes of the log that are looked at.
const TAIL: u64 = 64 * 1024;

/// Whether the daemon has not ended; it can be asked again.
pub(super) fn alive(daemon: Pid) -> Result<(), Failure> {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    match waitid(Id::Pid(daemon), flags) {
        Ok(WaitStatus::StillAlive) => Ok(()),
        Ok(status) => {
            let last =
                process::last_words(&tail()).map(|line| format!(": {line}")).unwrap_or_default();
            Err(Failure::seen(process::how(status) + &last))
        }
        Err(errno) => Err(errno.into()),
    }
}

/// The end of what the daemon wrote.
pub(super) fn tail() -> Vec<u8> {
    let read = || {
        let mut file = File::open(LOG)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        let mut tail = Vec::new();
        file.take(TAIL).read_to_end(&mut tail)?;
        std::io::Result::Ok(tail)
    };
    read().unwrap_or_default()
}
