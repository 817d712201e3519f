//! What a bundle does not say: what was taken out of it, and what could not be seen when it was made.
//!
//! Names of files and variables only, as the bundle itself has them: no value, and no name that was
//! replaced.

use std::collections::BTreeMap;

use dind_doctor_checks::facts::Why;

use super::Recording;
use crate::source::{Question, Refusal};

/// Names of what was asked, with how often.
pub type Names = BTreeMap<String, usize>;

/// Errors of the machine; what else a system call may answer, it answers by design.
const TROUBLE: [i32; 5] = [libc::EIO, libc::ESTALE, libc::EMFILE, libc::ENFILE, libc::ENOMEM];

/// What redaction did to single answers.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Redactions {
    /// Answers that were left out.
    pub dropped: Names,
    /// Answers in which something was replaced or left out.
    pub rewritten: Names,
}

/// Compares a recording with what redaction left of it.
pub fn redactions(original: &Recording, redacted: &Recording) -> Redactions {
    let mut found = Redactions::default();
    for (key, result) in &redacted.answers {
        let names = match original.answers.get(key) {
            Some(before) if before == result => continue,
            _ if *result == Err(Refusal::Redacted) => &mut found.dropped,
            _ => &mut found.rewritten,
        };
        *names.entry(name(&key.1)).or_default() += 1;
    }
    found
}

/// What was refused for want of permission or time, by reason. That something may not be written is an
/// answer, and no refusal.
pub fn unseen(recording: &Recording) -> BTreeMap<String, Names> {
    let mut found: BTreeMap<String, Names> = BTreeMap::new();
    for ((_, question), result) in &recording.answers {
        let Err(refusal) = result else { continue };
        let why = refusal.why();
        // That something is no link, has no attribute or no route is an answer too.
        let answered = matches!(why, Why::Io(errno) if !TROUBLE.contains(&errno));
        if matches!(question, Question::Access { .. })
            || answered
            || matches!(why, Why::NotFound | Why::Unsupported | Why::Redacted | Why::NotRecorded)
            || why == Why::NotProbed
        {
            continue;
        }
        *found.entry(why.to_string()).or_default().entry(name(question)).or_default() += 1;
    }
    found
}

/// A path with `*` for numbers of processes, or what else was asked.
fn name(question: &Question) -> String {
    if let Some(path) = question.path() {
        let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let parts = path.split('/').map(|part| if number(part) { "*" } else { part });
        return parts.collect::<Vec<_>>().join("/");
    }
    match question {
        Question::Variable { pid: None, name } => format!("${name}"),
        Question::Variable { name, .. } => format!("${name} of other processes"),
        Question::LegacyEntries { table, .. } => format!("iptables table {table}"),
        other => {
            let ask = serde_json::to_value(other).ok().and_then(|v| v.get("ask").cloned());
            ask.and_then(|ask| ask.as_str().map(str::to_owned)).unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bundle::redact, source::Answer};

    fn read(path: &str) -> (u32, Question) {
        (0, Question::Read { path: path.to_owned() })
    }

    #[test]
    fn what_was_taken_out_is_named_without_its_value() {
        let mut recording = Recording::new(false);
        let mut add = |key, text: &str| {
            recording.answers.insert(key, Ok(Answer::bytes(text.as_bytes().to_vec())));
        };
        add(read("/etc/shadow"), "secret");
        add(read("/proc/sys/net/ipv4/ip_forward"), "1\n");
        let token = Question::Variable { pid: None, name: "TOKEN".to_owned() };
        recording.answers.insert((0, token), Ok(Answer::Variable(Some("secret".to_owned()))));
        let found = redactions(&recording, &redact(&recording).recording);
        assert_eq!(found.dropped.keys().collect::<Vec<_>>(), ["/etc/shadow"]);
        assert_eq!(found.rewritten.keys().collect::<Vec<_>>(), ["$TOKEN"]);
    }

    #[test]
    fn what_was_refused_is_named_by_reason() {
        let mut recording = Recording::new(false);
        let mut refuse = |key, errno| {
            recording.answers.insert(key, Err(Refusal::Errno(errno)));
        };
        refuse(read("/proc/12/environ"), libc::EACCES);
        refuse(read("/proc/7/environ"), libc::EPERM);
        refuse(read("/absent"), libc::ENOENT);
        refuse(read("/without/attribute"), libc::ENODATA);
        refuse(read("/broken"), libc::EIO);
        recording.answers.insert(read("/slow"), Err(Refusal::TimedOut));
        let found = unseen(&recording);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["io(EIO)", "not-permitted", "timed-out"]);
        assert_eq!(found["not-permitted"], Names::from([("/proc/*/environ".to_owned(), 2)]));
    }
}
