//! Paths as text: bytes that are not UTF-8 percent-encoded, so that a path can be a key in a bundle.

use std::{borrow::Cow, ffi::OsString, fmt::Write, os::unix::ffi::OsStringExt, path::PathBuf};

/// `bytes` as text. Bytes that are not UTF-8, and a `%` that could be mistaken for an encoded byte,
/// become `%XX`; everything else stays.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let valid = chunk.valid();
        for (at, c) in valid.char_indices() {
            let ambiguous = c == '%' && hex_pair(&valid.as_bytes()[at + 1..]).is_some();
            if ambiguous {
                text.push_str("%25");
            } else {
                text.push(c);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// The bytes that [`encode`] was given.
pub fn decode(text: &str) -> PathBuf {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if let Some(byte) = hex_pair(&bytes[at + 1..]).filter(|_| bytes[at] == b'%') {
            out.push(byte);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    PathBuf::from(OsString::from_vec(out))
}

/// The byte that two upper-case hexadecimal digits at the start of `bytes` mean.
fn hex_pair(bytes: &[u8]) -> Option<u8> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    };
    Some(digit(*bytes.first()?)? << 4 | digit(*bytes.get(1)?)?)
}

/// A field of the mount table as bytes: the kernel writes space, tab, newline and backslash as three octal digits
/// (`fs/proc_namespace.c`).
pub fn unescape(field: &[u8]) -> Cow<'_, [u8]> {
    if !field.contains(&b'\\') {
        return field.into();
    }
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let digits = after.first_chunk::<3>().filter(|_| *first == b'\\');
        let text = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = text.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        out.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[3..] } else { after };
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn every_byte_string_survives() {
        arbtest::arbtest(|u| {
            let bytes: Vec<u8> = u.arbitrary()?;
            assert_eq!(decode(&encode(&bytes)).as_os_str().as_bytes(), bytes);
            Ok(())
        });
    }

    #[test]
    fn octal_digits_after_a_backslash_are_a_byte() {
        assert_eq!(*unescape(b"/my\\040share\\134x"), *b"/my share\\x");
        assert_eq!(*unescape(b"/a\\4\\x"), *b"/a\\4\\x");
        arbtest::arbtest(|u| {
            let bytes: Vec<u8> = u.arbitrary()?;
            assert!(unescape(&bytes).len() <= bytes.len());
            Ok(())
        });
    }

    #[test]
    fn ordinary_paths_stay_readable() {
        assert_eq!(encode("/sys/fs/cgroup/100%".as_bytes()), "/sys/fs/cgroup/100%");
        assert_eq!(encode(b"/a%41\xff"), "/a%2541%FF");
    }
}
