//! What a log says, joined with what was found here: for people, and as JSON.

mod fix;
mod json;
mod text;

pub use json::json;
pub use text::text;
