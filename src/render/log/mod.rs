//! What a log says, joined with what was found here: for people, and as JSON.

mod entry;
mod fix;
mod json;
mod text;

pub use entry::{entry_json, entry_text};
pub use json::json;
pub use text::text;
