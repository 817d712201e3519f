//! Values out of client configuration: endpoints, and the names by which clients choose among them.

use serde_json::Value;

use super::{Pseudonyms, endpoint};

/// Names that engines give themselves.
const WELL_KNOWN: [&str; 5] = ["default", "desktop-linux", "rootless", "docker", "kind-kind"];

/// The values, with hosts and chosen names under pseudonyms; nothing if it is no JSON.
pub(in super::super) fn values(bytes: &[u8], names: &Pseudonyms) -> Vec<u8> {
    let Ok(mut tree) = serde_json::from_slice(bytes) else { return Vec::new() };
    replace(&mut tree, names);
    tree.to_string().into_bytes()
}

fn replace(tree: &mut Value, names: &Pseudonyms) {
    match tree {
        Value::String(text) if text.contains("://") => *text = endpoint(text, names),
        Value::String(text) if text.starts_with('/') => *text = names.text(text),
        Value::String(text) if text.is_empty() || WELL_KNOWN.contains(&text.as_str()) => {}
        Value::String(text) => *text = names.user(text),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, names)),
        Value::Object(entries) => entries.values_mut().for_each(|value| replace(value, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
