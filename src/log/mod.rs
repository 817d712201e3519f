//! Logs of engines: which known failures their lines show, and what this machine says about each.
//!
//! A log is hostile data like any other: of a long one the last part is read, of a long line both ends, line by line, whatever its bytes are.

mod explanation;
mod level;
mod line;
mod reader;
mod tail;
mod texts;

pub use explanation::{Explanation, Sighting, Suspect, explain};
pub use reader::{Log, Match, Place, read, read_file};
pub use tail::LIMIT;
pub use texts::{Text, Texts};
