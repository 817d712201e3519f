//! Logs of engines: which known failures their lines show, and what this machine says about each.
//!
//! A log is hostile data like any other: it is read up to a bound, line by line, whatever its bytes are.

mod explanation;
mod level;
mod line;
mod reader;
mod texts;

pub use explanation::{Explanation, Sighting, Suspect, explain};
pub use reader::{LIMIT, Log, Match, Place, read};
pub use texts::{Text, Texts};
