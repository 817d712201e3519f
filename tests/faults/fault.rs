//! What goes wrong with an answer, and with which answers.

use std::{cell::RefCell, collections::BTreeSet, fmt};

use dind_doctor::source::{Answer, Listing, Question, Refusal, Source};

/// What becomes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The call fails with this error number.
    Errno(i32),
    /// There is more than a run reads.
    TooLarge,
    /// Nothing came before the deadline.
    TimedOut,
    /// The file is there, and nothing is in it.
    Empty,
    /// A list ends before its first entry, and says so.
    Truncated,
}

/// Whatever is asked can meet these; none of them says that something does not exist.
pub(crate) const ANY: [Fault; 7] = [
    Fault::Errno(libc::EACCES),
    Fault::Errno(libc::EPERM),
    Fault::Errno(libc::EIO),
    Fault::Errno(libc::EMFILE),
    Fault::Errno(libc::ETIMEDOUT),
    Fault::TimedOut,
    Fault::TooLarge,
];

/// These are answers, but not to what the kernel guarantees.
pub(crate) const OF_WHAT_MUST_BE: [Fault; 3] =
    [Fault::Errno(libc::ENOENT), Fault::Errno(libc::ENOSYS), Fault::Empty];

impl Fault {
    /// What is answered instead; nothing where such a thing cannot happen to this question.
    fn answer(
        self,
        question: &Question,
        real: &Result<Answer, Refusal>,
    ) -> Option<Result<Answer, Refusal>> {
        match self {
            // That something may not be written or executed is the answer to this question, and no failure of it.
            Self::Errno(libc::EACCES | libc::EPERM)
                if matches!(question, Question::Access { .. }) =>
            {
                None
            }
            // The doctor's own environment lies in its memory: nothing is read.
            _ if matches!(question, Question::Variable { pid: None, .. }) => None,
            // How long a run waits is its own affair.
            _ if matches!(question, Question::Pause { .. }) => None,
            Self::Errno(errno) => Some(Err(Refusal::Errno(errno))),
            Self::TooLarge => Some(Err(Refusal::TooLarge)),
            Self::TimedOut => Some(Err(Refusal::TimedOut)),
            Self::Empty => match (question, real) {
                (Question::Read { .. }, Ok(_)) => Some(Ok(Answer::bytes(Vec::new()))),
                _ => None,
            },
            Self::Truncated => match real {
                Ok(Answer::Listing(_)) => {
                    Some(Ok(Answer::Listing(Listing { entries: Vec::new(), truncated: true })))
                }
                _ => None,
            },
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Errno(libc::EACCES) => "EACCES",
            Self::Errno(libc::EPERM) => "EPERM",
            Self::Errno(libc::EIO) => "EIO",
            Self::Errno(libc::EMFILE) => "EMFILE",
            Self::Errno(libc::ETIMEDOUT) => "ETIMEDOUT",
            Self::Errno(libc::ENOENT) => "ENOENT",
            Self::Errno(libc::ENOSYS) => "ENOSYS",
            Self::Errno(errno) => return write!(f, "errno {errno}"),
            Self::TooLarge => "too large",
            Self::TimedOut => "timed out",
            Self::Empty => "empty",
            Self::Truncated => "truncated",
        };
        f.write_str(name)
    }
}

/// Which answers it happens to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Which {
    /// Those to one question.
    One(Question),
    /// Those to all questions of one kind: all files that are read, all links.
    Kind(&'static str),
    /// Those about a path and all that is below it.
    Below(String),
}

impl Which {
    /// Whether the answer to `question` is one of them.
    pub(crate) fn holds(&self, question: &Question) -> bool {
        match self {
            Self::One(one) => one == question,
            Self::Kind(name) => kind(question) == *name,
            Self::Below(directory) => question.path().is_some_and(|path| {
                let rest = path.strip_prefix(directory.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }),
        }
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(question) => f.write_str(&name(question)),
            Self::Kind(kind) => write!(f, "every {kind}"),
            Self::Below(directory) => write!(f, "all below {directory}"),
        }
    }
}

/// Short enough for a table.
pub(crate) fn name(question: &Question) -> String {
    match (question, question.path()) {
        (Question::Access { access, .. }, Some(path)) => format!("access {access:?} {path}"),
        (_, Some(path)) => format!("{} {path}", kind(question)),
        (Question::Pause { .. }, _) => "pause".to_owned(),
        _ => format!("{question:?}"),
    }
}

/// The kind of a question.
pub(crate) fn kind(question: &Question) -> &'static str {
    match question {
        Question::Read { .. } => "read",
        Question::Paragraphs { .. } => "paragraphs",
        Question::RpmPackages { .. } => "rpm packages",
        Question::Values { .. } => "values",
        Question::ReadLink { .. } => "readlink",
        Question::Resolve { .. } => "resolve",
        Question::List { .. } => "list",
        Question::Stat { .. } => "stat",
        Question::StatFs { .. } => "statfs",
        Question::Access { .. } => "access",
        Question::Attribute { .. } => "attribute",
        Question::SystemCall { .. } => "system call",
        Question::Ids => "ids",
        Question::Uname => "uname",
        Question::Variable { .. } => "variable",
        Question::InotifyInstances => "inotify instances",
        Question::Clocks => "clocks",
        Question::Pause { .. } => "pause",
        Question::EngineVersion { .. } => "engine version",
        Question::Links => "links",
        Question::Addresses => "addresses",
        Question::Routes => "routes",
        Question::PathMtu { .. } => "path MTU",
        Question::NftTables => "nf_tables",
        Question::LegacyEntries { .. } => "legacy entries",
        Question::Trials => "trials",
    }
}

/// A source in which something goes wrong.
pub(crate) struct Faulty<'a> {
    inner: &'a dyn Source,
    which: &'a Which,
    fault: Fault,
    happened: RefCell<u32>,
}

impl<'a> Faulty<'a> {
    pub(crate) fn new(inner: &'a dyn Source, which: &'a Which, fault: Fault) -> Self {
        Self { inner, which, fault, happened: RefCell::new(0) }
    }

    /// How many answers it happened to.
    pub(crate) fn happened(&self) -> u32 {
        *self.happened.borrow()
    }
}

impl Source for Faulty<'_> {
    fn ask(&self, question: &Question) -> Result<Answer, Refusal> {
        let real = self.inner.ask(question);
        if !self.which.holds(question) {
            return real;
        }
        match self.fault.answer(question, &real) {
            Some(answer) => {
                *self.happened.borrow_mut() += 1;
                answer
            }
            None => real,
        }
    }
}

/// A source that remembers what it was asked.
pub(crate) struct Listener<'a> {
    inner: &'a dyn Source,
    asked: RefCell<BTreeSet<Question>>,
}

impl<'a> Listener<'a> {
    pub(crate) fn new(inner: &'a dyn Source) -> Self {
        Self { inner, asked: RefCell::default() }
    }

    pub(crate) fn asked(self) -> BTreeSet<Question> {
        self.asked.into_inner()
    }
}

impl Source for Listener<'_> {
    fn ask(&self, question: &Question) -> Result<Answer, Refusal> {
        self.asked.borrow_mut().insert(question.clone());
        self.inner.ask(question)
    }
}
