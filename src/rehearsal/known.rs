//! Which checks know what an engine wrote.

use std::cmp::Reverse;

use dind_doctor_checks::{facts::Text, registry};

use crate::log::{self, Texts};

/// So many ids are named at most.
const FEW: usize = 3;

/// Ids of the checks whose texts are in these lines, those with the most telling text first.
pub(super) fn ids(lines: &[Text]) -> Vec<Text> {
    let texts = Texts::of(registry::all());
    let all: Vec<&str> = lines.iter().map(Text::as_str).collect();
    let Ok(mut log) = log::read(all.join("\n").as_bytes(), &texts) else { return Vec::new() };
    // What is only warned of is often not what it failed of.
    log.matches
        .sort_by_key(|found| (found.text.symptom, Reverse((found.failed, found.text.strength()))));
    let mut ids: Vec<Text> = Vec::new();
    for id in log.matches.iter().flat_map(|found| &found.text.subjects).map(|subject| subject.id())
    {
        if !ids.iter().any(|known| **known == *id) {
            ids.push(id.into());
        }
    }
    ids.truncate(FEW);
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_check_knows_is_named_and_what_none_knows_is_not() {
        let of = |line: &str| ids(&[line.into()]);
        let known = of("runc: unable to start: create session key: disk quota exceeded");
        assert_eq!(known, [Text::from("keyring-quota")]);
        assert!(of("runc: the flux capacitor is empty").is_empty());
    }
}
