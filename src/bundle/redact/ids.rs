//! Pseudonyms of identifiers of machines, pods, containers and layers.

use std::collections::{BTreeMap, BTreeSet};

use crate::text::{GROUPS, SEPARATORS, SHORT, Shape, identifiers};

/// Identifiers and their numbers. A pseudonym is the number in the first twelve digits, at most six of
/// them used, and zeros: it has the length of the original, the short form of an id is still the start
/// of the long one, and it can be told from an original.
#[derive(Debug, Default)]
pub(super) struct Ids {
    found: BTreeSet<String>,
    taken: BTreeSet<u32>,
    assigned: BTreeMap<String, u32>,
}

impl Ids {
    /// The pseudonym of hexadecimal digits, at least twelve, in the same length.
    pub(super) fn pseudonym(&mut self, digits: &str) -> String {
        let key = digits.to_ascii_lowercase();
        if key.starts_with("000000") && key.bytes().skip(SHORT).all(|b| b == b'0') {
            if let Ok(number) = u32::from_str_radix(&key[6..SHORT], 16) {
                self.taken.insert(number);
            }
            return key;
        }
        let number = self.assigned.get(&key).copied().unwrap_or_default();
        if number == 0 {
            self.found.insert(key);
        }
        let mut image = format!("{number:012x}");
        while image.len() < digits.len() {
            image.push('0');
        }
        image
    }

    /// Numbers what was collected, in order. A short id shares the number of the long one that it is
    /// the start of.
    pub(super) fn settle(&mut self) {
        let mut free = (1..=0x00ff_ffff).filter(|number| !self.taken.contains(number));
        let mut short: Option<(&String, u32)> = None;
        for id in &self.found {
            let number = match short.take() {
                Some((start, number)) if id.starts_with(start.as_str()) => number,
                _ => free.next().unwrap_or(0x00ff_ffff),
            };
            if id.len() == SHORT {
                short = Some((id, number));
            }
            self.assigned.insert(id.clone(), number);
        }
    }

    /// How many identifiers have a pseudonym.
    pub(super) fn count(&self) -> usize {
        self.assigned.len()
    }

    /// `text` with every identifier replaced; what surrounds them stays.
    pub(super) fn replace(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        for (range, shape) in identifiers(text) {
            out.push_str(&text[copied..range.start]);
            out.push_str(&match shape {
                Shape::Uuid => self.uuid(&text[range.clone()]),
                Shape::Plain => self.pseudonym(&text[range.clone()]),
            });
            copied = range.end;
        }
        out.push_str(&text[copied..]);
        out
    }

    fn uuid(&mut self, text: &str) -> String {
        let mut rest = text;
        let mut groups = Vec::new();
        let mut separators = vec![""];
        for length in GROUPS {
            let separator = SEPARATORS.into_iter().find(|s| rest.starts_with(s)).unwrap_or("");
            if !groups.is_empty() {
                separators.push(separator);
                rest = &rest[separator.len()..];
            }
            groups.push(&rest[..length]);
            rest = &rest[length..];
        }
        let image = self.pseudonym(&groups.concat());
        let mut out = String::new();
        let mut at = 0;
        for (separator, length) in separators.into_iter().zip(GROUPS) {
            out.push_str(separator);
            out.push_str(&image[at..at + length]);
            at += length;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3fa1b2c3d4e5f60718293a4b5c6d7e8f3fa1b2c3d4e5f60718293a4b5c6d7e8f";

    fn replace(text: &str) -> String {
        let mut ids = Ids::default();
        ids.replace(text);
        ids.settle();
        let once = ids.replace(text);
        assert_eq!(Ids::default().replace(&once), once);
        once
    }

    #[test]
    fn shapes_survive() {
        let uid = "00000000-0001-0000-0000-000000000000";
        let path = "/kubepods/burstable/pod0a1b2c3d-1234-4abc-8def-0123456789ab/x";
        assert_eq!(replace(path), format!("/kubepods/burstable/pod{uid}/x"));
        assert_eq!(
            replace("kubepods-pod0a1b2c3d_1234_4abc_8def_0123456789ab.slice"),
            format!("kubepods-pod{}.slice", uid.replace('-', "_"))
        );
        assert_eq!(
            replace("pods-0a1b2c3d\\x2d1234\\x2d4abc\\x2d8def\\x2d0123456789ab-volumes.mount"),
            format!("pods-{}-volumes.mount", uid.replace('-', "\\x2d"))
        );
        let id = format!("{:0<64}", "000000000001");
        for around in ["docker-@.scope", "cri-containerd-@.scope", "/docker/@", "crio-@", "x:y:@"] {
            assert_eq!(replace(&around.replace('@', ID)), around.replace('@', &id));
        }
        let hash = "d41d8cd98f00b204e9800998ecf8427e";
        assert_eq!(replace(&format!("/pod{hash}")), format!("/pod{:0<32}", "000000000001"));
    }

    #[test]
    fn the_short_form_is_still_the_start_of_the_long_one() {
        let text = replace(&format!("{} {ID} br-{}", &ID[..12], &ID[..12]));
        let words: Vec<&str> = text.split(' ').collect();
        assert!(words[1].starts_with(words[0]));
        assert_eq!(words[2], format!("br-{}", words[0]));
    }

    #[test]
    fn numbers_masks_and_words_stay() {
        for text in
            ["137438953472", "000001ffffffffff", "0x7ffd12345678", "deadbeef", "veth1a2b3c4"]
        {
            assert_eq!(replace(text), text);
        }
    }
}
