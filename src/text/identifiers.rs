//! Identifiers of machines, pods, containers, layers: UUIDs and long hexadecimal strings.

use std::ops::Range;

/// Length of the short form of a container id.
pub(crate) const SHORT: usize = 12;
/// From this length on, hexadecimal digits are an identifier wherever they stand.
const LONG: usize = 32;
/// Groups of a UUID.
pub(crate) const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
/// What stands between the groups: as is, as systemd's slices have it, as systemd escapes it.
pub(crate) const SEPARATORS: [&str; 3] = ["-", "_", "\\x2d"];

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
