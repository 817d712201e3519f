//! Renderers: `fn(&Report, …, &mut dyn Write)`, one per format. None decides the exit code.

mod escape;
pub mod explain;
pub mod json;
pub mod list;
pub mod log;
mod snippet;
pub mod table;

pub use escape::escape;
