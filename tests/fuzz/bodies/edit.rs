//! Changes of recorded answers and of values.

use std::sync::Arc;

use dind_doctor::source::{Answer, Refusal};
use serde_json::{Number, Value, json};

use super::{
    hosts::{Outcome, POOL},
    input::Change,
    pieces::{NUMBERS, PIECES},
};

/// An answer larger than the largest that is asked for is not made.
const LIMIT: usize = 256 * 1024;

const REFUSALS: [Refusal; 13] = [
    Refusal::Errno(libc_errno::EACCES),
    Refusal::Errno(libc_errno::ENOENT),
    Refusal::Errno(libc_errno::EIO),
    Refusal::Errno(libc_errno::ENOSYS),
    Refusal::Errno(libc_errno::ENOTCONN),
    Refusal::Errno(i32::MIN),
    Refusal::Errno(-1),
    Refusal::TooLarge,
    Refusal::TimedOut,
    Refusal::Killed,
    Refusal::Malformed,
    Refusal::NotRecorded,
    Refusal::Redacted,
];

/// Numbers of Linux; everywhere that the doctor runs they are these.
mod libc_errno {
    pub(super) const ENOENT: i32 = 2;
    pub(super) const EIO: i32 = 5;
    pub(super) const EACCES: i32 = 13;
    pub(super) const ENOSYS: i32 = 38;
    pub(super) const ENOTCONN: i32 = 107;
}

/// Kinds of changes, of which a change has one.
const KINDS: u8 = 4;

/// One answer changed.
pub(super) fn outcome(
    question: &dind_doctor::source::Question,
    outcome: &mut Outcome,
    change: Change<'_>,
) {
    let of = usize::from(change.kind / KINDS);
    match change.kind % KINDS {
        0 => *outcome = Err(REFUSALS[of % REFUSALS.len()]),
        1 => {
            // As on another host; what does not fit the question, too.
            let others = match POOL.get(question) {
                Some(others) if of % 8 != 7 => others,
                _ => POOL.values().nth(change.number % POOL.len()).unwrap(),
            };
            outcome.clone_from(others[change.number % others.len()]);
        }
        _ => match outcome {
            Ok(Answer::Bytes(content)) => {
                bytes(Arc::make_mut(content), Change { kind: change.kind / KINDS, ..change });
            }
            Ok(answer) => {
                let mut whole = serde_json::to_value(&*answer).unwrap();
                value(&mut whole, change.number, Change { kind: change.kind / KINDS, ..change });
                if let Ok(changed) = serde_json::from_value(whole) {
                    *answer = changed;
                }
            }
            Err(_) => *outcome = Ok(Answer::bytes(change.content.to_vec())),
        },
    }
}

/// Bytes changed at the change's number.
pub(super) fn bytes(content: &mut Vec<u8>, change: Change<'_>) {
    let at = change.number % (content.len() + 1);
    let piece = PIECES[change.number % PIECES.len()];
    let end = (at + change.content.len().max(1)).min(content.len());
    match change.kind % 12 {
        0 => *content = change.content.to_vec(),
        1 => drop(content.splice(at..at, change.content.iter().copied())),
        2 => drop(content.splice(at..end, change.content.iter().copied())),
        3 => content.truncate(at),
        4 => drop(content.drain(at..end)),
        5 => drop(content.splice(at..at, piece.iter().copied())),
        6 => number(content, change.number, change.content.first().copied().unwrap_or_default()),
        7 => {
            // A line, very often.
            let line = line(content, at);
            let times = 1 + change.content.first().map_or(0, |times| usize::from(*times) * 4);
            let repeated = content[line.clone()].repeat(times);
            content.splice(line.start..line.start, repeated);
        }
        8 => drop(content.splice(line(content, at), change.content.iter().copied())),
        9 => drop(content.splice(word(content, at), change.content.iter().copied())),
        10 => drop(content.splice(word(content, at), piece.iter().copied())),
        _ => {
            let line = line(content, at);
            content.drain(line);
        }
    }
    content.truncate(LIMIT);
}

fn line(content: &[u8], at: usize) -> std::ops::Range<usize> {
    around(content, at, |byte| byte == b'\n')
}

fn word(content: &[u8], at: usize) -> std::ops::Range<usize> {
    let word = around(content, at, |byte| b" \t\n:,=/\0".contains(&byte));
    word.start..word.end - usize::from(word.end > word.start && word.end < content.len())
}

