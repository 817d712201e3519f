//! The live machine.

mod call;
mod clocks;
pub(crate) mod engine;
mod file;
mod guard;
mod inotify;
mod process;
mod rpm;

use std::{
    cell::{Cell, OnceCell},
    time::{Duration, Instant},
};

use self::guard::{Guard, SlowMounts};
use super::{Answer, Question, Refusal, Source, document, nfnetlink, rtnetlink, socket};

/// Asks the machine that the doctor runs on. Opens nothing for writing, executes nothing, and lets
/// what could hang be asked by a forked process that is abandoned at the deadline.
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

    /// Whether this question could block for ever: see [`SlowMounts`].
    fn needs_guard(&self, question: &Question) -> bool {
        if let Some(path) = question.path() {
            // Reading another process's arguments takes its memory map's lock, which a process stuck in
            // the kernel can hold for ever (this is how ps hangs).
            return path.ends_with("/cmdline") && path != "/proc/cmdline"
                || self.slow.get_or_init(SlowMounts::read).can_block(path);
        }
        match question {
            Question::SystemCall { .. } => true,
            Question::Variable { pid, .. } => pid.is_some(),
            _ => false,
        }
    }
}

impl Source for LiveSource {
    fn begin(&self, budget: Duration) {
        self.probe_end.set(Instant::now() + budget);
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
        if self.needs_guard(question) {
            self.guard.ask(question, deadline)
        } else {
            answer(question, deadline)
        }
    }
}

/// Asks the kernel, in this process.
fn answer(question: &Question, deadline: Instant) -> Result<Answer, Refusal> {
    match question {
        Question::Read { path, limit } => file::read(path, *limit, deadline).map(Answer::Bytes),
        Question::Paragraphs { path, lines } => {
            file::paragraphs(path, lines, deadline).map(Answer::Bytes)
        }
        Question::RpmPackages { path, names } => {
            rpm::packages(path, names, deadline).map(Answer::Packages)
        }
        Question::Values { path, keys } => file::read(path, document::LIMIT, deadline)
            .and_then(|content| document::values(&content, keys))
            .map(Answer::Bytes),
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
