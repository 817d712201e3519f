//! What a bundle says, and its lines.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    io,
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::budget::{Budget, too_large};
use crate::{
    source::{Answer, Question, Refusal},
    text::escape,
};

/// The name of the file that says what was asked and answered.
pub(super) const MANIFEST: &str = "manifest.jsonl";

/// Bytes that an answer takes at most, beside what its line says: the question, its place in the tree.
const ANSWER: usize = 512;

/// Bytes that each value in a line takes at most: while the line is read, and afterwards.
const READING: usize = 64;
const READ: usize = 24;

/// Version of the bundle's format. A reader takes every version up to its own. What a later doctor adds
/// within a version (questions, fields) is passed over; a later version is one that cannot be read so.
///
/// In version 1 a question had the limit of what was read beside it, and one file could be there with several.
const FORMAT: u32 = 2;

/// Text up to this length stays in the manifest, so that a recorded environment can be read and reviewed.
const INLINE: usize = 240;

/// First line of the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the format.
    pub bundle: u32,
    /// Version of the doctor that recorded it.
    pub doctor: String,
    /// Whether addresses, names and values were taken out.
    pub redacted: bool,
}

/// A recorded run. Questions are keyed by the sample they belong to: waiting begins a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// What the first line says.
    pub header: Header,
    /// Answers by sample and question.
    pub answers: BTreeMap<(u32, Question), Result<Answer, Refusal>>,
}

/// One line of the manifest; exactly one of the answer's fields is there.
#[derive(Serialize, Deserialize)]
struct Line {
    #[serde(default, skip_serializing_if = "is_zero")]
    sample: u32,
    #[serde(flatten)]
    question: Question,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    errno: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refused: Option<Refusal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<Answer>,
}

impl Line {
    /// Why there is no answer; before it had a name of its own, ENOTCONN stood for an engine that was not asked.
    fn refusal(&self) -> Option<Refusal> {
        let is_engine = matches!(self.question, Question::EngineVersion { .. });
        let by_number = self.errno.map(|errno| match errno {
            libc::ENOTCONN if is_engine => Refusal::NotProbed,
            errno => Refusal::Errno(errno),
        });
        by_number.or(self.refused)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(sample: &u32) -> bool {
    *sample == 0
}

/// The manifest as text, and the bodies by name.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) manifest: Vec<u8>,
    pub(super) bodies: BTreeMap<String, Arc<Vec<u8>>>,
}

impl Parts {
    /// Adds a body, whose content has been counted, and says whether there was one of that name.
    pub(super) fn add(
        &mut self,
        name: &str,
        content: Vec<u8>,
        budget: &mut Budget,
    ) -> io::Result<bool> {
        budget.take(ANSWER)?;
        Ok(self.bodies.insert(name.to_owned(), Arc::new(content)).is_some())
    }
}

/// Whether it is the name of a body: a number.
pub(super) fn is_body(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit())
}

impl Recording {
    /// An empty one, made by this doctor.
    pub fn new(redacted: bool) -> Self {
        let doctor = env!("CARGO_PKG_VERSION").to_owned();
        Self { header: Header { bundle: FORMAT, doctor, redacted }, answers: BTreeMap::new() }
    }

    /// As files: deterministic, so that recording the same answers gives the same bytes.
    pub(super) fn to_parts(&self) -> serde_json::Result<Parts> {
        let mut manifest = serde_json::to_string(&self.header)? + "\n";
        let mut names: BTreeMap<&Arc<Vec<u8>>, String> = BTreeMap::new();
        for ((sample, question), result) in &self.answers {
            let mut line = Line {
                sample: *sample,
                question: question.clone(),
                errno: None,
                refused: None,
                text: None,
                body: None,
                value: None,
            };
            match result {
                Err(Refusal::Errno(errno)) => line.errno = Some(*errno),
                Err(refusal) => line.refused = Some(*refusal),
                Ok(Answer::Bytes(bytes)) => {
                    line.text = inline(bytes).map(str::to_owned);
                    if line.text.is_none() {
                        let next = names.len().to_string();
                        line.body = Some(names.entry(bytes).or_insert(next).clone());
                    }
                }
                Ok(answer) => line.value = Some(answer.clone()),
            }
            manifest += &serde_json::to_string(&line)?;
            manifest.push('\n');
        }
        let bodies = names.into_iter().map(|(bytes, name)| (name, Arc::clone(bytes))).collect();
        Ok(Parts { manifest: manifest.into_bytes(), bodies })
    }

