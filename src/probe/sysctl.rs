//! Small files of one value that `capture` records in any case.

use dind_doctor_checks::facts::{Fact, Missing, Text, Why};

use super::Reader;

/// The content, white space at its ends removed.
pub(super) fn text(reader: &Reader, path: &str) -> Result<Text, Missing> {
    let bytes = reader.bytes(path)?;
    Ok(Text::from_bytes(bytes.trim_ascii()))
}

/// A number.
pub(super) fn number<T: std::str::FromStr>(reader: &Reader, path: &str) -> Fact<T> {
    let parse = |text: Text| text.parse().map_err(|_| Missing::new(path, Why::Malformed));
    text(reader, path).and_then(parse).into()
}

/// A switch: 0 is off. Where there is no such file, `absent`.
pub(super) fn switch(reader: &Reader, path: &str, absent: bool) -> Fact<bool> {
    match number::<i64>(reader, path) {
        Fact::Known(value) => Fact::Known(value != 0),
        Fact::Missing(Missing { why: Why::NotFound, .. }) => Fact::Known(absent),
        Fact::Missing(missing) => Fact::Missing(missing),
    }
}

/// Whether a path exists.
pub(super) fn exists(reader: &Reader, path: &str) -> Fact<bool> {
    match reader.stat(path) {
        Ok(_) => Fact::Known(true),
        Err(Missing { why: Why::NotFound, .. }) => Fact::Known(false),
        Err(missing) => Fact::Missing(missing),
    }
}
