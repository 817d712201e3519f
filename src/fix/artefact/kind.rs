//! Configuration of kind, and of podman's containers.

use serde_json::{Value, json};

use super::{Artefact, yaml};
use crate::fix::{Given, Lost, Risk, Traced, whys};

/// kind's configuration of a cluster with all that is asked for.
pub(super) fn of(all: &[Traced<Value>], lost: &mut Vec<Lost>) -> Option<Artefact> {
    if all.is_empty() {
        return None;
    }
    let mut tree = json!({"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4"});
    for part in all {
        join(&mut tree, part, "", lost);
    }
    let what = "for kind create cluster --config kind.yaml";
    Some(Artefact { why: whys(all), ..Artefact::shown("kind.yaml", what, yaml(&tree)) })
}

/// containers.conf of podman, of which podman reads the user's beside the others.
pub(super) fn containers_conf(
    all: &[Traced<Value>],
    lost: &mut Vec<Lost>,
    given: &Given<'_>,
) -> Option<Artefact> {
    if all.is_empty() {
        return None;
    }
    let mut tree = json!({});
    for part in all {
        join(&mut tree, part, "", lost);
    }
    let what = format!("for {}, beside what that holds", given.facts.containers_conf());
    let content = toml::to_string_pretty(&tree).unwrap_or_default();
    let artefact = Artefact::shown("containers.conf", what, content);
    Some(Artefact { why: whys(all), risk: Risk::Safe, ..artefact })
}

/// Joins objects key by key and lists item by item; of two values the first stays.
fn join(into: &mut Value, part: &Traced<Value>, path: &str, lost: &mut Vec<Lost>) {
    let why = &part.why;
    match (into, &part.value) {
        (Value::Object(into), Value::Object(more)) => {
            for (key, value) in more {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                match into.get_mut(key) {
                    Some(old) => {
                        let value = Traced { value: value.clone(), why: why.clone() };
                        join(old, &value, &path, lost);
                    }
                    None => {
                        into.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        (Value::Array(into), Value::Array(more)) => {
            for item in more.iter().filter(|item| !into.contains(item)).cloned().collect::<Vec<_>>()
            {
                into.push(item);
            }
        }
        (old, new) if old == new => {}
        (old, new) => lost.push(Lost {
            what: format!("{path}: {new}"),
            why: why.clone(),
            because: format!("another finding asks for {old}"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_are_joined_and_of_two_addresses_the_first_stays() {
        let part = |tree, id| Traced { value: tree, why: vec![id] };
        let mut lost = Vec::new();
        let all = [
            part(json!({"kubeadmConfigPatches": ["a"], "networking": {"podSubnet": "1"}}), "x"),
            part(
                json!({"kubeadmConfigPatches": ["a", "b"], "networking": {"ipFamily": "ipv4"}}),
                "y",
            ),
            part(json!({"networking": {"podSubnet": "2"}}), "z"),
        ];
        let artefact = of(&all, &mut lost).unwrap();
        let tree: Value = yaml_serde::from_str(&artefact.content).unwrap();
        assert_eq!(tree["kubeadmConfigPatches"], json!(["a", "b"]));
        assert_eq!(tree["networking"], json!({"podSubnet": "1", "ipFamily": "ipv4"}));
        assert_eq!(lost[0].what, "networking.podSubnet: \"2\"");
        assert_eq!(artefact.why, ["x", "y", "z"]);
    }
}
