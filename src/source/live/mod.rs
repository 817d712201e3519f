//! The live machine.

mod call;
mod clocks;
pub(crate) mod engine;
mod file;
mod guard;
mod helper;
mod inotify;
mod paragraphs;
mod process;
mod rpm;
mod slow;

pub(super) use paragraphs::paragraphs as file_paragraphs;
pub(super) use rpm::packages as rpm_packages;

use std::{
    borrow::Cow,
    cell::{Cell, OnceCell},
    net::IpAddr,
    time::{Duration, Instant},
};

use self::{
    guard::{Class, Guard, PATIENCE, Who},
    slow::{SlowMounts, Wait, waits_for_process},
};
use super::{Answer, Question, Refusal, Source, document, nfnetlink, rtnetlink, socket};

/// Asks the machine that the doctor runs on. Opens nothing for writing, executes nothing, and lets
/// what could hang, or be killed for, be asked by a forked process that is abandoned at the deadline.
pub struct LiveSource {
    /// When the whole run ends.
    end: Instant,
    /// When the current probe ends.
    probe_end: Cell<Instant>,
    slow: OnceCell<SlowMounts>,
    guard: Guard,
}

impl LiveSource {
    /// A source whose whole run takes at most `timeout`.
    pub fn new(timeout: Duration) -> Self {
        let end = Instant::now() + timeout;
        Self { end, probe_end: Cell::new(end), slow: OnceCell::new(), guard: Guard::default() }
    }

    fn deadline(&self) -> Instant {
        self.end.min(self.probe_end.get())
    }

    fn slow(&self) -> &SlowMounts {
        self.slow.get_or_init(|| match slow::table() {
            Ok(Answer::Bytes(table)) => SlowMounts::parse(table),
            _ => SlowMounts::unknown(),
        })
    }

    /// The mount table, if the question is for it and does not want less.
    fn known_mounts(question: &Question) -> Option<Answer> {
        let Question::Read { path, limit } = question else { return None };
        if path != slow::TABLE {
            return None;
        }
        let answer = slow::table().as_ref().ok()?;
        let fits = matches!(answer, Answer::Bytes(table) if table.len() <= *limit as usize);
        fits.then(|| answer.clone())
    }

    /// Asks, by the helper where that is safer.
    fn ask_safely(&self, question: &Question, deadline: Instant) -> Result<Answer, Refusal> {
        let patient = deadline.min(Instant::now() + PATIENCE);
        if let Some(path) = looks_at(question) {
            let follows = !matches!(question, Question::ReadLink { .. });
            let (wait, place) = match waits_for_process(&path, follows) {
                Some(process) => (Wait::ForServer, process),
                None => (self.slow().wait(&path), self.slow().lost_with(&path)),
            };
            let who = match wait {
                Wait::ForServer => Some(Who::Helper),
                Wait::Perhaps => Some(Who::RatherHelper),
                Wait::Never => None,
            };
            if let Some(who) = who {
                let asked = self.guard.ask(question, who, Some((&path, place)), patient);
                return asked.unwrap_or_else(|| answer(question, deadline));
            }
        }
        let asked = match (question, class(question)) {
            (Question::SystemCall { .. }, _) => {
                self.guard.ask(question, Who::Helper, None, patient)
            }
            (_, Some(class)) => self.guard.try_first(question, class, deadline),
            (_, None) => None,
        };
        asked.unwrap_or_else(|| answer(question, deadline))
    }
}

/// The file that a question is about.
fn looks_at(question: &Question) -> Option<Cow<'_, str>> {
    match question {
        Question::Variable { pid: Some(pid), .. } => Some(format!("/proc/{pid}/environ").into()),
        _ => question.path().map(Cow::from),
    }
}

