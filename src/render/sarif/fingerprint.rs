//! What makes a result the same as that of another run.

use std::collections::BTreeMap;

/// Fingerprints of the results of one document.
#[derive(Default)]
pub(super) struct Fingerprints {
    seen: BTreeMap<u64, usize>,
}

impl Fingerprints {
    /// `ad1f…:1`, the form that GitHub gives its own: of the check and of what is affected, numbered where
    /// that is the same several times. Numbers of processes, ids of pods and containers do not count: they
    /// are others in every run.
    pub(super) fn of(&mut self, id: &str, subject: &str) -> String {
        let hash = hash(id.bytes().chain([0]).chain(stable(subject).bytes()));
        let count = self.seen.entry(hash).or_default();
        *count += 1;
        format!("{hash:016x}:{count}")
    }
}

/// `subject` without what looks like an id: eight or more hexadecimal digits (with `-` and `_`) in a row, of
/// which one is decimal, or the number after `PID`.
fn stable(subject: &str) -> String {
    let mut stable = String::with_capacity(subject.len());
    let mut rest = subject;
    while let Some(c) = rest.chars().next() {
        let ident = |c: char| c.is_ascii_hexdigit() || c == '-' || c == '_';
        let run = rest.find(|c| !ident(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(run);
        let number = word.bytes().any(|b| b.is_ascii_digit());
        if number && (run >= 8 || stable.ends_with("PID ")) {
            stable.push('*');
            rest = after;
        } else if run > 0 {
            stable.push_str(word);
            rest = after;
        } else {
            stable.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    stable
}

/// FNV-1a, 64 bits: the same for all versions of the doctor, which std's hash is not.
fn hash(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_reference() {
        assert_eq!(hash(b"".iter().copied()), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(b"foobar".iter().copied()), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn what_differs_between_runs_does_not_count() {
        assert_eq!(stable("PID 4711"), "PID *");
        assert_eq!(
            stable("/kubepods/pod0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9/x"),
            "/kubepods/po*/x"
        );
        for same in ["docker0", "/var/lib/docker", "10.96.0.0/12", "cafe", "größe"] {
            assert_eq!(stable(same), same);
        }
    }

    #[test]
    fn the_same_twice_is_numbered() {
        let mut prints = Fingerprints::default();
        let first = prints.of("a", "PID 7");
        assert_eq!(prints.of("a", "PID 8"), first.replace(":1", ":2"));
        assert_ne!(prints.of("b", "PID 7"), first);
        assert_eq!(Fingerprints::default().of("a", "PID 9"), first);
    }
}
