//! `doctor schema`.

use std::io::Write;

use super::{ExitCode, Trouble, unless_closed};
use crate::render::json;

pub(super) fn run(out: &mut dyn Write) -> Result<ExitCode, Trouble> {
    unless_closed(out.write_all(json::SCHEMA.as_bytes()))?;
    Ok(ExitCode::Success)
}