/// The system calls of a question for which a seccomp filter may kill: all but those by which files are
/// opened, read, listed and looked at, which nothing could do without.
fn class(question: &Question) -> Option<Class> {
    match question {
        Question::StatFs { .. } => Some("statfs"),
        Question::Access { .. } => Some("faccessat2"),
        Question::Attribute { .. } => Some("getxattr"),
        Question::Clocks => Some("adjtimex"),
        Question::InotifyInstances => Some("descriptors"),
        Question::EngineVersion { .. } => Some("engine"),
        Question::Links | Question::Addresses | Question::Routes => Some("rtnetlink"),
        Question::NftTables => Some("nfnetlink"),
        Question::PathMtu { destination: IpAddr::V4(_) } => Some("path by IPv4"),
        Question::PathMtu { destination: IpAddr::V6(_) } => Some("path by IPv6"),
        Question::LegacyEntries { family: 4, .. } => Some("table of IPv4"),
        Question::LegacyEntries { .. } => Some("table of IPv6"),
        _ => None,
    }
}

impl Source for LiveSource {
    fn begin(&self, budget: Duration) {
        self.probe_end.set(Instant::now() + budget);
        self.guard.prepare();
    }

    fn ask(&self, question: &Question) -> Result<Answer, Refusal> {
        let deadline = self.deadline();
        if Instant::now() >= deadline {
            return Err(Refusal::TimedOut);
        }
        if let Question::Pause { milliseconds } = question {
            let left = deadline.saturating_duration_since(Instant::now());
            let wanted = Duration::from_millis(u64::from(*milliseconds));
            if wanted > left {
                return Err(Refusal::TimedOut);
            }
            std::thread::sleep(wanted);
            return Ok(Answer::Done);
        }
        match Self::known_mounts(question) {
            Some(answer) => Ok(answer),
            None => self.ask_safely(question, deadline),
        }
    }
}

/// Asks the kernel, in this process.
fn answer(question: &Question, deadline: Instant) -> Result<Answer, Refusal> {
    match question {
        Question::Read { path, limit } => file::read(path, *limit, deadline).map(Answer::bytes),
        Question::Paragraphs { path, lines } => {
            paragraphs::paragraphs(path, lines, deadline).map(Answer::bytes)
        }
        Question::RpmPackages { path, names } => {
            rpm::packages(path, names, deadline).map(Answer::Packages)
        }
        Question::Values { path, keys } => file::read(path, document::LIMIT, deadline)
            .and_then(|content| document::values(&content, keys))
            .map(Answer::bytes),
        Question::ReadLink { path } => file::read_link(path).map(Answer::Path),
        Question::Resolve { path } => file::resolve(path).map(Answer::Path),
        Question::List { path, limit } => file::list(path, *limit).map(Answer::Listing),
        Question::Stat { path } => file::stat(path).map(Answer::Stat),
        Question::StatFs { path } => file::statfs(path).map(Answer::StatFs),
        Question::Access { path, access } => file::access(path, *access).map(|()| Answer::Done),
        Question::Attribute { path, name } => file::attribute(path, name).map(|()| Answer::Done),
        Question::SystemCall { call } => Ok(Answer::Number(call::errno(*call))),
        Question::Ids => process::ids().map(Answer::Ids),
        Question::Uname => process::uname().map(Answer::Uname),
        Question::Variable { pid: None, name } => Ok(Answer::Variable(process::own(name))),
        Question::Variable { pid: Some(pid), name } => {
            process::of(*pid, name, deadline).map(Answer::Variable)
        }
        Question::InotifyInstances => inotify::instances(deadline).map(Answer::InotifyInstances),
        Question::Clocks => clocks::read().map(Answer::Clocks),
        Question::Pause { .. } => Ok(Answer::Done),
        Question::EngineVersion { pid, socket } => {
            engine::version(*pid, socket, deadline).map(Answer::EngineVersion)
        }
        Question::Links => rtnetlink::links(deadline).map(Answer::Links),
        Question::Addresses => rtnetlink::addresses(deadline).map(Answer::Addresses),
        Question::Routes => rtnetlink::routes(deadline).map(Answer::Routes),
        Question::PathMtu { destination } => socket::path_mtu(*destination).map(Answer::Number),
        Question::NftTables => nfnetlink::nft_tables(deadline).map(Answer::NftTables),
        Question::LegacyEntries { family, table } => {
            socket::legacy_entries(*family, table).map(Answer::Number)
        }
    }
}
