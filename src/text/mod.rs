//! Text from the machine and from files: made safe to show, and what of it is an identifier. Below everything
//! else: whoever says something to people needs it.

mod escape;
mod identifiers;
mod pieces;
mod visible;

use std::path::Path;

pub(crate) use escape::{escape, is_unsafe};
pub(crate) use identifiers::{GROUPS, SEPARATORS, SHORT, Shape, identifiers};
pub(crate) use pieces::Pieces;
pub(crate) use visible::Visible;

/// A path, safe to print.
pub(crate) fn path(path: &Path) -> String {
    escape(&path.to_string_lossy()).into_owned()
}
