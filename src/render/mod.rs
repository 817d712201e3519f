//! Renderers: `fn(&Report, …, &mut dyn Write)`, one per format. None decides the exit code.

mod case;
pub mod diff;
mod entries;
mod environment;

pub mod explain;
pub mod fix;
pub mod github;
pub mod html;
pub mod json;
pub mod junit;
pub mod list;
pub mod log;
pub mod markdown;
pub mod page;
mod prose;
pub mod sarif;
mod snippet;
pub mod table;
pub mod tap;
pub mod trials;

pub(crate) use crate::text::escape;
