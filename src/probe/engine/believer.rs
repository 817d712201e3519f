//! Whose processes are believed to be what they are called.
//!
//! Anybody can call a process dockerd, and choose its arguments, environment and files. So it is an engine only
//! if root of this user namespace or the doctor's own user runs it, by all four of its ids: of a set-user-ID
//! program only some are root's, and of one that has made itself root altogether (sudo, while it waits for a
//! password) the kernel remembers that somebody else executed it.
//!
//! An engine of another container is one, but not of this machine: what it was told is told there.

use dind_doctor_checks::facts::{Missing, NotBelieved, Why};

use crate::probe::{Reader, status::Status};
use crate::source::ask;

/// `AT_SECURE` of `<linux/auxvec.h>`: the program had more privileges than who executed it.
const AT_SECURE: u64 = 23;

/// Users whose processes are believed.
pub(super) struct Believer {
    trusted: [u32; 2],
}

impl Believer {
    /// Root, and the user that the doctor is.
    pub(super) fn new(reader: &Reader<'_>) -> Self {
        Self { trusted: [0, reader.ask(ask::Ids).map_or(0, |ids| ids.euid)] }
    }

    /// Whether the process is one of theirs; missing if that cannot be told. What an older recording does not
    /// say, it said then: the process counted.
    pub(super) fn believe(
        &self,
        reader: &Reader<'_>,
        pid: u32,
    ) -> Result<Result<(), NotBelieved>, Missing> {
        let status = Status::read(reader, &pid.to_string());
        let uids = match status.user_ids() {
            Ok(uids) => uids.to_vec(),
            Err(Missing { why: Why::NotRecorded, .. }) => return Ok(Ok(())),
            // A sandboxed kernel leaves fields out; there the directory is the user's that runs the process.
            Err(lacking) if lacking.why == Why::NotFound => {
                match reader.stat(&format!("/proc/{pid}")) {
                    Ok(stat) => vec![stat.uid],
                    Err(Missing { why: Why::NotRecorded, .. }) => {
                        return Err(Missing { why: Why::Malformed, ..lacking });
                    }
                    Err(missing) => return Err(missing),
                }
            }
            Err(missing) => return Err(missing),
        };
        if let Some(other) = uids.into_iter().find(|uid| !self.trusted.contains(uid)) {
            return Ok(Err(NotBelieved::RunBy(other)));
        }
        if matches!(status.pid_namespaces(), Ok(2..)) {
            return Ok(Err(NotBelieved::Contained));
        }
        // Only after the ids: with them comes the mark. Where it cannot be read, there is no evidence of one.
        let vector = reader.bytes(&format!("/proc/{pid}/auxv"));
        Ok(if vector.is_ok_and(|vector| is_secure(&vector)) {
            Err(NotBelieved::SetUserId)
        } else {
            Ok(())
        })
    }
}

/// The vector is pairs of machine words.
fn is_secure(vector: &[u8]) -> bool {
    const WORD: usize = size_of::<usize>();
    let word = |bytes: &[u8]| {
        let mut all = [0; 8];
        all[..WORD].copy_from_slice(bytes);
        u64::from_le_bytes(all)
    };
    vector
        .chunks_exact(2 * WORD)
        .any(|pair| word(&pair[..WORD]) == AT_SECURE && word(&pair[WORD..]) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_of_a_privileged_program_is_found() {
        let vector = |pairs: &[(usize, usize)]| {
            pairs.iter().flat_map(|(a, b)| [a.to_ne_bytes(), b.to_ne_bytes()].concat()).collect()
        };
        let own: Vec<u8> = vector(&[(33, 23), (16, 1), (23, 0), (0, 0)]);
        assert!(!is_secure(&own));
        let other: Vec<u8> = vector(&[(33, 7), (23, 1), (0, 0)]);
        assert!(is_secure(&other));
        assert!(!is_secure(b"short"));
    }
}
