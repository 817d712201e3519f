//! Where answers about the machine come from: the machine itself, or a bundle.
//!
//! A source opens, lists, resolves and calls; it does not parse and does not judge. Everything that
//! the doctor knows went through [`Source::ask`], which is what makes a recorded run replayable.

#[macro_use]
mod table;

mod answer;
mod argument;
mod document;
#[cfg(test)]
pub(crate) mod fixed;
pub(crate) mod fuzzing;
mod limits;
mod live;
mod netlink;
mod nfnetlink;
pub mod path;
mod question;
mod rtnetlink;
mod socket;

pub use answer::{
    Answer, Answered, Ask, Entry, EntryKind, Ids, Listing, Package, Refusal, Stat, StatFs, Tried,
    Uname,
};
pub use argument::{Access, SystemCall};
pub use limits::Limits;
pub use live::LiveSource;
pub(crate) use live::engine::{
    Timed, connected as engine_socket, get as engine_get, parse as engine_version,
};
pub(crate) use nfnetlink::nft_tables;
pub use question::{Question, ask};
pub(crate) use socket::legacy_entries;

/// Something that can be asked about a machine.
pub trait Source {
    /// The answer, or why there is none. Never blocks beyond the deadline.
    fn ask(&self, question: &Question) -> Result<Answer, Refusal>;

    /// Called when a probe begins: what is asked from now on shares `budget`. A recorded source has no
    /// deadlines.
    fn begin(&self, _budget: std::time::Duration) {}
}

/// The answer to one question, with its type. That a bundle answers something else is like an answer that cannot be
/// understood.
pub fn ask<Q: Ask>(source: &dyn Source, question: Q) -> Result<Q::Answer, Refusal> {
    let answer = source.ask(&question.into())?;
    Q::Answer::revealed(answer).ok_or(Refusal::Malformed)
}
