//! A recorded environment with other answers.

use std::{collections::BTreeMap, path::Path, time::Duration};

use dind_doctor::{
    bundle::{self, Replay},
    source::{Answer, Question, Refusal, Source},
};
use serde_json::Value;

use crate::report::{Edit, Report};

/// What is asked, without how much of it: the kind of question, and the path, variable or call that it is about.
type Key = (String, String);

/// A source in front of the base's.
pub(crate) struct Edited {
    base: Replay,
    edits: BTreeMap<Key, Vec<Edit>>,
}

impl Edited {
    /// The environment of a report.
    ///
    /// # Errors
    /// There is no such base, or an edit says nothing, or replaces what the base does not have.
    pub(crate) fn of(report: &Report) -> Result<Self, String> {
        let hosts = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hosts");
        let recording = bundle::read(&hosts.join(&report.base).join("bundle"))
            .map_err(|error| format!("base {}: {error}", report.base))?;
        let mut edits: BTreeMap<Key, Vec<Edit>> = BTreeMap::new();
        for edit in &report.edits {
            let key = key_of(edit)
                .ok_or_else(|| format!("an edit of {} names a path or a name", edit.ask))?;
            edits.entry(key).or_default().push(edit.clone());
        }
        for (key, edits) in &edits {
            let recorded = recording
                .answers
                .iter()
                .find(|((_, question), _)| key_of_question(question).as_ref() == Some(key));
            apply(edits, recorded.map(|(_, answer)| answer.clone()))
                .map(drop)
                .map_err(|error| format!("{} {}: {error}", key.0, key.1))?;
        }
        Ok(Self { base: Replay::new(recording), edits })
    }
}

impl Source for Edited {
    fn begin(&self, budget: Duration) {
        self.base.begin(budget);
    }

    fn ask(&self, question: &Question) -> Result<Answer, Refusal> {
        let base = self.base.ask(question);
        let edits = key_of_question(question).and_then(|key| self.edits.get(&key));
        match edits {
            Some(edits) => apply(edits, Some(base)).unwrap_or(Err(Refusal::Malformed)),
            None => base,
        }
    }
}

fn key_of(edit: &Edit) -> Option<Key> {
    let about = edit.path.as_ref().or(edit.name.as_ref()).or(edit.call.as_ref());
    // What is asked of nothing in particular: links, routes, ids.
    Some((edit.ask.clone(), about.cloned().unwrap_or_default()))
        .filter(|(ask, about)| !about.is_empty() || is_alone(ask))
}

fn is_alone(ask: &str) -> bool {
    ["ids", "uname", "links", "addresses", "routes", "nft-tables", "inotify-instances", "clocks"]
        .contains(&ask)
}

/// `None` for a question about another process.
fn key_of_question(question: &Question) -> Option<Key> {
    let json = serde_json::to_value(question).ok()?;
    let text = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
    if json.get("pid").is_some_and(|pid| !pid.is_null()) {
        return None;
    }
    let about = ["path", "name", "call"].into_iter().find_map(text);
    Some((text("ask")?, about.unwrap_or_default()))
}

/// The edits, one after the other.
fn apply(
    edits: &[Edit],
    base: Option<Result<Answer, Refusal>>,
) -> Result<Result<Answer, Refusal>, String> {
    let base = base.unwrap_or(Err(Refusal::Errno(nix::errno::Errno::ENOENT as i32)));
    edits.iter().try_fold(base, |answer, edit| apply_one(edit, answer))
}

fn apply_one(
    edit: &Edit,
    answer: Result<Answer, Refusal>,
) -> Result<Result<Answer, Refusal>, String> {
    if let Some(text) = &edit.text {
        return Ok(Ok(Answer::bytes(text.clone().into_bytes())));
    }
    if let Some(errno) = edit.errno {
        return Ok(Err(Refusal::Errno(errno)));
    }
    if let Some(value) = &edit.value {
        return serde_json::from_str(value)
            .map(Ok)
            .map_err(|error| format!("the value is no answer: {error}"));
    }
    let (Some(from), Some(to)) = (&edit.from, &edit.to) else {
        return Err("an edit has text, errno, value, or from and to".to_owned());
    };
    let absent = || format!("the base does not have {from:?}");
    match answer {
        Ok(Answer::Bytes(bytes)) => {
            let text = String::from_utf8(bytes.to_vec())
                .map_err(|_| "the base's answer is not UTF-8".to_owned())?;
            let replaced = text.contains(from.as_str()).then(|| text.replace(from.as_str(), to));
            Ok(Ok(Answer::bytes(replaced.ok_or_else(absent)?.into_bytes())))
        }
        Ok(answer) => {
            let text = serde_json::to_string(&answer).map_err(|error| error.to_string())?;
            let replaced = text
                .contains(from.as_str())
                .then(|| text.replace(from.as_str(), to))
                .ok_or_else(absent)?;
            serde_json::from_str(&replaced)
                .map(Ok)
                .map_err(|error| format!("what it makes is no answer: {error}"))
        }
        Err(_) => Err(absent()),
    }
}
