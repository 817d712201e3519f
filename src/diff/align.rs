//! Lists as sets: what tells the elements of a list apart, so that order does not matter and one more
//! mount is one difference.

use std::collections::BTreeMap;

use serde_json::Value;

use super::normal;

/// Lists by pattern, with the fields that name an element. A list of objects that is not here is compared
/// as a whole.
pub(super) const KEYS: &[(&str, &[&str])] = &[
    ("cgroup.controllers", &["name"]),
    ("cgroup.kubelet_roots", &["path"]),
    ("cgroup.memberships", &["hierarchy"]),
    ("cgroup.mounts", &["mount_point"]),
    ("cgroup.pid1_memberships", &["hierarchy"]),
    ("cgroup.pod_trees.trees", &["hierarchy", "path"]),
    ("clients.certificates", &["path"]),
    ("clients.sockets", &["path"]),
    ("engines.running", &["name"]),
    ("kernel.kubelet_settings", &["name"]),
    ("leftovers.pid_files", &["owner", "path"]),
    ("mounts.rows", &["mount_point"]),
    ("netfilter.extensions", &["name"]),
    ("netfilter.legacy_tables", &["family", "name"]),
    ("netfilter.nft_tables", &["family", "name"]),
    ("netfilter.nft_tables[].forward_drop", &["name"]),
    ("network.addresses", &["link", "address"]),
    ("network.links", &["name"]),
    ("network.routes", &["link", "destination", "table"]),
    ("proxies.daemons", &["name"]),
    ("resources.cgroup.cpu", &["path"]),
    ("resources.cgroup.memory", &["path"]),
    ("resources.cgroup.pids", &["path"]),
    ("resources.cgroup.tree", &["path"]),
    ("resources.inotify.in_use.users", &["uid"]),
    ("resources.key_users", &["uid"]),
    ("resources.podman_ulimits", &["name"]),
    ("resources.swaps", &["name"]),
    // Pairs: the first of each is the variable's name.
    ("runtime.variables", &["0"]),
    ("security.devices", &["device"]),
    ("storage.data_roots", &["owner"]),
    ("storage.source_devices", &["path"]),
];

/// Lists whose order says something.
pub(super) const ORDERED: &[&str] = &[
    "engines.running[].arguments",
    "pid1.arguments",
    "resolver.resolv_conf.search",
    "top.arguments",
];

/// The key of each element, if the list at `pattern` has keys: normal forms, the second of equal ones with
/// `#2`.
pub(super) fn keys(pattern: &str, items: &[Value]) -> Option<Vec<String>> {
    let (_, fields) = KEYS.iter().find(|(list, _)| *list == pattern)?;
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let numbered = items.iter().map(|item| {
        let parts: Vec<_> = fields.iter().map(|field| part(item, field)).collect();
        let key = parts.join(" ");
        let count = seen.entry(key.clone()).or_default();
        *count += 1;
        if *count == 1 { key } else { format!("{key}#{count}") }
    });
    Some(numbered.collect())
}

fn part(item: &Value, field: &str) -> String {
    let value = match item {
        Value::Array(items) => field.parse().ok().and_then(|at: usize| items.get(at)),
        other => other.get(field),
    };
    match value {
        Some(Value::String(text)) => normal::text(text),
        // Bytes that are not UTF-8.
        Some(Value::Object(text)) => {
            text.get("text").and_then(Value::as_str).map(normal::text).unwrap_or_default()
        }
        Some(value) => value.to_string(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn elements_are_told_apart_by_what_names_them() {
        let mounts = json!([{"mount_point": "/a"}, {"mount_point": "/b"}, {"mount_point": "/a"}]);
        let mounts = mounts.as_array().unwrap();
        assert_eq!(keys("mounts.rows", mounts).unwrap(), ["/a", "/b", "/a#2"]);
        let variables = json!([["DOCKER_HOST", "x"]]);
        assert_eq!(
            keys("runtime.variables", variables.as_array().unwrap()).unwrap(),
            ["DOCKER_HOST"]
        );
        assert_eq!(keys("identity.groups", &[]), None);
    }
}
