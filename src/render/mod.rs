//! Renderers: `fn(&Report, …, &mut dyn Write)`, one per format. None decides the exit code.

mod escape;
pub mod explain;
pub mod json;
pub mod list;
mod snippet;
pub mod table;
pub mod trials;

pub use escape::escape;
