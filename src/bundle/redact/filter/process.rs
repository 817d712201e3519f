//! Files of a process.

use super::{Pseudonyms, lines};

/// `/proc/PID/comm`.
pub(in super::super) fn comm(bytes: &[u8], names: &Pseudonyms) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let name = text.strip_suffix('\n').unwrap_or(&text);
    (names.process(name) + &text[name.len()..]).into_bytes()
}

/// `/proc/PID/status`: the name is the only thing in it that a process chooses.
pub(in super::super) fn status(bytes: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(bytes);
    lines(text.as_bytes(), names, |line| {
        let (key, value) = line.split_once(':')?;
        let plain = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if key != "Name" {
            return plain.then(|| format!("{key}:{}", names.text(value)));
        }
        let name = value.trim_ascii_start();
        Some(format!("{key}:{}{}", &value[..value.len() - name.len()], names.process(name)))
    })
}

/// `/proc/PID/auxv`: whether the program was privileged (`AT_SECURE`); the rest is addresses of its memory.
pub(in super::super) fn privileged(bytes: &[u8], _: &Pseudonyms) -> Option<Vec<u8>> {
    const AT_SECURE: usize = 23;
    const WORD: usize = size_of::<usize>();
    let mut pairs = bytes.chunks_exact(2 * WORD);
    pairs.find(|pair| pair[..WORD] == AT_SECURE.to_ne_bytes()).map(<[u8]>::to_vec)
}

/// `/proc/PID/stat`: the name stands in parentheses and can hold some itself.
pub(in super::super) fn stat(bytes: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(bytes);
    let (pid, rest) = text.split_once('(')?;
    let (name, rest) = rest.rsplit_once(')')?;
    let field = |field: &str| {
        field.len() == 1 || field.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit())
    };
    let plain = pid.split_whitespace().chain(rest.split_whitespace()).all(field);
    plain.then(|| format!("{pid}({}){rest}", names.process(name)).into_bytes())
}

/// `/proc/PID/cgroup`: `hierarchy:controllers:path`.
pub(in super::super) fn cgroup(bytes: &[u8], names: &Pseudonyms) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        // The path can hold colons, too.
        let fields: Vec<&[u8]> = line.splitn(3, |b| *b == b':').collect();
        match fields[..] {
            [hierarchy, controllers, path] if hierarchy.iter().all(u8::is_ascii_digit) => {
                let (controllers, path) = (names.bytes(controllers), names.bytes(path));
                out.extend([hierarchy, &controllers, &path].join(&b':'));
            }
            _ => out.extend(names.bytes(line)),
        }
    }
    out
}
