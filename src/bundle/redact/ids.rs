//! Identifiers of machines, pods, containers, layers: UUIDs and long hexadecimal strings.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

/// Length of the short form of a container id.
const SHORT: usize = 12;
/// From this length on, hexadecimal digits are an identifier wherever they stand.
const LONG: usize = 32;
/// Groups of a UUID.
const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
/// What stands between the groups: as is, as systemd's slices have it, as systemd escapes it.
const SEPARATORS: [&str; 3] = ["-", "_", "\\x2d"];

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

/// How an identifier is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Groups with separators.
    Uuid,
    /// Digits alone.
    Plain,
}

/// Where the identifiers in `text` are.
pub(crate) fn identifiers(text: &str) -> impl Iterator<Item = (Range<usize>, Shape)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            if !bytes[at].is_ascii_hexdigit() {
                at += 1;
                continue;
            }
            let run = at;
            at += digits(&bytes[run..]);
            if let Some((start, next)) = uuid_in_run(text, run, at) {
                at = next;
                return Some((start..next, Shape::Uuid));
            }
            if let Some(start) = plain_in_run(text, run, at) {
                return Some((start..at, Shape::Plain));
            }
        }
        None
    })
}

fn digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|b| b.is_ascii_hexdigit()).count()
}

/// A UUID whose first group ends this run of digits: from where, to where. The run may be longer than
/// the group: the `d` of `pod<uid>` is a digit too.
fn uuid_in_run(text: &str, run: usize, end: usize) -> Option<(usize, usize)> {
    let start = end.checked_sub(GROUPS[0]).filter(|start| *start >= run)?;
    let mut at = end;
    for length in &GROUPS[1..] {
        let rest = text.get(at..)?;
        at += SEPARATORS.into_iter().find(|s| rest.starts_with(s))?.len();
        if digits(text.as_bytes().get(at..)?) < *length {
            return None;
        }
        at += length;
    }
    Some((start, at))
}

/// Where in this run of digits an identifier without separators begins, if it is one. The short form
/// has to stand alone and to have letters and figures: a number of bytes has twelve figures too.
fn plain_in_run(text: &str, run: usize, end: usize) -> Option<usize> {
    // Static pods: `pod` and the hash of their manifest.
    let pod = text[..run].ends_with("po") && text[run..].starts_with('d');
    if pod && end - run > LONG {
        return Some(run + 1);
    }
    if end - run >= LONG {
        return Some(run);
    }
    let alone = |c: Option<char>| !c.is_some_and(char::is_alphanumeric);
    let digits = &text.as_bytes()[run..end];
    (digits.len() == SHORT
        && alone(text[..run].chars().next_back())
        && alone(text[end..].chars().next())
        && digits.iter().any(u8::is_ascii_digit)
        && digits.iter().any(u8::is_ascii_alphabetic))
    .then_some(run)
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
