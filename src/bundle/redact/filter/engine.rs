//! What an engine says of itself.

use dind_doctor_checks::facts::{EngineVersion, Text};

use crate::bundle::redact::{Kind, pseudonyms::Pseudonyms};

/// Bytes of a version.
const LONGEST: usize = 64;

/// Versions stay, whatever their numbers; what is none does not.
pub(in super::super) fn engine_version(mut of: EngineVersion, names: &Pseudonyms) -> EngineVersion {
    of.components.retain(|(name, _)| {
        let known = matches!(name.as_str(), "containerd" | "runc");
        if !known {
            names.dropped(Kind::Content);
        }
        known
    });
    let versions = of.components.iter_mut().map(|(_, version)| version);
    let own = [&mut of.version, &mut of.api_version, &mut of.minimum_api_version];
    for version in versions.chain(own) {
        if !is_version(version) {
            names.dropped(Kind::Content);
            *version = Text::default();
        }
    }
    of
}

/// Numbers with what distributions append: `20.10.24+dfsg1`, `1.6.20~ds1`, `v1.7.0-rc.1`.
fn is_version(text: &str) -> bool {
    let numbers = text.strip_prefix('v').unwrap_or(text);
    let begins = numbers.is_empty() || numbers.starts_with(|c: char| c.is_ascii_digit());
    let version = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '~' | '-' | ':');
    begins && text.len() <= LONGEST && text.chars().all(version)
}
