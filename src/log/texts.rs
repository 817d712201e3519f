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

use super::{
    known::{self, Entry},
    line::Line,
    pattern::Pattern,
    trie::{End, Trie},
};

/// What a text points to.
#[derive(Debug, Clone, Copy)]
pub enum Subject {
    /// A failure that a check looks for.
    Check(Area, &'static Check),
    /// One that only logs show.
    Entry(&'static Entry),
}

impl Subject {
    /// Its id.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Check(_, check) => check.id,
            Self::Entry(entry) => entry.id,
        }
    }

    /// The problem in a few words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Check(_, check) => check.title,
            Self::Entry(entry) => entry.title,
        }
    }
}

/// One text.
#[derive(Debug)]
pub struct Text {
    /// As it stands in a check or in a table of texts; `…` stands for anything.
    pub text: &'static str,
    /// What it points to, the likeliest first: as the table has it, then the worst, and of those that are equally
    /// bad the one in whose list it comes first.
    pub subjects: Vec<Subject>,
    /// Whether it says only that something failed, and not of what.
    pub symptom: bool,
    pattern: Pattern,
}

impl Text {
    /// How much the text says: the number of its constant characters.
    pub fn strength(&self) -> usize {
        self.pattern.constant()
    }

    /// Whether it points to nothing.
    fn is_noise(&self) -> bool {
        self.subjects.is_empty()
    }
}

/// A check that has a text.
struct Carrier {
    /// In the table, if it stands there.
    order: usize,
    worst: Reverse<Option<Severity>>,
    /// Of the text in its list.
    place: usize,
    text: &'static str,
    subject: Subject,
    symptom: bool,
}

/// All texts of some checks, and of what only logs show.
#[derive(Debug)]
pub struct Texts {
    all: Vec<Text>,
    trie: Trie,
    /// In the order of the registry; then what only logs show.
    subjects: Vec<Subject>,
}

impl Texts {
    /// The texts of these checks.
    pub fn of(checks: impl IntoIterator<Item = (Area, &'static Check)>) -> Self {
        let mut subjects: Vec<_> =
            checks.into_iter().map(|(area, check)| Subject::Check(area, check)).collect();
        // What a check looks for by now is no longer what only logs show.
        let is_new = |entry: &&Entry| !subjects.iter().any(|subject| subject.id() == entry.id);
        let entries: Vec<_> = known::entries().filter(is_new).map(Subject::Entry).collect();
        subjects.extend(entries);
        let by_id: HashMap<_, _> =
            subjects.iter().map(|subject| (subject.id(), *subject)).collect();
        let mut carriers: BTreeMap<Pattern, Vec<Carrier>> = BTreeMap::new();
        for subject in &subjects {
            let Subject::Check(_, check) = subject else { continue };
            let worst = Reverse(check.worst.worst(&Target::ALL));
            for (place, text) in check.logs.iter().enumerate() {
                let (order, symptom) = (usize::MAX, false);
                let carrier = Carrier { order, worst, place, text, subject: *subject, symptom };
                carriers.entry(Pattern::new(text)).or_default().push(carrier);
            }
        }
        for (text, ids, symptom) in known::texts() {
            let known = ids.iter().filter_map(|id| by_id.get(id));
            for (order, subject) in known.enumerate() {
                let (worst, place) = (Reverse(None), 0);
                let carrier = Carrier { order, worst, place, text, subject: *subject, symptom };
                carriers.entry(Pattern::new(text)).or_default().push(carrier);
            }
        }
        for text in known::noise() {
            carriers.insert(Pattern::new(text), Vec::new());
        }
        let texts: Vec<_> = carriers.into_iter().map(text).collect();
        let mut trie = Trie::default();
        for (at, text) in texts.iter().enumerate() {
            for (part, bytes) in text.pattern.parts.iter().enumerate() {
                trie.add(bytes.as_bytes(), End { text: at, part });
            }
        }
        Self { all: texts, trie, subjects }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Text> {
        self.all.iter().filter(|text| !text.is_noise())
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// What they point to.
    pub fn subjects(&self) -> impl Iterator<Item = Subject> + '_ {
        self.subjects.iter().copied()
    }

    /// Where this text is.
    pub(super) fn place(&self, text: &Text) -> Option<usize> {
        self.all.binary_search_by_key(&&text.pattern, |text| &text.pattern).ok()
    }

    pub(super) fn get(&self, at: usize) -> &Text {
        &self.all[at]
    }

    /// Looks for the texts in one line after another.
    pub(super) fn search(&self) -> Search<'_> {
        Search { texts: self, states: vec![State::default(); self.all.len()], begun: Vec::new() }
    }
}

/// No carrier is noise.
fn text((pattern, mut carriers): (Pattern, Vec<Carrier>)) -> Text {
    carriers.sort_by_key(|carrier| (carrier.order, carrier.worst, carrier.place));
    let text = carriers.first().map_or("", |carrier| carrier.text);
    let symptom = carriers.iter().any(|carrier| carrier.symptom);
    let mut subjects: Vec<Subject> = Vec::new();
    for carrier in carriers {
        if !subjects.iter().any(|subject| subject.id() == carrier.subject.id()) {
            subjects.push(carrier.subject);
        }
    }
    Text { text, subjects, symptom, pattern }
}

/// What is in a line.
#[derive(Debug)]
pub(super) enum Found {
    /// These texts, and where.
    Texts(Vec<(usize, Range<usize>)>),
    /// What means nothing, whatever else is in it.
    Noise,
}

/// How much of a text the line has so far.
#[derive(Debug, Clone, Default)]
struct State {
    /// Parts that were found.
    parts: usize,
    range: Range<usize>,
}

/// A search for texts, line by line.
#[derive(Debug)]
pub(super) struct Search<'a> {
    texts: &'a Texts,
    states: Vec<State>,
    /// Texts whose first part was found.
    begun: Vec<usize>,
}

