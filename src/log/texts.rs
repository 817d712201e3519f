//! The texts by which failures are known.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    ops::Range,
};

use dind_doctor_checks::{
    Check,
    registry::Area,
    target::{Severity, Target},
};

use super::line::{self, Line};

/// Bytes at the beginning of a text by which it is looked up.
const HEAD: usize = 4;

/// One text, as it stands in a check.
#[derive(Debug)]
pub struct Text {
    /// The text.
    pub text: &'static str,
    /// Ids of the checks that carry it: the same text can have several causes. The worst comes first; of
    /// those that are equally bad, the one in whose list it comes first.
    pub checks: Vec<&'static str>,
    canonical: String,
}

impl Text {
    /// How much the text says about each of the checks that carry it: long texts that only one of them
    /// has say most.
    pub fn strength(&self) -> usize {
        self.canonical.len() / self.checks.len().max(1)
    }
}

/// A check that has a text.
struct Carrier {
    worst: Reverse<Option<Severity>>,
    /// Of the text in its list.
    place: usize,
    text: &'static str,
    id: &'static str,
}

/// All texts of some checks.
#[derive(Debug)]
pub struct Texts {
    texts: Vec<Text>,
    by_head: HashMap<[u8; HEAD], Vec<usize>>,
}

impl Texts {
    /// The texts of these checks.
    pub fn of(checks: impl IntoIterator<Item = (Area, &'static Check)>) -> Self {
        let mut carriers: BTreeMap<String, Vec<Carrier>> = BTreeMap::new();
        for (_, check) in checks {
            let worst = Reverse(check.worst.worst(&Target::ALL));
            for (place, text) in check.logs.iter().enumerate() {
                let carrier = Carrier { worst, place, text, id: check.id };
                carriers.entry(line::canonical(text)).or_default().push(carrier);
            }
        }
        let text = |(canonical, mut carriers): (String, Vec<Carrier>)| {
            carriers.sort_by_key(|carrier| (carrier.worst, carrier.place));
            let text = carriers.first().map_or("", |carrier| carrier.text);
            Text { text, checks: carriers.iter().map(|carrier| carrier.id).collect(), canonical }
        };
        let texts: Vec<_> = carriers.into_iter().map(text).collect();
        let mut by_head: HashMap<_, Vec<usize>> = HashMap::new();
        for (at, text) in texts.iter().enumerate() {
            if let Some(head) = text.canonical.as_bytes().first_chunk() {
                by_head.entry(*head).or_default().push(at);
            }
        }
        for same in by_head.values_mut() {
            same.sort_by_key(|at| Reverse(texts[*at].canonical.len()));
        }
        Self { texts, by_head }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Text> {
        self.texts.iter()
    }

    pub(super) fn get(&self, at: usize) -> &Text {
        &self.texts[at]
    }

    /// The texts in this line, each once, with where it is first. Where texts overlap, the first one
    /// counts, and of several that begin there the longest: it says what the shorter ones mean.
    pub(super) fn find(&self, line: &Line) -> Vec<(usize, Range<usize>)> {
        let bytes = line.canonical().as_bytes();
        let mut found: Vec<(usize, Range<usize>)> = Vec::new();
        let mut start = 0;
        while let Some(head) = bytes.get(start..).and_then(|rest| rest.first_chunk::<HEAD>()) {
            // The longest first.
            let mut candidates = self.by_head.get(head).into_iter().flatten();
            let at = candidates.find(|at| bytes[start..].starts_with(self.bytes(**at)));
            let Some(at) = at else {
                start += 1;
                continue;
            };
            let end = start + self.bytes(*at).len();
            if !found.iter().any(|(seen, _)| seen == at) {
                found.push((*at, start..end));
            }
            start = end;
        }
        found
    }

    fn bytes(&self, at: usize) -> &[u8] {
        self.texts[at].canonical.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use dind_doctor_checks::{Layer, outcome::Outcome, target::Severities};

    use super::*;

    const fn check(id: &'static str, logs: &'static [&'static str]) -> Check {
        let run = |_: &_, _: &_| Ok(Outcome::pass());
        Check {
            id,
            title: id,
            worst: Severities::NONE,
            layer: Layer::Engine,
            trials: &[],
            logs,
            doc: "",
            run,
        }
    }

    static CHECKS: [Check; 2] = [
        check("one", &["too many open files", "no such 'thing'"]),
        check("two", &["Too many open files", "inotify_init: too many open files"]),
    ];

    fn found(line: &str) -> Vec<&'static str> {
        let texts = Texts::of(CHECKS.iter().map(|check| (Area::Cgroup, check)));
        let line = Line::new(line.as_bytes());
        texts.find(&line).into_iter().map(|(at, _)| texts.get(at).text).collect()
    }

    #[test]
    fn case_and_quotes_do_not_matter() {
        assert_eq!(found("x: NO SUCH \\\"thing\\\""), ["no such 'thing'"]);
        assert!(found("no such").is_empty());
    }

    #[test]
    fn the_longer_text_counts() {
        assert_eq!(
            found("inotify_init: too many open files"),
            ["inotify_init: too many open files"]
        );
        assert_eq!(found("too many open files, too many open files"), ["too many open files"]);
        let both = found("too many open files; inotify_init: too many open files");
        assert_eq!(both, ["too many open files", "inotify_init: too many open files"]);
    }

    #[test]
    fn a_text_that_several_checks_carry_says_less_about_each() {
        let texts = Texts::of(CHECKS.iter().map(|check| (Area::Cgroup, check)));
        let shared = texts.iter().find(|text| text.checks.len() == 2).unwrap();
        assert_eq!(shared.checks, ["one", "two"]);
        assert_eq!(shared.strength(), "too many open files".len() / 2);
    }
}