fn around(content: &[u8], at: usize, ends: impl Fn(u8) -> bool) -> std::ops::Range<usize> {
    let start = content[..at].iter().rposition(|byte| ends(*byte)).map_or(0, |found| found + 1);
    let length = content[at..].iter().position(|byte| ends(*byte));
    start..length.map_or(content.len(), |length| at + length + 1)
}

/// The number of this place among those in the text becomes one at an edge.
fn number(content: &mut Vec<u8>, place: usize, which: u8) {
    let mut numbers = Vec::new();
    let mut at = 0;
    while let Some(start) = content[at..].iter().position(u8::is_ascii_digit).map(|p| at + p) {
        let length = content[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        numbers.push(start..start + length);
        at = start + length;
    }
    if numbers.is_empty() {
        return;
    }
    let new = NUMBERS[usize::from(which) % NUMBERS.len()].to_string();
    content.splice(numbers[place % numbers.len()].clone(), new.into_bytes());
}

/// How many values are in this one, itself included.
pub(super) fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

/// The value of this number within `value`, in the order in which they are written.
fn find<'a>(value: &'a mut Value, number: &mut usize) -> Option<&'a mut Value> {
    if *number == 0 {
        return Some(value);
    }
    *number -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| find(item, number)),
        Value::Object(map) => map.values_mut().find_map(|item| find(item, number)),
        _ => None,
    }
}

/// The pointer of the value of this number within `value`.
pub(super) fn pointer(value: &Value, number: &mut usize, at: &str) -> Option<String> {
    if *number == 0 {
        return Some(at.to_owned());
    }
    *number -= 1;
    match value {
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(index, item)| pointer(item, number, &format!("{at}/{index}")))
        }
        Value::Object(map) => map.iter().find_map(|(key, item)| {
            let key = key.replace('~', "~0").replace('/', "~1");
            pointer(item, number, &format!("{at}/{key}"))
        }),
        _ => None,
    }
}

/// The value of the number `place` within `whole` changed.
pub(super) fn value(whole: &mut Value, place: usize, change: Change<'_>) {
    let mut number = place % count(whole);
    let Some(value) = find(whole, &mut number) else { return };
    let kind = change.kind % 16;
    if kind == 15 {
        *value = missing(change);
        return;
    }
    if kind == 14 {
        *value = Value::Null;
        return;
    }
    match value {
        Value::Bool(flag) => *flag = !*flag,
        Value::Number(number) => {
            let new = NUMBERS[usize::from(change.kind) % NUMBERS.len()];
            let new = if kind < 8 { new } else { change.number as i128 };
            *number = match (u64::try_from(new), i64::try_from(new)) {
                (Ok(new), _) => new.into(),
                (_, Ok(new)) => new.into(),
                _ => Number::from_f64(1e300).unwrap(),
            };
        }
        Value::String(text) => {
            let mut content = std::mem::take(text).into_bytes();
            bytes(&mut content, change);
            *text = String::from_utf8_lossy(&content).into_owned();
        }
        Value::Null => *value = of_any_kind(change),
        Value::Array(items) => array(items, kind, change),
        Value::Object(map) => {
            let keys: Vec<_> = map.keys().cloned().collect();
            let Some(key) = keys.get(change.number % keys.len().max(1)) else { return };
            if let Some(item) = map.remove(key)
                && kind.is_multiple_of(2)
            {
                let mut new = key.clone().into_bytes();
                bytes(&mut new, Change { kind: kind / 2, ..change });
                map.insert(String::from_utf8_lossy(&new).into_owned(), item);
            }
        }
    }
}

fn array(items: &mut Vec<Value>, kind: u8, change: Change<'_>) {
    let at = change.number % items.len().max(1);
    match (kind % 4, items.get(at).cloned()) {
        (0, _) => items.clear(),
        (1, Some(item)) => {
            let times = change.content.first().map_or(1, |times| usize::from(*times));
            items.splice(at..at, std::iter::repeat_n(item, times));
        }
        (2, Some(_)) => drop(items.remove(at)),
        (3, Some(_)) => items.reverse(),
        _ => items.push(of_any_kind(change)),
    }
}

fn of_any_kind(change: Change<'_>) -> Value {
    let text = String::from_utf8_lossy(change.content).into_owned();
    serde_json::from_str(&text).unwrap_or_else(|_| match change.number % 4 {
        0 => Value::Bool(true),
        1 => json!(change.number),
        2 => json!([text]),
        _ => json!(text),
    })
}

fn missing(change: Change<'_>) -> Value {
    let why = ["not-permitted", "not-found", "io(5)", "timed-out", "malformed", "redacted"];
    let source = String::from_utf8_lossy(change.content);
    json!({"missing": {"source": source, "why": why[change.number % why.len()]}})
}
