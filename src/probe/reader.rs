//! How probes ask: typed questions, and refusals turned into missing facts.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use dind_doctor_checks::facts::{
    Address, EngineVersion, Fact, InotifyUse, Link, Missing, NftTable, Reading, Route, Text, Why,
};

use super::{answers::Answers, hidden::Hidden};
use crate::{
    isolated::isolated,
    source::{Access, Answer, Ids, Listing, Question, Refusal, Source, Stat, StatFs, Uname},
};

/// Bytes that a file may have unless a probe says otherwise.
const LIMIT: u32 = 256 * 1024;

/// Bytes that all files of a run may have together. Each has a limit of its own, but there is no end to how many
/// processes and cgroups others can make.
const TOTAL: usize = 256 * 1024 * 1024;

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

type Read<T> = Result<T, Missing>;

/// A probe that panicked; its facts are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crash {
    /// Its name.
    pub probe: String,
    /// What the panic said, and where; it may quote what was read.
    pub message: String,
}

/// The fact that a refusal leaves missing. What kills is named: "not permitted" is too little to go by.
fn missing(about: &str, refusal: Refusal) -> Missing {
    match refusal {
        Refusal::Killed => {
            Missing::new(format!("{about} (a seccomp filter kills who asks)"), refusal.why())
        }
        _ => Missing::new(about, refusal.why()),
    }
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

    /// Asks; `about` names the source in a missing fact.
    pub fn ask(&self, question: &Question, about: &str) -> Read<Answer> {
        self.put(question).map_err(|refusal| {
            let missing = missing(about, refusal);
            match question.path().filter(|_| missing.why == Why::NotFound) {
                Some(path) => Missing { why: self.hidden.absent(self.source, path), ..missing },
                None => missing,
            }
        })
    }

    /// Asks; for probes that learn something from the refusal itself.
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

    /// The content of a small file.
    pub fn bytes(&self, path: &str) -> Read<Vec<u8>> {
        self.bytes_up_to(path, LIMIT)
    }

    /// The content of a file of at most `limit` bytes.
    pub fn bytes_up_to(&self, path: &str, limit: u32) -> Read<Vec<u8>> {
        self.shared_bytes(path, limit).map(Arc::unwrap_or_clone)
    }

    /// The same without a copy, of what the source keeps.
    pub fn shared_bytes(&self, path: &str, limit: u32) -> Read<Arc<Vec<u8>>> {
        match self.ask(&Question::Read { path: path.to_owned(), limit }, path)? {
            Answer::Bytes(bytes) => Ok(bytes),
            _ => Err(Missing::new(path, Why::Malformed)),
        }
    }

    /// Of a JSON or YAML file, the values at these places and nothing else: see [`Question::Values`].
    pub fn values(&self, path: &str, keys: &[&str]) -> Read<serde_json::Value> {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        match self.ask(&Question::Values { path: path.to_owned(), keys }, path)? {
            Answer::Bytes(bytes) => {
                serde_json::from_slice(&bytes).map_err(|_| Missing::new(path, Why::Malformed))
            }
            _ => Err(Missing::new(path, Why::Malformed)),
        }
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
        match self.ask(&Question::ReadLink { path: path.to_owned() }, path)? {
            Answer::Path(target) => Ok(target),
            _ => Err(Missing::new(path, Why::Malformed)),
        }
    }

    /// The path with all links resolved.
    pub fn resolve(&self, path: &str) -> Read<String> {
        match self.ask(&Question::Resolve { path: path.to_owned() }, path)? {
            Answer::Path(target) => Ok(target),
            _ => Err(Missing::new(path, Why::Malformed)),
        }
    }

    /// Names in a directory.
    pub fn list(&self, path: &str, limit: u32) -> Read<Listing> {
        match self.ask(&Question::List { path: path.to_owned(), limit }, path)? {
            Answer::Listing(listing) => Ok(listing),
            _ => Err(Missing::new(path, Why::Malformed)),
        }
    }

    /// `stat(2)`.
    pub fn stat(&self, path: &str) -> Read<Stat> {
        match self.ask(&Question::Stat { path: path.to_owned() }, path)? {
            Answer::Stat(stat) => Ok(stat),
            _ => Err(Missing::new(path, Why::Malformed)),
        }
    }

    /// `statfs(2)`.
    pub fn statfs(&self, path: &str) -> Read<StatFs> {
        match self.ask(&Question::StatFs { path: path.to_owned() }, path)? {
            Answer::StatFs(statfs) => Ok(statfs),
            _ => Err(Missing::new(path, Why::Malformed)),
        }
    }

    /// Whether access would be granted; false where the kernel says EACCES, EPERM or EROFS.
    pub fn access(&self, path: &str, access: Access) -> Fact<bool> {
        let question = Question::Access { path: path.to_owned(), access };
        match self.put(&question) {
            Ok(_) => Fact::Known(true),
            Err(Refusal::Errno(libc::EACCES | libc::EPERM | libc::EROFS)) => Fact::Known(false),
            Err(refusal) => Fact::Missing(missing(path, refusal)),
        }
    }

    /// The doctor's own ids.
    pub fn ids(&self) -> Read<Ids> {
        match self.ask(&Question::Ids, "ids")? {
            Answer::Ids(ids) => Ok(ids),
            _ => Err(Missing::new("ids", Why::Malformed)),
        }
    }

    /// `uname(2)`.
    pub fn uname(&self) -> Read<Uname> {
        match self.ask(&Question::Uname, "uname")? {
            Answer::Uname(uname) => Ok(uname),
            _ => Err(Missing::new("uname", Why::Malformed)),
        }
    }

    /// Those of the named variables that are set: of the doctor itself, or of a process.
    pub fn variables(&self, pid: Option<u32>, names: &[&str]) -> Read<BTreeMap<String, String>> {
        let about =
            pid.map_or_else(|| "environment".to_owned(), |pid| format!("/proc/{pid}/environ"));
        let mut variables = BTreeMap::new();
        for name in names {
            let question = Question::Variable { pid, name: (*name).to_owned() };
            match self.ask(&question, &about)? {
                Answer::Variable(Some(value)) => {
                    variables.insert((*name).to_owned(), value);
                }
                Answer::Variable(None) => {}
                _ => return Err(Missing::new(about, Why::Malformed)),
            }
        }
        Ok(variables)
    }

    /// Open inotify instances by user.
    pub fn inotify_instances(&self) -> Read<InotifyUse> {
        let about = "inotify instances in /proc/PID/fd";
        match self.ask(&Question::InotifyInstances, about)? {
            Answer::InotifyInstances(in_use) => Ok(in_use),
            _ => Err(Missing::new(about, Why::Malformed)),
        }
    }

    /// The system's clocks.
    pub fn clocks(&self) -> Read<Reading> {
        let about = "clock_gettime";
        match self.ask(&Question::Clocks, about)? {
            Answer::Clocks(reading) => Ok(reading),
            _ => Err(Missing::new(about, Why::Malformed)),
        }
    }

    /// What an engine says of itself; refused where asking could start one.
    pub fn engine_version(&self, pid: u32, socket: &str) -> Read<EngineVersion> {
        let about = format!("GET /version of {socket}");
        let question = Question::EngineVersion { pid, socket: socket.to_owned() };
        match self.ask(&question, &about)? {
            Answer::EngineVersion(version) => Ok(version),
            _ => Err(Missing::new(about, Why::Malformed)),
        }
    }

    /// Links, by rtnetlink.
    pub fn links(&self) -> Read<Vec<Link>> {
        let about = "netlink: links";
        match self.ask(&Question::Links, about)? {
            Answer::Links(links) => Ok(links),
            _ => Err(Missing::new(about, Why::Malformed)),
        }
    }

    /// Addresses, by rtnetlink.
    pub fn addresses(&self) -> Read<Vec<Address>> {
        let about = "netlink: addresses";
        match self.ask(&Question::Addresses, about)? {
            Answer::Addresses(addresses) => Ok(addresses),
            _ => Err(Missing::new(about, Why::Malformed)),
        }
    }

    /// Routes of all tables, by rtnetlink.
    pub fn routes(&self) -> Read<Vec<Route>> {
        let about = "netlink: routes";
        match self.ask(&Question::Routes, about)? {
            Answer::Routes(routes) => Ok(routes),
            _ => Err(Missing::new(about, Why::Malformed)),
        }
    }

    /// The MTU of the path towards `destination`.
    pub fn path_mtu(&self, destination: IpAddr) -> Read<u32> {
        let about = format!("getsockopt: path MTU to {destination}");
        match self.ask(&Question::PathMtu { destination }, &about)? {
            Answer::Number(mtu) => Ok(mtu),
            _ => Err(Missing::new(about, Why::Malformed)),
        }
    }

    /// Tables of nf_tables; the refusal tells whether the kernel has nf_tables. Asked only where that
    /// cannot load a module.
    pub fn nft_tables(&self) -> Result<Vec<NftTable>, Refusal> {
        match self.put(&Question::NftTables)? {
            Answer::NftTables(tables) => Ok(tables),
            _ => Err(Refusal::Malformed),
        }
    }

    /// How many entries a registered legacy table has; `family` is 4 or 6.
    pub fn legacy_entries(&self, family: u8, table: &str) -> Read<u32> {
        let about = format!("getsockopt: IPv{family} table {table}");
        match self.ask(&Question::LegacyEntries { family, table: table.to_owned() }, &about)? {
            Answer::Number(entries) => Ok(entries),
            _ => Err(Missing::new(about, Why::Malformed)),
        }
    }
}
