//! Redaction: what must not leave the machine is left out of a bundle, the rest goes under pseudonyms.
//!
//! Deny by default: the content of a file, a directory or a link survives only if a table in
//! [`files`] or [`directories`] names its path; of files that hold more than is judged, a filter keeps what is. Refusals
//! and numbers (`stat`, `statfs`, `access`) survive. What survives, and the paths of the questions
//! themselves, goes through [`pseudonyms`]: the same thing has the same pseudonym throughout a bundle,
//! so that a replay asks for what is there. Redacting twice changes nothing.
//!
//! Not replaced are names that nothing tells from those that software gives: directories, cgroups,
//! services, chains, volumes.

mod addresses;
mod bodies;
mod directories;
mod document;
mod files;
mod filter;
mod ids;
mod interfaces;
mod learned;
mod names;
mod numbers;
mod pattern;
mod pseudonyms;
mod rows;
mod text;
mod variables;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use document::redact_document;

use self::{bodies::Bodies, directories::Links, learned::Learned, pseudonyms::Pseudonyms};
use super::Recording;
use crate::source::{Answer, Entry, Listing, Question, Refusal};

/// A recording that may leave the machine, and what was taken out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted {
    /// The recording, marked as redacted.
    pub recording: Recording,
    /// What was replaced or left out, one row for each kind that occurred.
    pub removed: Vec<Removal>,
}

/// What was replaced or left out of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removal {
    /// Which kind.
    pub kind: Kind,
    /// How many: different ones of what has pseudonyms, occurrences of what was left out.
    pub count: usize,
}

/// What is replaced or left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Public IP addresses and hardware addresses.
    Address,
    /// UUIDs, ids of containers, pods and machines.
    Id,
    /// Names of this machine and of others.
    HostName,
    /// Names of accounts.
    UserName,
    /// Names of network interfaces that somebody chose.
    InterfaceName,
    /// Names of programs that are not well known.
    ProcessName,
    /// User and password in a URL or before a host.
    Credential,
    /// Arguments of processes.
    Argument,
    /// Values of environment variables.
    Variable,
    /// Keys of configuration files, parameters and options of mounts.
    Setting,
    /// Lines of files of which only some lines are kept.
    Line,
    /// Contents of files, directories and links that no table names.
    Content,
}

impl Kind {
    /// The name in messages, in the plural.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Address => "addresses",
            Self::Id => "ids",
            Self::HostName => "host names",
            Self::UserName => "user names",
            Self::InterfaceName => "interface names",
            Self::ProcessName => "process names",
            Self::Credential => "credentials",
            Self::Argument => "arguments",
            Self::Variable => "variables",
            Self::Setting => "settings",
            Self::Line => "lines",
            Self::Content => "contents",
        }
    }
}

type Answers = BTreeMap<(u32, Question), Result<Answer, Refusal>>;

/// Takes out what must not leave the machine.
pub fn redact(recording: &Recording) -> Redacted {
    let learned = Learned::from(recording);
    let mut names = Pseudonyms::new(learned.host_names.clone());
    let _ = rewrite(&recording.answers, &learned, &names);
    names.settle();
    let answers = rewrite(&recording.answers, &learned, &names);
    let mut header = recording.header.clone();
    header.redacted = true;
    Redacted { recording: Recording { header, answers }, removed: names.into_removals() }
}

fn rewrite(answers: &Answers, learned: &Learned, names: &Pseudonyms) -> Answers {
    let mut bodies = Bodies::default();
    let one = |((sample, asked), result): (&(u32, Question), &Result<Answer, Refusal>)| {
        let result = result.clone().and_then(|given| {
            answer(asked, given, learned, names, &mut bodies).ok_or_else(|| {
                names.dropped(Kind::Content);
                Refusal::Redacted
            })
        });
        ((*sample, question(asked, names)), result)
    };
    answers.iter().map(one).collect()
}

/// The question with pseudonyms in it, so that a replay which has them from an earlier answer finds it.
fn question(question: &Question, names: &Pseudonyms) -> Question {
    let mut question = question.clone();
    match &mut question {
        Question::Read { path, .. }
        | Question::Paragraphs { path, .. }
        | Question::RpmPackages { path, .. }
        | Question::Values { path, .. }
        | Question::Attribute { path, .. }
        | Question::ReadLink { path }
        | Question::Resolve { path }
        | Question::List { path, .. }
        | Question::Stat { path }
        | Question::StatFs { path }
        | Question::EngineVersion { socket: path, .. }
        | Question::Access { path, .. } => *path = names.text(path),
        Question::PathMtu { destination } => *destination = names.address(*destination),
        // The doctor's own words, or nothing.
        Question::Ids
        | Question::Uname
        | Question::Variable { .. }
        | Question::Pause { .. }
        | Question::SystemCall { .. }
        | Question::InotifyInstances
        | Question::Clocks
        | Question::Links
        | Question::Addresses
        | Question::Routes
        | Question::NftTables
        | Question::Trials
        | Question::LegacyEntries { .. } => {}
    }
    question
}

