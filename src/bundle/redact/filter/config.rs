//! Configuration files and databases of packages.

use dind_doctor_checks::facts::JUDGED_DAEMON_KEYS as KEYS;
use serde_json::{Map, Value};

use super::{Kind, Pseudonyms, lines, resolver::endpoint};
use crate::bundle::redact::names::listed;

/// What a file becomes that is no JSON: it still is none.
const NO_JSON: &[u8] = b"redacted: not JSON\n";

/// `daemon.json`: the keys that are judged.
pub(in super::super) fn daemon_json(bytes: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    if bytes.trim_ascii().is_empty() {
        return Some(bytes.to_vec());
    }
    let content = match serde_json::from_slice(bytes) {
        Ok(Value::Object(content)) => content,
        // Not an object, and dockerd refuses it as such.
        Ok(_) => return Some(b"null\n".to_vec()),
        Err(_) => return Some(NO_JSON.to_vec()),
    };
    let mut kept = Map::new();
    for (key, value) in content {
        if listed(KEYS, &key) {
            kept.insert(key.clone(), setting(&key, value, names));
        } else {
            names.dropped(Kind::Setting);
        }
    }
    let mut text = serde_json::to_vec_pretty(&Value::Object(kept)).ok()?;
    text.push(b'\n');
    Some(text)
}

fn setting(key: &str, value: Value, names: &Pseudonyms) -> Value {
    match value {
        Value::String(text) if key == "hosts" => endpoint(&text, names).into(),
        Value::String(text) => names.text(&text).into(),
        Value::Array(values) => {
            values.into_iter().map(|value| setting(key, value, names)).collect()
        }
        Value::Object(values) => {
            let one = |(name, value): (String, Value)| {
                let value = setting(key, value, names);
                (names.text(&name), value)
            };
            Value::Object(values.into_iter().map(one).collect())
        }
        value => value,
    }
}

/// `/etc/subuid`, `/etc/subgid`: `user:first:count`.
pub(in super::super) fn subordinate_ids(bytes: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    lines(bytes, names, |line| {
        let (user, range) = line.split_once(':')?;
        let plain = range.bytes().all(|b| b.is_ascii_digit() || b == b':');
        plain.then(|| format!("{}:{range}", names.user(user)))
    })
}

/// `/etc/passwd`: which names have which ids.
pub(in super::super) fn accounts(bytes: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    lines(bytes, names, |line| {
        let mut fields = line.split(':');
        let (user, _, uid, gid) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let plain = [uid, gid].iter().all(|id| id.bytes().all(|b| b.is_ascii_digit()));
        plain.then(|| format!("{}:x:{uid}:{gid}:::", names.user(user)))
    })
}

/// `nsswitch.conf(5)`: where subordinate ids come from.
pub(in super::super) fn subordinate_id_source(bytes: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    lines(bytes, names, |line| line.starts_with("subid:").then(|| line.to_owned()))
}

/// `containers.conf(5)`: the default limits, `"name=soft:hard"` each, what containers get, and whether `/proc` is among
/// the volumes.
pub(in super::super) fn containers_conf(bytes: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    const PROC: &str = "\"/proc:/proc\"";
    let mut inside = "";
    lines(bytes, names, |line| {
        let line = line.split('#').next().unwrap_or_default().trim();
        let key =
            ["default_ulimits", "volumes", "netns", "cgroups", "pids_limit"].into_iter().find(
                |key| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('=')),
            );
        let of = key.unwrap_or(inside);
        let open = matches!(of, "default_ulimits" | "volumes") && !line.contains(']');
        inside = if open { of } else { "" };
        if of == "volumes" {
            return line.contains(PROC).then(|| format!("volumes = [{PROC}]"));
        }
        if let Some(name) = line.strip_prefix("runtime") {
            // Names that everybody has.
            let name = name.trim_start_matches([' ', '=']).trim_matches('"');
            return ["crun", "runc", "runsc", "youki", "kata"]
                .contains(&name)
                .then(|| line.to_owned());
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || b" _\"=:,[]-".contains(&b);
        (!of.is_empty() && line.bytes().all(plain)).then(|| line.to_owned())
    })
}

/// `os-release(5)`: which system, in which version.
pub(in super::super) fn os_release(bytes: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    const FIELDS: &[&str] = &[
        "ID",
        "ID_LIKE",
        "NAME",
        "PRETTY_NAME",
        "VARIANT_ID",
        "VERSION",
        "VERSION_CODENAME",
        "VERSION_ID",
    ];
    lines(bytes, names, |line| {
        let (key, _) = line.split_once('=')?;
        FIELDS.contains(&key).then(|| line.to_owned())
    })
}

/// `/run/.containerenv` of podman: which engine, and whether it is rootless.
pub(in super::super) fn containerenv(bytes: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    lines(bytes, names, |line| {
        let (key, _) = line.split_once('=')?;
        matches!(key, "engine" | "rootless" | "graphRootMounted").then(|| names.text(line))
    })
}

/// Records of packages: name, version and state. Versions of four numbers are no addresses.
pub(in super::super) fn packages(bytes: &[u8], names: &Pseudonyms) -> Vec<u8> {
    const FIELDS: &[&str] = &["Package:", "Version:", "Status:", "Architecture:", "P:", "V:"];
    let text = String::from_utf8_lossy(bytes);
    let kept = lines(text.as_bytes(), names, |line| {
        let kept = line.is_empty() || FIELDS.iter().any(|field| line.starts_with(field));
        kept.then(|| line.to_owned())
    });
    kept.unwrap_or_default()
}
