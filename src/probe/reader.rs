//! How probes ask: typed questions, and refusals turned into missing facts.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use dind_doctor_checks::facts::{Fact, Missing, Text, Why};

use super::{answers::Answers, hidden::Hidden};
use crate::{
    isolated::isolated,
    source::{
        Access, Answer, Answered, Ask, Listing, Question, Refusal, Source, Stat, StatFs, ask,
    },
};

/// Bytes that all files of a run may have together. Each has a limit of its own, but there is no end to how many
/// processes and cgroups others can make.
const TOTAL: usize = 256 * 1024 * 1024;

/// The answer, or nothing where what was asked for does not exist.
pub(super) fn if_there<T>(answer: Read<T>) -> Read<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Missing { why: Why::NotFound, .. }) => Ok(None),
        Err(missing) => Err(missing),
    }
}

/// Asks a source on behalf of a probe.
pub struct Reader<'a> {
    source: &'a dyn Source,
    probe: Cell<&'static str>,
    timed_out: RefCell<BTreeSet<&'static str>>,
    took: RefCell<Vec<(&'static str, Duration)>>,
    answers: Answers,
    crashed: RefCell<Vec<Crash>>,
    /// Whether nothing is asked any more, since an answer made the probe panic.
    refuses: Cell<bool>,
    /// Bytes that may still be read.
    left: Cell<usize>,
    hidden: Hidden,
}

pub(super) type Read<T> = Result<T, Missing>;

/// A probe that panicked; its facts are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crash {
    /// Its name.
    pub probe: String,
    /// What the panic said, and where; it may quote what was read.
    pub message: String,
}

/// The fact that a refusal leaves missing. What kills is named: "not permitted" is too little to go by.
fn missing(about: String, refusal: Refusal) -> Missing {
    let about = match refusal {
        Refusal::Killed => format!("{about} (a seccomp filter kills who asks)"),
        _ => about,
    };
    Missing::new(about, refusal.why())
}

impl<'a> Reader<'a> {
    /// A reader of `source`.
    pub fn new(source: &'a dyn Source) -> Self {
        Self {
            source,
            probe: Cell::new(""),
            timed_out: RefCell::default(),
            took: RefCell::default(),
            answers: Answers::default(),
            crashed: RefCell::default(),
            refuses: Cell::new(false),
            left: Cell::new(TOTAL),
            hidden: Hidden::default(),
        }
    }

    /// Runs `probe`, which has `budget` for all that it asks. If it panics, its facts are what it makes of it
    /// when nothing that it asks can be understood.
    pub fn run<T>(&self, name: &'static str, budget: Duration, probe: impl Fn(&Self) -> T) -> T {
        self.probe.set(name);
        self.source.begin(budget);
        let start = Instant::now();
        let found = isolated(|| probe(self)).unwrap_or_else(|message| {
            self.crashed.borrow_mut().push(Crash { probe: name.to_owned(), message });
            self.refuses.set(true);
            let blind = probe(self);
            self.refuses.set(false);
            blind
        });
        let elapsed = start.elapsed();
        let mut took = self.took.borrow_mut();
        match took.iter_mut().find(|(probe, _)| *probe == name) {
            Some((_, time)) => *time += elapsed,
            None => took.push((name, elapsed)),
        }
        found
    }

    /// Probes in the order in which they ran, and how long each took.
    pub fn took(&self) -> Vec<(&'static str, Duration)> {
        self.took.borrow().clone()
    }

    /// Names of the probes that met a deadline, sorted.
    pub fn timed_out(&self) -> Vec<String> {
        self.timed_out.borrow().iter().map(|name| (*name).to_owned()).collect()
    }

    /// Probes that panicked.
    pub fn crashed(&self) -> Vec<Crash> {
        self.crashed.borrow().clone()
    }

    /// The answer, or the fact that is missing for want of it.
    pub fn ask<Q: Ask>(&self, question: Q) -> Read<Q::Answer> {
        let question = question.into();
        let answer = self.put(&question);
        answer.and_then(revealed::<Q>).map_err(|refusal| {
            let missing = missing(question.about(), refusal);
            match question.path().filter(|_| missing.why == Why::NotFound) {
                Some(path) => Missing { why: self.hidden.absent(self.source, path), ..missing },
                None => missing,
            }
        })
    }

