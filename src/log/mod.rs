//! Logs of engines: which known failures their lines show, and what a machine says about each.
//!
//! A log is hostile data like any other: of a long one the last part is read, of a long line both ends, line by line, whatever its bytes are.

mod directory;
mod explanation;
mod frame;
mod host;
mod journal;
mod known;
mod level;
mod line;
mod packed;
mod pattern;
mod reader;
mod tail;
mod texts;
mod trie;

pub(crate) use directory::read_directory;
pub use explanation::{Explanation, Sighting, Suspect, explain};
pub(crate) use host::is_telling;
pub use known::Entry;
pub use reader::{Log, Match, Place, Unrecognised, read, read_file};
pub use tail::LIMIT;
pub use texts::{Subject, Text, Texts};
