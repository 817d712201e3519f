//! The parts of the `doctor` program, as a library so that tests and fuzz targets reach everything.
//! Internal: no promise is made about this interface.
//!
//! Data flows one way: source → probe (→ trial) → facts → checks → report → render.

pub mod bundle;
pub mod cli;
pub mod diff;
pub mod fix;
#[doc(hidden)]
pub mod fuzzing;
pub mod log;
pub mod probe;
pub mod rehearsal;
pub mod render;
pub mod report;
pub mod source;
pub mod trial;

mod apply;
mod file;
mod isolated;
mod sys;
mod text;