    /// The same, for probes that learn something from the refusal itself.
    pub fn ask_plainly<Q: Ask>(&self, question: Q) -> Result<Q::Answer, Refusal> {
        self.put(&question.into()).and_then(revealed::<Q>)
    }

    fn put(&self, question: &Question) -> Result<Answer, Refusal> {
        if self.refuses.get() {
            return Err(Refusal::Malformed);
        }
        if let Some(answer) = self.answers.of(question) {
            return answer;
        }
        let answer = self.source.ask(question).and_then(|answer| {
            if let Answer::Bytes(bytes) = &answer {
                let left = self.left.get().checked_sub(bytes.len()).ok_or(Refusal::TooLarge)?;
                self.left.set(left);
            }
            Ok(answer)
        });
        if answer == Err(Refusal::TimedOut) {
            self.timed_out.borrow_mut().insert(self.probe.get());
        }
        self.answers.keep(question, &answer);
        answer
    }

    /// The content of a file.
    pub fn bytes(&self, path: &str) -> Read<Vec<u8>> {
        self.shared_bytes(path).map(Arc::unwrap_or_clone)
    }

    /// The same without a copy, of what the source keeps.
    pub fn shared_bytes(&self, path: &str) -> Read<Arc<Vec<u8>>> {
        self.ask(ask::Read { path: path.to_owned() })
    }

    /// Of a JSON or YAML file, the values at these places and nothing else: see [`ask::Values`].
    pub fn values(&self, path: &str, keys: &[&str]) -> Read<serde_json::Value> {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        let bytes = self.ask(ask::Values { path: path.to_owned(), keys })?;
        serde_json::from_slice(&bytes).map_err(|_| Missing::new(path, Why::Malformed))
    }

    /// The content of a small file as text, white space at its ends removed.
    pub fn text(&self, path: &str) -> Read<Text> {
        let bytes = self.bytes(path)?;
        Ok(Text::from_bytes(bytes.trim_ascii()))
    }

    /// A number in a file of its own.
    pub fn number<T: std::str::FromStr>(&self, path: &str) -> Fact<T> {
        let number = |text: Text| text.parse().map_err(|_| Missing::new(path, Why::Malformed));
        self.text(path).and_then(number).into()
    }

    /// The target of a link.
    pub fn link(&self, path: &str) -> Read<String> {
        self.ask(ask::ReadLink { path: path.to_owned() })
    }

    /// The path with all links resolved.
    pub fn resolve(&self, path: &str) -> Read<String> {
        self.ask(ask::Resolve { path: path.to_owned() })
    }

    /// Names in a directory: those that the source lists, and of them `at_most` so many.
    pub fn list(&self, path: &str, at_most: usize) -> Read<Listing> {
        let mut listing = self.ask(ask::List { path: path.to_owned() })?;
        listing.truncated |= listing.entries.len() > at_most;
        listing.entries.truncate(at_most);
        Ok(listing)
    }

    /// `stat(2)`.
    pub fn stat(&self, path: &str) -> Read<Stat> {
        self.ask(ask::Stat { path: path.to_owned() })
    }

    /// `statfs(2)`.
    pub fn statfs(&self, path: &str) -> Read<StatFs> {
        self.ask(ask::StatFs { path: path.to_owned() })
    }

    /// Whether access would be granted; false where the kernel says EACCES, EPERM or EROFS.
    pub fn access(&self, path: &str, access: Access) -> Fact<bool> {
        match self.ask_plainly(ask::Access { path: path.to_owned(), access }) {
            Ok(()) => Fact::Known(true),
            Err(Refusal::Errno(libc::EACCES | libc::EPERM | libc::EROFS)) => Fact::Known(false),
            Err(refusal) => Fact::Missing(missing(path.to_owned(), refusal)),
        }
    }

    /// Those of the named variables that are set: of the doctor itself, or of a process.
    pub fn variables(&self, pid: Option<u32>, names: &[&str]) -> Read<BTreeMap<String, String>> {
        let mut variables = BTreeMap::new();
        for name in names {
            if let Some(value) = self.ask(ask::Variable { pid, name: (*name).to_owned() })? {
                variables.insert((*name).to_owned(), value);
            }
        }
        Ok(variables)
    }
}

fn revealed<Q: Ask>(answer: Answer) -> Result<Q::Answer, Refusal> {
    Q::Answer::revealed(answer).ok_or(Refusal::Malformed)
}
