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

/// `nsswitch.conf(5)`: where accounts and subordinate ids come from.
pub(in super::super) fn subordinate_id_source(bytes: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    let told = ["passwd:", "subid:"];
    lines(bytes, names, |line| {
        told.iter().any(|name| line.starts_with(name)).then(|| line.to_owned())
    })
}

/// Of an init script, the limits that it sets.
pub(in super::super) fn ulimits(bytes: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    lines(bytes, names, |line| {
        let line = line.trim();
        let rest = line.strip_prefix("ulimit -")?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b' ';
        rest.bytes().all(plain).then(|| line.to_owned())
    })
}

/// `sysctl.d(5)`: whether addresses are forwarded.
pub(in super::super) fn forwarding(bytes: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    lines(bytes, names, |line| {
        let (name, value) = line.trim().trim_start_matches('-').split_once('=')?;
        let name = name.trim().replace('/', ".");
        let (known, value) =
            (["net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding"], value.trim());
        (known.contains(&name.as_str()) && matches!(value, "0" | "1"))
            .then(|| format!("{name} = {value}"))
    })
}

/// `login.defs(5)`: whether newuidmap takes processes of other groups.
pub(in super::super) fn login_defs(bytes: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    lines(bytes, names, |line| {
        let value = line.trim().strip_prefix("GRANT_AUX_GROUP_SUBIDS")?.trim();
        matches!(value, "yes" | "no").then(|| format!("GRANT_AUX_GROUP_SUBIDS {value}"))
    })
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