impl Search<'_> {
    /// The texts in this line, each once, with where it is first. What lies within a text that says more is not
    /// counted: the longer one says what it means.
    pub(super) fn find(&mut self, line: &Line) -> Found {
        let Self { texts, states, begun } = self;
        let bytes = line.canonical().as_bytes();
        for start in 0..bytes.len() {
            texts.trie.at(bytes, start, |part, end| {
                let state = &mut states[part.text];
                if part.part != state.parts || (state.parts > 0 && start < state.range.end) {
                    return;
                }
                if state.parts == 0 {
                    state.range.start = start;
                    begun.push(part.text);
                }
                state.parts += 1;
                state.range.end = end;
            });
        }
        let mut found = Vec::new();
        for text in begun.drain(..) {
            let state = std::mem::take(&mut states[text]);
            if state.parts == texts.all[text].pattern.parts.len() {
                found.push((text, state.range));
            }
        }
        if found.iter().any(|(text, _)| texts.all[*text].is_noise()) {
            return Found::Noise;
        }
        // The strongest first; of each, what does not lie within one before it.
        found.sort_by_key(|(text, range)| (Reverse(texts.all[*text].strength()), range.start));
        let mut kept: Vec<(usize, Range<usize>)> = Vec::new();
        for (text, range) in found {
            let within =
                |other: &Range<usize>| other.start <= range.start && range.end <= other.end;
            if !kept.iter().any(|(_, other)| within(other)) {
                kept.push((text, range));
            }
        }
        // Where a line names the cause, what else it says follows from that.
        if kept.iter().any(|(text, _)| !texts.all[*text].symptom) {
            kept.retain(|(text, _)| !texts.all[*text].symptom);
        } else {
            kept.truncate(1);
        }
        kept.sort_by_key(|(_, range)| range.start);
        Found::Texts(kept)
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
        check("one", &["xoo many open files", "no such 'thing'", "write …: it is … full"]),
        check("two", &["Xoo many open files", "inotify_xnit: xoo many open files"]),
    ];

    fn found(line: &str) -> Vec<&'static str> {
        let texts = Texts::of(CHECKS.iter().map(|check| (Area::Cgroup, check)));
        let line = Line::new(line.as_bytes());
        let Found::Texts(found) = texts.search().find(&line) else { return Vec::new() };
        found.into_iter().map(|(at, _)| texts.get(at).text).collect()
    }

    #[test]
    fn case_and_quotes_do_not_matter() {
        assert_eq!(found("x: NO SUCH \\\"thing\\\""), ["no such 'thing'"]);
        assert!(found("no such").is_empty());
    }

    #[test]
    fn the_longer_text_counts() {
        assert_eq!(
            found("inotify_xnit: xoo many open files"),
            ["inotify_xnit: xoo many open files"]
        );
        assert_eq!(found("xoo many open files, xoo many open files"), ["xoo many open files"]);
        let both = found("xoo many open files; y; no such thing");
        assert_eq!(both, ["xoo many open files", "no such 'thing'"]);
    }

    #[test]
    fn the_parts_of_a_text_must_come_in_their_order_whatever_is_between_them() {
        let whole = ["write …: it is … full"];
        assert_eq!(found("Write /a/b: it is too full"), whole);
        assert_eq!(found("write write /a: it is : it is so very full"), whole);
        assert!(found("write /a: it is").is_empty());
        assert!(found("full: it is write").is_empty());
        // What it shares with a line before is forgotten.
        let texts = Texts::of(CHECKS.iter().map(|check| (Area::Cgroup, check)));
        let mut search = texts.search();
        let mut find = |line: &str| match search.find(&Line::new(line.as_bytes())) {
            Found::Texts(found) => found.len(),
            Found::Noise => 99,
        };
        assert_eq!(
            [find("write /a: it is"), find("so full"), find("write a: it is b full")],
            [0, 0, 1]
        );
    }

    #[test]
    fn a_text_can_have_several_causes() {
        let texts = Texts::of(CHECKS.iter().map(|check| (Area::Cgroup, check)));
        let shared = texts.iter().find(|text| text.text == "xoo many open files").unwrap();
        let ids: Vec<_> = shared.subjects.iter().map(|subject| subject.id()).collect();
        assert_eq!(ids, ["one", "two"]);
        assert_eq!(shared.strength(), "xoo many open files".len());
    }
}