    /// From files. A line of a kind that this doctor does not know is passed over: a later doctor
    /// recorded it.
    pub(super) fn from_parts(parts: &Parts, budget: &mut Budget) -> Result<Self, String> {
        let mut lines = parts.manifest.split(|byte| *byte == b'\n');
        let mut header: Header = lines
            .next()
            .and_then(|line| serde_json::from_slice(line).ok())
            .ok_or("the manifest does not begin with a header")?;
        if header.bundle > FORMAT {
            return Err(format!(
                "recorded by doctor {} in format {}, and this doctor reads formats up to {FORMAT}: \
                 take a later one",
                escape(&header.doctor),
                header.bundle
            ));
        }
        let mut answers = BTreeMap::new();
        for line in lines {
            // What a line becomes is more than the line.
            let values = line.iter().filter(|b| matches!(b, b',' | b':' | b'[' | b'{')).count();
            let cost = |each: usize| ANSWER + line.len() + values * each;
            if line.is_empty() {
                continue;
            }
            if cost(READING) > budget.left() {
                return Err(too_large().to_string());
            }
            budget.take(cost(READ)).map_err(|error| error.to_string())?;
            let text = String::from_utf8_lossy(line);
            let Ok(line) = serde_json::from_slice::<Line>(text.as_bytes()) else { continue };
            let body = |name: &String| {
                parts.bodies.get(name).cloned().ok_or_else(|| format!("body {name:?} is not there"))
            };
            let result = match (line.refusal(), line.text, &line.body, line.value) {
                (Some(refusal), ..) => Err(refusal),
                (.., Some(text), _, _) => Ok(Answer::bytes(text.into_bytes())),
                (.., Some(name), _) => Ok(Answer::Bytes(body(name)?)),
                (.., Some(answer)) => Ok(answer),
                _ => continue,
            };
            match answers.entry((line.sample, line.question)) {
                Entry::Occupied(mut before) if tells_more(&result, before.get()) => {
                    *before.get_mut() = result;
                }
                Entry::Occupied(_) => {}
                Entry::Vacant(place) => {
                    place.insert(result);
                }
            }
        }
        header.bundle = FORMAT;
        Ok(Self { header, answers })
    }
}

/// Whether of two answers to one question this one has more of it. Version 1 has several where a file was read up to
/// several limits; whatever has two since, the first one counts unless the other is longer.
fn tells_more(one: &Result<Answer, Refusal>, other: &Result<Answer, Refusal>) -> bool {
    let rank = |result: &Result<Answer, Refusal>| match result {
        Err(Refusal::TooLarge) => (0, 0),
        Err(_) => (1, 0),
        Ok(Answer::Listing(listing)) => (2 + u8::from(!listing.truncated), listing.entries.len()),
        Ok(Answer::Bytes(bytes)) => (3, bytes.len()),
        Ok(_) => (3, 0),
    };
    rank(one) > rank(other)
}

