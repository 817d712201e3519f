//! What a text says apart from names that are made anew each time: ids of containers and pods, addresses,
//! ends of virtual links.

use std::net::IpAddr;

use serde_json::Value;

/// From so many hexadecimal digits on, digits are an id: the short form of a container's.
const ID: usize = 12;
/// Groups of a UUID.
const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
/// Base32 names of overlay2's links to layers.
const LAYER: usize = 26;
/// Options of mounts whose values are made anew or follow from the size of memory.
const OPTIONS: [&str; 6] = ["lowerdir", "upperdir", "workdir", "nr_inodes", "size", "addr"];

/// The value with every text in it in its normal form.
pub(super) fn value(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(self::text(text)),
        Value::Array(items) => Value::Array(items.iter().map(self::value).collect()),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(k, v)| (k.clone(), self::value(v))).collect())
        }
        other => other.clone(),
    }
}

/// `text` with `ID` for what identifies a thing that is made anew, and with classes for addresses.
pub(super) fn text(text: &str) -> String {
    if let Some((option, _)) = text.split_once('=').filter(|(name, _)| OPTIONS.contains(name)) {
        return format!("{option}=");
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(length) = uuid(rest) {
            out.push_str("ID");
            rest = &rest[length..];
            continue;
        }
        let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
        if let Some(after) = rest.strip_prefix("pod").filter(|after| uuid(after).is_some()) {
            out.push_str("pod");
            rest = after;
        } else if end == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            word(&rest[..end], &mut out);
            rest = &rest[end..];
        }
    }
    out
}

/// The length of the UUID that `text` begins with; its groups stand apart by `-`, `_` or systemd's `\x2d`.
fn uuid(text: &str) -> Option<usize> {
    let mut rest = text;
    for (at, length) in GROUPS.into_iter().enumerate() {
        if at > 0 {
            rest = ["-", "_", "\\x2d"].iter().find_map(|s| rest.strip_prefix(s))?;
        }
        let (group, after) = rest.split_at_checked(length)?;
        rest = group.bytes().all(|b| b.is_ascii_hexdigit()).then_some(after)?;
    }
    Some(text.len() - rest.len())
}

/// What an address or an id can consist of.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | ':')
}

fn word(word: &str, out: &mut String) {
    if let Some(class) = address(word) {
        out.push_str(class);
        return;
    }
    if let Some((host, port)) = word.rsplit_once(':')
        && let Some(class) = address(host)
    {
        out.push_str(class);
        out.push(':');
        out.push_str(port);
        return;
    }
    for piece in word.split_inclusive(['.', ':']) {
        let part = piece.trim_end_matches(['.', ':']);
        out.push_str(identifier(part).unwrap_or(part));
        out.push_str(&piece[part.len()..]);
    }
}

/// What an id is replaced with; `None` for any other word.
fn identifier(part: &str) -> Option<&'static str> {
    let hexadecimal = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    if part.strip_prefix("veth").is_some_and(|end| end.len() >= 6 && hexadecimal(end)) {
        return Some("vethID");
    }
    let base32 = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    let layer = part.len() == LAYER && part.bytes().all(base32);
    (part.len() >= ID && hexadecimal(part) || layer).then_some("ID")
}

/// What kind of address it is; `None` for what is none.
fn address(word: &str) -> Option<&'static str> {
    Some(match word.parse::<IpAddr>().ok()? {
        ip if ip.is_unspecified() => "any address",
        ip if ip.is_loopback() => "loopback",
        ip if ip.is_multicast() => "multicast",
        IpAddr::V4(ip) if ip.is_link_local() => "link-local",
        IpAddr::V6(ip) if ip.is_unicast_link_local() => "link-local",
        IpAddr::V4(_) => "IPv4",
        IpAddr::V6(_) => "IPv6",
    })
}

#[cfg(test)]
mod tests {
    use super::text;

    fn alike(left: &str, right: &str) -> bool {
        text(left) == text(right)
    }

    #[test]
    fn what_is_made_anew_is_alike() {
        assert!(alike("/docker/26bbda0b36075c9e", "/docker/6dab98c520947d0c"));
        assert!(alike(
            "/kubepods/burstable/pod0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
            "/kubepods/burstable/pod1a1b2c3d-0e5f-6070-8290-a0b5c6d7e8f0",
        ));
        assert!(alike("/../docker-ffaa4c52ee75.scope", "/../docker-0faa4c52ee75.scope"));
        assert!(alike("veth0a1b2c3", "vethfffffff"));
        assert!(alike("tcp://10.0.0.3:2375", "tcp://192.168.4.1:2375"));
        assert!(alike("lowerdir=/a:/b", "lowerdir=/c"));
        assert!(alike("fd00::1/64", "2001:db8::7/64"));
    }

    #[test]
    fn what_is_chosen_is_not() {
        for (left, right) in [
            ("127.0.0.11", "10.0.0.2"),
            ("0.0.0.0/0", "10.0.0.0/8"),
            ("/docker/26bbda0b36075c9e", "/system.slice/26bbda0b36075c9e"),
            ("10.0.0.3:2375", "10.0.0.3:2376"),
            ("/var/lib/docker", "/var/lib/podman"),
            ("6.1.0", "6.12.0"),
            ("rw", "ro"),
            ("größe", "grösse"),
        ] {
            assert!(!alike(left, right), "{left} {right}");
        }
    }
}
