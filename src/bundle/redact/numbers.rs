//! Numbered pseudonyms: `host1`, `user2`, …

use std::collections::{BTreeMap, BTreeSet};

/// Names of one kind. They are collected first and numbered in sorted order afterwards, so that the
/// order of names survives.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    found: BTreeSet<String>,
    /// Numbers that the recording uses already: it was redacted before.
    taken: BTreeSet<u32>,
    assigned: BTreeMap<String, u32>,
}

impl Numbers {
    /// `stem` with the number of `name`. What has that form already stays, so that redacting twice
    /// changes nothing.
    pub(super) fn pseudonym(&mut self, stem: &str, name: &str) -> String {
        if let Some(number) = number(stem, name) {
            self.taken.insert(number);
            return name.to_owned();
        }
        let Some(number) = self.assigned.get(name) else {
            self.found.insert(name.to_owned());
            return format!("{stem}0");
        };
        format!("{stem}{number}")
    }

    /// Numbers what was collected.
    pub(super) fn settle(&mut self) {
        let free = (1..).filter(|number| !self.taken.contains(number));
        self.assigned = self.found.iter().cloned().zip(free).collect();
    }

    /// How many names have a pseudonym.
    pub(super) fn count(&self) -> usize {
        self.assigned.len()
    }
}

/// The number in `stem<number>`.
fn number(stem: &str, name: &str) -> Option<u32> {
    let digits = name.strip_prefix(stem)?;
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|_| plain)
}
