//! `/proc/PID/status`, field by field. procfs's parser wants every field, and sandboxed kernels leave
//! most of them out.

use dind_doctor_checks::facts::{Fact, Missing, SignalMasks, Why};

use super::Reader;

/// The fields of one file.
pub(super) struct Status {
    path: String,
    content: Result<String, Missing>,
}

impl Status {
    pub(super) fn read(reader: &Reader, process: &str) -> Self {
        let path = format!("/proc/{process}/status");
        // Every process has a name at least.
        let content = reader.bytes(&path).and_then(|bytes| {
            let empty = bytes.trim_ascii().is_empty();
            if empty { Err(Missing::new(&*path, Why::Malformed)) } else { Ok(bytes) }
        });
        let content = content.map(|b| String::from_utf8_lossy(&b).into_owned());
        Self { path, content }
    }

    fn value(&self, field: &str) -> Result<&str, Missing> {
        let content = self.content.as_ref().map_err(Clone::clone)?;
        let values = content.lines().filter_map(|line| line.split_once(':'));
        let mut named = values.filter(|(name, _)| *name == field);
        named
            .next()
            .map(|(_, value)| value.trim())
            .ok_or_else(|| Missing::new(format!("{field} in {}", self.path), Why::NotFound))
    }

    fn parsed<T>(&self, field: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, Missing> {
        let malformed = || Missing::new(format!("{field} in {}", self.path), Why::Malformed);
        parse(self.value(field)?).ok_or_else(malformed)
    }

    /// A hexadecimal mask.
    pub(super) fn mask(&self, field: &str) -> Result<u64, Missing> {
        self.parsed(field, |value| u64::from_str_radix(value, 16).ok())
    }

    /// A decimal number.
    pub(super) fn number(&self, field: &str) -> Result<u32, Missing> {
        self.parsed(field, |value| value.parse().ok())
    }

    /// How many numbers are in a list such as `0-2,5`.
    pub(super) fn count(&self, field: &str) -> Result<u32, Missing> {
        self.parsed(field, |list| {
            list.split(',').try_fold(0_u32, |count, part| {
                let (first, last) = part.split_once('-').unwrap_or((part, part));
                let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
                count.checked_add(last.checked_sub(first)?.checked_add(1)?)
            })
        })
    }

    /// Real, effective, saved and file-system user.
    pub(super) fn user_ids(&self) -> Result<[u32; 4], Missing> {
        self.parsed("Uid", |list| {
            let ids: Option<Vec<u32>> = list.split_whitespace().map(|id| id.parse().ok()).collect();
            ids?.try_into().ok()
        })
    }

    /// In how many PID namespaces it has a number, from that of this /proc down (since 4.1).
    pub(super) fn pid_namespaces(&self) -> Result<usize, Missing> {
        self.parsed("NSpid", |list| Some(list.split_whitespace().count()))
    }

    /// The three signal masks.
    pub(super) fn signals(&self) -> Fact<SignalMasks> {
        let masks = || {
            Ok(SignalMasks {
                blocked: self.mask("SigBlk")?,
                ignored: self.mask("SigIgn")?,
                caught: self.mask("SigCgt")?,
            })
        };
        masks().into()
    }
}
