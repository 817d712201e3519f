//! Texts in the wording of engines, by area: which failures each points to, and what only logs show.
//!
//! Those of a check that have no variable parts and no other cause stand in the check. Here are the others: the constant parts
//! of a message with what it means, where an error number decides that with it, and in which order several causes are
//! likely. Each area has texts that name a cause, texts that name only a symptom, and entries for what no check looks for.

mod cgroup;
mod disk;
mod images;
mod kernel;
mod kubernetes;
mod netfilter;
mod network;
mod privilege;
mod resources;
mod runtime;
mod security;
mod storage;
mod systemd;

/// A text, and the ids of what it points to, the likeliest first.
type Known = (&'static str, &'static [&'static str]);

/// What is known of one area.
struct Table {
    /// Texts that name a cause.
    causes: &'static [Known],
    /// Texts that only say that something failed: they come after causes.
    symptoms: &'static [Known],
    /// What only logs show.
    entries: &'static [Entry],
}

/// What engines print where nothing is wrong, as errors or warnings too: a line that has one of these means nothing.
const NOISE: &[&str] = &[
    "failed to load cni during init, please check CRI plugin status",
    "skip loading plugin",
    "skip plugin: ",
    "failed to validate image signature",
    "Failed to open port state file, waiting for",
    "Ignoring unknown key in TOML",
    "failed check for fsverity support",
    "could not use snapshotter devmapper in metadata plugin",
    "failed to initialize a tracing processor",
    "Error getting node from API server during boot",
    "Not using native diff for overlay2, this may cause degraded performance",
    "CDI spec directory cannot be accessed, skipping",
    "Unable to find cpu controller",
    "Unable to find cpu cgroup in mounts",
];

/// A failure that no check looks for: nothing of it can be seen before it happens, or not from here.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Kebab-case name of the problem, as those of checks; no check has it.
    pub id: &'static str,
    /// The problem in at most 60 columns.
    pub title: &'static str,
    /// Why it happens, in one or two sentences.
    pub cause: &'static str,
    /// What to do: each a sentence, a command, or both, with what is to be filled in in capital letters.
    pub fix: &'static [&'static str],
    /// Whether it is only what follows from a failure that other lines or logs name.
    pub symptom: bool,
}

impl Entry {
    /// The one with this id.
    pub fn find(id: &str) -> Option<&'static Self> {
        entries().find(|entry| entry.id == id)
    }

    /// The texts by which it is known.
    pub fn texts(&self) -> impl Iterator<Item = &'static str> + '_ {
        texts().filter(|(_, ids, _)| ids.contains(&self.id)).map(|(text, ..)| text)
    }
}

const AREAS: &[&Table] = &[
    &privilege::TABLE,
    &security::TABLE,
    &kernel::TABLE,
    &cgroup::TABLE,
    &storage::TABLE,
    &disk::TABLE,
    &netfilter::TABLE,
    &network::TABLE,
    &images::TABLE,
    &resources::TABLE,
    &runtime::TABLE,
    &systemd::TABLE,
    &kubernetes::TABLE,
];

/// What only logs show.
pub(super) fn entries() -> impl Iterator<Item = &'static Entry> {
    AREAS.iter().flat_map(|table| table.entries)
}

/// Texts that mean nothing.
pub(super) fn noise() -> impl Iterator<Item = &'static str> {
    NOISE.iter().copied()
}

/// All texts, with whether they are of a symptom.
pub(super) fn texts() -> impl Iterator<Item = (&'static str, &'static [&'static str], bool)> {
    AREAS.iter().flat_map(|table| {
        let causes = table.causes.iter().map(|(text, ids)| (*text, *ids, false));
        causes.chain(table.symptoms.iter().map(|(text, ids)| (*text, *ids, true)))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use dind_doctor_checks::registry;

    use super::*;
    use crate::log::pattern::Pattern;

    #[test]
    fn every_id_is_one_of_a_check_or_of_an_entry() {
        let checks: BTreeSet<_> = registry::all().map(|(_, check)| check.id).collect();
        let ids: BTreeSet<_> = entries().map(|entry| entry.id).collect();
        assert_eq!(ids.len(), entries().count(), "an id is there twice");
        let mut seen = BTreeSet::new();
        let mut patterns = BTreeSet::new();
        for (text, pointed, _) in texts() {
            assert!(!pointed.is_empty(), "{text}");
            assert!(patterns.insert(Pattern::new(text)), "{text} is there twice");
            for id in pointed {
                assert!(checks.contains(id) || ids.contains(id), "{text}: {id}");
                seen.insert(*id);
            }
        }
        assert_eq!(ids.difference(&seen).collect::<Vec<_>>(), Vec::<&&str>::new(), "no text");
    }

    #[test]
    fn entries_are_short_and_say_what_to_do() {
        for entry in entries() {
            let Entry { id, title, cause, fix, .. } = entry;
            assert!(title.chars().count() <= 60, "{id}: {title}");
            assert!(cause.ends_with('.') && cause.len() < 330, "{id}: {cause}");
            assert!(!fix.is_empty() && fix.iter().all(|fix| !fix.is_empty()), "{id}");
        }
    }

    #[test]
    fn texts_are_long_enough_to_be_in_few_lines() {
        for (text, ..) in texts() {
            let pattern = Pattern::new(text);
            assert!(pattern.constant() >= 12, "{text}");
            assert!(pattern.parts.iter().any(|part| part.trim().len() >= 9), "{text}");
        }
    }
}
