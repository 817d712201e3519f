//! The recorded environments, read once.

use std::{collections::BTreeMap, fs, path::PathBuf, sync::LazyLock};

use dind_doctor::{
    bundle::{self, Recording, Replay},
    probe,
    source::{Answer, Question, Refusal},
};
use serde_json::Value;

pub(super) type Key = (u32, Question);
pub(super) type Outcome = Result<Answer, Refusal>;

pub(super) struct Host {
    pub(super) recording: Recording,
    /// What was asked and answered, in order.
    pub(super) keys: Vec<Key>,
    /// Those of them that have the content of a file.
    pub(super) files: Vec<Key>,
    pub(super) facts: LazyLock<Value, Box<dyn FnOnce() -> Value + Send>>,
}

/// Where the project's files are.
pub(super) fn fixtures() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let found = here.ancestors().map(|above| above.join("fixtures")).find(|path| path.is_dir());
    found.expect("fixtures above the package")
}

/// Files below the project's fixtures, by path.
pub(super) fn files(below: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(fixtures().join(below)).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

pub(super) static HOSTS: LazyLock<Vec<Host>> = LazyLock::new(|| {
    let read = |path: PathBuf| bundle::read(&path.join("bundle")).ok().map(Host::new);
    files("hosts").into_iter().filter_map(read).collect()
});

/// Every answer that a question had on some host.
pub(super) static POOL: LazyLock<BTreeMap<&'static Question, Vec<&'static Outcome>>> =
    LazyLock::new(|| {
        let mut pool: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for ((_, question), outcome) in HOSTS.iter().flat_map(|host| &host.recording.answers) {
            let known = pool.entry(question).or_default();
            if !known.contains(&outcome) {
                known.push(outcome);
            }
        }
        pool
    });

impl Host {
    fn new(recording: Recording) -> Self {
        let keys: Vec<_> = recording.answers.keys().cloned().collect();
        let is_file = |key: &&Key| matches!(recording.answers[*key], Ok(Answer::Bytes(_)));
        let files = keys.iter().filter(is_file).cloned().collect();
        let replay = Replay::new(recording.clone());
        let facts = move || serde_json::to_value(probe::collect(&replay).facts).unwrap();
        Self { recording, keys, files, facts: LazyLock::new(Box::new(facts)) }
    }
}

/// The host of this number, around.
pub(super) fn host(number: u8) -> &'static Host {
    &HOSTS[usize::from(number) % HOSTS.len()]
}
