//! A machine that answers whatever it likes: a recorded one, of whose answers some are changed.

use dind_doctor::{
    bundle::{Recording, Replay},
    probe,
    render::json,
    source::{Answer, Entry, EntryKind, Listing, Question, Refusal, Source, Stat},
};

use super::{
    edit,
    hosts::{HOSTS, Host, host},
    input::{Change, Input, change},
    oracle,
    pieces::PIECES,
};

/// The host's recording with the rest of the input as changes of answers.
pub(super) fn recording(host: &Host, changes: &[Change<'_>]) -> Recording {
    let mut recording = host.recording.clone();
    for change in changes {
        let key = &host.keys[change.place % host.keys.len()];
        if let Some(outcome) = recording.answers.get_mut(key) {
            edit::outcome(&key.1, outcome, *change);
        }
    }
    recording
}

/// A source that has an answer to what was never asked on its host, too.
struct Talkative {
    replay: Replay,
    /// What it says.
    content: Vec<u8>,
}

impl Source for Talkative {
    fn ask(&self, question: &Question) -> Result<Answer, Refusal> {
        match self.replay.ask(question) {
            Err(Refusal::NotRecorded) if !self.content.is_empty() => self.invent(question),
            answer => answer,
        }
    }
}

impl Talkative {
    fn invent(&self, question: &Question) -> Result<Answer, Refusal> {
        let text = || String::from_utf8_lossy(&self.content).into_owned();
        let number = self.content.iter().fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
        let small = u32::try_from(number & 0xffff_ffff).unwrap_or_default();
        Ok(match question {
            Question::Read { .. } | Question::Paragraphs { .. } => {
                Answer::bytes(self.content.clone())
            }
            Question::Values { .. } => {
                let names = [text(), text()];
                Answer::bytes(
                    serde_json::to_vec(&serde_json::json!({"a": names, "b": small})).unwrap(),
                )
            }
            Question::ReadLink { .. } | Question::Resolve { .. } => {
                Answer::Path(format!("/{}", text()))
            }
            Question::List { .. } => {
                let entry = |name: &[u8]| Entry {
                    name: String::from_utf8_lossy(name).into_owned(),
                    kind: if name.len().is_multiple_of(2) {
                        EntryKind::Directory
                    } else {
                        EntryKind::Unknown
                    },
                };
                let entries = self.content.split(|byte| *byte == b'\n').map(entry).collect();
                Answer::Listing(Listing { entries, truncated: number % 2 == 0 })
            }
            Question::Stat { .. } => Answer::Stat(Stat {
                mode: small,
                uid: small >> 3,
                gid: small >> 5,
                dev: (small >> 7, small >> 11),
                rdev: (small >> 13, small >> 17),
                ino: number,
            }),
            Question::Variable { .. } => Answer::Variable(Some(text())),
            Question::PathMtu { .. } | Question::LegacyEntries { .. } => Answer::Number(small),
            Question::Access { .. } | Question::Attribute { .. } | Question::Pause { .. } => {
                Answer::Done
            }
            _ => return Err(Refusal::Errno(i32::from(self.content[0]))),
        })
    }
}

/// Any answers to any questions: collect, diagnose, render.
pub(super) fn body(input: &[u8]) {
    let mut input = Input(input);
    let host = host(input.byte());
    let asked = oracle::options(&mut input);
    let length = usize::from(input.byte());
    let content = input.take(length).to_vec();
    let replay = Replay::new(recording(host, &input.changes()));
    let collected = probe::collect(&Talkative { replay, content });
    oracle::is_text("facts", &oracle::written(|out| json::document(&collected.facts, out)));
    oracle::is_whole(&collected);
    oracle::judge(&collected, &asked);
}

/// The bytes of one file: as fast as it can be.
pub(super) fn probes(input: &[u8]) {
    let mut input = Input(input);
    let host = host(input.byte());
    let key = &host.files[input.word() % host.files.len()];
    let mut recording = host.recording.clone();
    recording.answers.insert(key.clone(), Ok(Answer::bytes(input.rest().to_vec())));
    let collected = probe::collect(&Replay::new(recording));
    oracle::is_whole(&collected);
    serde_json::to_vec(&collected.facts).unwrap();
}

const HEAD: usize = 5;

/// Each host as it is, and each of some kinds of changes.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<_> =
        (0..HOSTS.len()).map(|n| vec![u8::try_from(n).unwrap(), 31, 80, 0, 0]).collect();
    for kind in 0..48_u8 {
        let place = usize::from(kind) * 97;
        let number = usize::from(kind) * 31;
        let piece = PIECES[usize::from(kind)];
        let mut seed = vec![kind * 5, kind.wrapping_mul(37), kind, 0, 0];
        seed.extend(change(place, kind, number, piece));
        seed.extend(change(place + 13, kind.wrapping_add(97), number + 5, piece));
        seeds.push(seed);
    }
    debug_assert!(seeds.iter().all(|seed| seed.len() >= HEAD));
    seeds
}

/// Each different path once, as it was somewhere.
pub(super) fn probe_seeds() -> Vec<Vec<u8>> {
    let mut known = std::collections::BTreeSet::new();
    let mut seeds = Vec::new();
    for (number, host) in HOSTS.iter().enumerate() {
        for (place, key) in host.files.iter().enumerate() {
            let Some(Ok(Answer::Bytes(content))) = host.recording.answers.get(key) else {
                continue;
            };
            let path = key.1.path().unwrap_or_default();
            let digits = |c: char| c.is_ascii_digit();
            if content.len() <= 8192 && known.insert(path.replace(digits, "").replace('/', "")) {
                let [low, high, ..] = place.to_le_bytes();
                seeds.push([&[u8::try_from(number).unwrap(), low, high], &content[..]].concat());
            }
        }
    }
    seeds
}