/// What is left of an answer; `None` if it must not be told. An answer that does not belong to its
/// question must not.
fn answer(
    question: &Question,
    answer: Answer,
    learned: &Learned,
    names: &Pseudonyms,
    bodies: &mut Bodies,
) -> Option<Answer> {
    match (question, answer) {
        (Question::Read { path, .. }, Answer::Bytes(bytes)) => {
            bodies.rewritten(&bytes, files::content(path, learned)?, names).map(Answer::Bytes)
        }
        (Question::Paragraphs { path, .. }, Answer::Bytes(bytes)) => {
            files::is_database(path).then(|| Answer::bytes(filter::packages(&bytes, names)))
        }
        // Name and version of those that the doctor asked for.
        (Question::RpmPackages { path, names: asked }, Answer::Packages(packages)) => {
            let expected = packages.iter().all(|package| asked.contains(&package.name));
            (files::is_database(path) && expected).then_some(Answer::Packages(packages))
        }
        (Question::Values { .. }, Answer::Bytes(bytes)) => {
            Some(Answer::bytes(filter::values(&bytes, names)))
        }
        (Question::ReadLink { path } | Question::Resolve { path }, Answer::Path(target)) => {
            link(directories::link(path, learned)?, &target, names).map(Answer::Path)
        }
        (Question::List { path, .. }, Answer::Listing(listing)) => {
            directories::is_listed(path, learned)
                .then(|| Answer::Listing(list(path, listing, names)))
        }
        (Question::Variable { name, .. }, Answer::Variable(value)) => {
            Some(Answer::Variable(value.map(|value| variables::redact(name, value, names))))
        }
        (Question::Uname, Answer::Uname(mut uname)) => {
            uname.version = filter::builder(&uname.version, names);
            Some(Answer::Uname(uname))
        }
        (Question::EngineVersion { .. }, Answer::EngineVersion(version)) => {
            Some(Answer::EngineVersion(filter::engine_version(version, names)))
        }
        (Question::Links, Answer::Links(links)) => Some(Answer::Links(rows::links(links, names))),
        (Question::Addresses, Answer::Addresses(addresses)) => {
            Some(Answer::Addresses(rows::addresses(addresses, names)))
        }
        (Question::Routes, Answer::Routes(routes)) => {
            Some(Answer::Routes(rows::routes(routes, names)))
        }
        (Question::NftTables, Answer::NftTables(tables)) => {
            Some(Answer::NftTables(rows::tables(tables, names)))
        }
        (Question::Stat { .. }, answer @ Answer::Stat(_))
        | (Question::StatFs { .. }, answer @ Answer::StatFs(_))
        | (
            Question::Access { .. } | Question::Attribute { .. } | Question::Pause { .. },
            answer @ Answer::Done,
        )
        | (Question::Ids, answer @ Answer::Ids(_))
        | (Question::InotifyInstances, answer @ Answer::InotifyInstances(_))
        | (Question::Clocks, answer @ Answer::Clocks(_))
        | (
            Question::PathMtu { .. } | Question::LegacyEntries { .. } | Question::SystemCall { .. },
            answer @ Answer::Number(_),
        ) => Some(answer),
        // Trials quote programs and peers, and nothing tells what of that may leave: they stay behind whole.
        _ => None,
    }
}

fn link(kind: Links, target: &str, names: &Pseudonyms) -> Option<String> {
    match kind {
        Links::Path => Some(names.text(target)),
        Links::Program => Some(names.program(target)),
        Links::Interface => {
            let (parent, name) = target.rsplit_once('/').unwrap_or(("", target));
            let name = names.interface(name);
            let parent = names.text(parent);
            Some(if target.contains('/') { format!("{parent}/{name}") } else { name })
        }
        Links::Object => {
            let (kind, number) = target.split_once(":[")?;
            let number = number.strip_suffix(']')?;
            let plain = kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            (plain && number.bytes().all(|b| b.is_ascii_digit())).then(|| target.to_owned())
        }
    }
}

/// The order stays that of the original: a bounded walk takes the same way in a replay.
fn list(path: &str, mut listing: Listing, names: &Pseudonyms) -> Listing {
    let directory = path.trim_end_matches('/');
    for Entry { name, .. } in &mut listing.entries {
        // What a name is can depend on where it is: `/home`, `/sys/class/net`.
        let whole = names.text(&format!("{directory}/{name}"));
        whole.rsplit('/').next().unwrap_or_default().clone_into(name);
    }
    listing
}