/// The bytes as text, if they are short and hold nothing that a reader of the manifest would not see.
fn inline(bytes: &[u8]) -> Option<&str> {
    if bytes.len() > INLINE {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\t')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{self, EntryKind, Listing};

    fn read(path: &str) -> Question {
        Question::Read { path: path.to_owned() }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut recording = Recording::new(false);
        let mut add = |sample, question, result| {
            recording.answers.insert((sample, question), result);
        };
        add(0, read("/a"), Ok(Answer::bytes(b"short\n".to_vec())));
        add(0, read("/b"), Ok(Answer::bytes(vec![0xff, 0x1b, 0])));
        add(0, read("/c"), Err(Refusal::Errno(13)));
        add(0, read("/d"), Err(Refusal::TooLarge));
        add(0, read("/e"), Ok(Answer::bytes(vec![b'x'; 1000])));
        add(1, read("/a"), Ok(Answer::bytes(b"second sample".to_vec())));
        let entry = source::Entry { name: "%FF".to_owned(), kind: EntryKind::Unknown };
        let listing = Listing { entries: vec![entry], truncated: true };
        let list = Question::List { path: "/x".to_owned() };
        add(0, list, Ok(Answer::Listing(listing)));
        let destination = "2606:4700:4700::1111".parse().unwrap();
        add(0, Question::PathMtu { destination }, Ok(Answer::Number(1450)));
        add(0, Question::Pause { milliseconds: 5 }, Ok(Answer::Done));
        let parts = recording.to_parts().unwrap();
        assert_eq!(Recording::from_parts(&parts, &mut Budget::new()), Ok(recording));
    }

    #[test]
    fn lines_of_a_later_doctor_are_passed_over() {
        let manifest = "{\"bundle\":1,\"doctor\":\"9.0.0\",\"redacted\":true,\"new\":1}\n\
             {\"ask\":\"something-new\",\"value\":{\"new\":1}}\n\
             {\"ask\":\"uname\",\"errno\":1,\"new\":2}\n";
        let read = |manifest: &str| {
            let parts = Parts { manifest: manifest.into(), bodies: BTreeMap::new() };
            Recording::from_parts(&parts, &mut Budget::new())
        };
        let recording = read(manifest).unwrap();
        assert_eq!(recording.answers.len(), 1);
        let later = manifest.replacen("\"bundle\":1", "\"bundle\":3", 1);
        let error = read(&later).unwrap_err();
        assert!(error.contains("doctor 9.0.0") && error.contains("format 3"), "{error}");
    }

    /// The answers of a bundle of version 1.
    fn of_version_1(lines: &[&str]) -> Recording {
        let header = r#"{"bundle":1,"doctor":"0.0.1","redacted":false}"#;
        let manifest = [&[header], lines].concat().join("\n");
        let mut parts = Parts { manifest: manifest.into_bytes(), bodies: BTreeMap::new() };
        parts.bodies.insert("0".to_owned(), Arc::new(vec![b'x'; 2000]));
        Recording::from_parts(&parts, &mut Budget::new()).unwrap()
    }

    #[test]
    fn of_what_version_1_read_up_to_several_limits_the_most_counts() {
        let small = r#"{"ask":"read","path":"/a","limit":1000,"refused":"too-large"}"#;
        let large = r#"{"ask":"read","path":"/a","limit":9000,"body":"0"}"#;
        let one = r#"{"ask":"list","path":"/d","limit":1,"value":{"listing":{"entries":[{"name":"a","kind":"file"}],"truncated":true}}}"#;
        let all = r#"{"ask":"list","path":"/d","limit":9,"value":{"listing":{"entries":[],"truncated":false}}}"#;
        let expected = of_version_1(&[large, all]);
        assert_eq!(expected.answers.len(), 2);
        assert_eq!(expected.answers[&(0, read("/a"))], Ok(Answer::bytes(vec![b'x'; 2000])));
        for lines in [[small, large, one, all], [large, small, all, one]] {
            assert_eq!(of_version_1(&lines), expected);
        }
        // What is written is of this version.
        assert!(expected.to_parts().unwrap().manifest.starts_with(b"{\"bundle\":2,"));
    }

    #[test]
    fn one_body_of_many_lines_is_kept_once() {
        let manifest = b"{\"bundle\":1,\"doctor\":\"0\",\"redacted\":false}\n".to_vec();
        let mut parts = Parts { manifest, ..Parts::default() };
        for pid in 0..3 {
            let line = format!(
                "{{\"ask\":\"read\",\"path\":\"/proc/{pid}/limits\",\"limit\":1,\"body\":\"0\"}}\n"
            );
            parts.manifest.extend(line.bytes());
        }
        let mut budget = Budget::new();
        parts.add("0", vec![b'x'; 1000], &mut budget).unwrap();
        let recording = Recording::from_parts(&parts, &mut budget).unwrap();
        let mut bodies = recording.answers.values().map(|answer| match answer {
            Ok(Answer::Bytes(bytes)) => Arc::as_ptr(bytes),
            other => panic!("{other:?}"),
        });
        let first = bodies.next().unwrap();
        assert!(bodies.all(|body| body == first));
        // Redacted, and written again, it is still one.
        let redacted = crate::bundle::redact(&recording).recording;
        assert_eq!(redacted.to_parts().unwrap().bodies.len(), 1);
    }

    #[test]
    fn lines_that_become_much_more_than_they_are_do_not_get_to() {
        let manifest = b"{\"bundle\":1,\"doctor\":\"0\",\"redacted\":false}\n".to_vec();
        let mut parts = Parts { manifest, ..Parts::default() };
        parts.manifest.extend(b"{\"ask\":\"uname\",\"new\":[");
        parts.manifest.extend(b"[],".repeat(4 * 1024 * 1024));
        let error = Recording::from_parts(&parts, &mut Budget::new()).unwrap_err();
        assert!(error.contains("256 MiB"), "{error}");
    }
}
