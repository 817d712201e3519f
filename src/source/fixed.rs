//! A source whose answers are given by hand, for tests of probes.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    Access, Answer, Answered, Ask, Entry, EntryKind, Limits, Listing, Question, Refusal, Source,
    Stat, StatFs, ask, document,
};

/// Answers by question. What was not given does not exist: ENOENT; `/proc` and `/sys` are the kernel's own.
#[derive(Debug, Default)]
pub(crate) struct Fixed {
    answers: BTreeMap<Question, Result<Answer, Refusal>>,
    files: BTreeMap<String, Result<Vec<u8>, Refusal>>,
    asked: RefCell<BTreeSet<Question>>,
}

impl Fixed {
    /// Nothing exists.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The answer to one question.
    pub(crate) fn answer<Q: Ask>(mut self, question: Q, answer: Q::Answer) -> Self {
        self.answers.insert(question.into(), Ok(answer.erased()));
        self
    }

    /// The answer to a question of any kind, whether it belongs to it or not.
    pub(crate) fn answer_any(mut self, question: impl Into<Question>, answer: Answer) -> Self {
        self.answers.insert(question.into(), Ok(answer));
        self
    }

    /// One question is refused.
    pub(crate) fn refuse(mut self, question: impl Into<Question>, refusal: Refusal) -> Self {
        self.answers.insert(question.into(), Err(refusal));
        self
    }

    /// A regular file; it can be read, up to the limit of a source.
    pub(crate) fn file(mut self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.files.insert(path.to_owned(), Ok(content.as_ref().to_vec()));
        self.answer(ask::Stat { path: path.to_owned() }, stat(0o100_644))
    }

    /// A file that is there and cannot be read.
    pub(crate) fn unreadable(mut self, path: &str, errno: i32) -> Self {
        self.files.insert(path.to_owned(), Err(Refusal::Errno(errno)));
        self.answer(ask::Stat { path: path.to_owned() }, stat(0o100_440))
    }

    /// A directory with these names in it.
    pub(crate) fn directory(self, path: &str, names: &[(&str, EntryKind)]) -> Self {
        let entry = |(name, kind): &(&str, EntryKind)| Entry { name: (*name).into(), kind: *kind };
        let entries = names.iter().map(entry).collect();
        let listing = Listing { entries, truncated: false };
        self.answer(ask::Stat { path: path.to_owned() }, stat(0o040_755))
            .answer(ask::List { path: path.to_owned() }, listing)
    }

    /// A program, and what its path resolves to.
    pub(crate) fn program(self, path: &str, resolved: &str) -> Self {
        let access = Access::Execute;
        self.answer(ask::Stat { path: path.to_owned() }, stat(0o100_755))
            .answer(ask::Access { path: path.to_owned(), access }, ())
            .answer(ask::Resolve { path: path.to_owned() }, resolved.to_owned())
    }

    /// The target of a symbolic link.
    pub(crate) fn link(self, path: &str, target: &str) -> Self {
        let question = ask::ReadLink { path: path.to_owned() };
        self.answer(question, target.to_owned())
    }

    /// Whether a question was asked.
    pub(crate) fn was_asked(&self, question: impl Into<Question>) -> bool {
        self.asked.borrow().contains(&question.into())
    }
}

impl Source for Fixed {
    fn ask(&self, question: &Question) -> Result<Answer, Refusal> {
        self.asked.borrow_mut().insert(question.clone());
        if let Question::Read { path } = question
            && let Some(content) = self.files.get(path)
        {
            let content = content.clone()?;
            let fits = content.len() <= Limits::default().bytes(path) as usize;
            return if fits { Ok(Answer::bytes(content)) } else { Err(Refusal::TooLarge) };
        }
        if let Question::Values { path, keys } = question
            && let Some(content) = self.files.get(path)
        {
            return document::values(&content.clone()?, keys).map(Answer::bytes);
        }
        if let Some(answer) = self.answers.get(question) {
            return answer.clone();
        }
        match question {
            Question::StatFs { path } => match path.as_str() {
                "/proc" | "/proc/sys" | "/proc/version" => Ok(filesystem(0x9fa0).erased()),
                "/sys" => Ok(filesystem(0x6265_6572).erased()),
                _ => Err(Refusal::Errno(libc::ENOENT)),
            },
            _ => Err(Refusal::Errno(libc::ENOENT)),
        }
    }
}

/// `statfs` of an empty filesystem of this type.
pub(crate) fn filesystem(magic: u64) -> StatFs {
    StatFs {
        magic,
        block_size: 4096,
        blocks: 0,
        available: 0,
        files: 0,
        files_free: 0,
        d_type: None,
    }
}

fn stat(mode: u32) -> Stat {
    Stat { mode, uid: 0, gid: 0, dev: (0, 1), rdev: (0, 0), ino: 1 }
}
