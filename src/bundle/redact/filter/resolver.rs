//! Names of hosts.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Pseudonyms, lines};

/// Domain of every cluster.
const CLUSTER: &str = "cluster.local";

/// A host name in a file of its own.
pub(in super::super) fn host_name(bytes: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let line_feed = if text.ends_with('\n') { "\n" } else { "" };
    Some((own_name(text.trim(), names) + line_feed).into_bytes())
}

/// The name of this machine; a container is called after its id.
pub(in super::super) fn own_name(name: &str, names: &Pseudonyms) -> String {
    let id = name.len() == 12 && name.bytes().all(|b| b.is_ascii_hexdigit());
    if id { names.id(name) } else { names.host(name) }
}

/// `resolv.conf(5)`: servers, search domains and options, without comments.
pub(in super::super) fn resolver(bytes: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    lines(bytes, names, |line| {
        let mut words = line.split_whitespace();
        let key = words.next()?;
        let image = |word: &str| match key {
            "nameserver" => names.text(word),
            "search" | "domain" => domain(word, names),
            _ => word.to_owned(),
        };
        if !matches!(key, "nameserver" | "search" | "domain" | "options") {
            return None;
        }
        // An option is a word and a number: `ndots:5`.
        let option =
            |word: &str| word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-:".contains(&b));
        let server = |word: &str| {
            word.split('%').next().is_some_and(|address| address.parse::<IpAddr>().is_ok())
        };
        let words = words.filter(|word| match key {
            "options" => option(word),
            "nameserver" => server(word),
            _ => true,
        });
        let words: Vec<String> = words.map(image).collect();
        Some(format!("{key} {}", words.join(" ")).trim_end().to_owned())
    })
}

/// A domain; of those in a cluster, what they have in common stays.
fn domain(name: &str, names: &Pseudonyms) -> String {
    let inner = |suffix: &str| name.strip_suffix(suffix)?.strip_suffix('.').map(str::to_owned);
    for suffix in ["svc.cluster.local", CLUSTER] {
        if name == suffix {
            return name.to_owned();
        }
        if let Some(inner) = inner(suffix) {
            return format!("{}.{suffix}", names.host(&inner));
        }
    }
    if name == "." { name.to_owned() } else { names.host(name) }
}

/// Where an engine or a proxy listens: a URL, a path, or a host.
pub(in super::super) fn endpoint(value: &str, names: &Pseudonyms) -> String {
    if value.contains("://") || value.starts_with('/') {
        // A password may hold what ends a word elsewhere.
        return match value.split_once("://") {
            Some((scheme, rest)) if !matches!(scheme, "unix" | "npipe" | "fd") => {
                let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
                names.text(&format!("{scheme}://{}", names.authority(host)))
            }
            _ => names.text(value),
        };
    }
    let host = value.rsplit_once('@').map_or(value, |(_, host)| host);
    if host.parse::<IpAddr>().is_ok() {
        return names.text(host);
    }
    names.text(&names.authority(host))
}

/// A list of hosts, domains and networks, as in `NO_PROXY`.
pub(in super::super) fn hosts(value: &str, names: &Pseudonyms) -> String {
    let one = |item: &str| {
        let name = item.trim();
        let bare = name.trim_start_matches(['*', '.']);
        let start = &name[..name.len() - bare.len()];
        if bare.parse::<IpAddr>().is_ok() || bare.parse::<IpNet>().is_ok() {
            return names.text(name);
        }
        if bare.is_empty() {
            name.to_owned()
        } else {
            start.to_owned() + &endpoint(&domain(bare, names), names)
        }
    };
    value.split(',').map(one).collect::<Vec<_>>().join(",")
}
