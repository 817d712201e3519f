//! Options of dockerd, joined, and daemon.json with them.

use dind_doctor_checks::remedy::DaemonOption;
use serde_json::{Map, Value};

use super::{Lost, Traced};

/// Adds an option: lists are joined, and of two values of one key the first stays.
pub(super) fn add(
    all: &mut Vec<Traced<DaemonOption>>,
    new: Traced<DaemonOption>,
    lost: &mut Vec<Lost>,
) {
    let Some(old) = all.iter_mut().find(|old| old.value.keys == new.value.keys) else {
        return all.push(new);
    };
    if old.value.value == new.value.value {
        return old.also(&new.why);
    }
    if let (Value::Array(list), Value::Array(more)) = (&mut old.value.value, &new.value.value) {
        for item in more {
            if !list.contains(item) {
                list.push(item.clone());
            }
        }
        return old.also(&new.why);
    }
    let because = format!("{} asks for {}", old.why.join(", "), old.value.argument);
    lost.push(Lost { what: new.value.argument, why: new.why, because });
}

/// The option as a tree of daemon.json.
pub(super) fn tree(option: &DaemonOption) -> Value {
    option.keys.iter().rev().fold(option.value.clone(), |tree, key| {
        Value::Object(Map::from_iter([((*key).to_owned(), tree)]))
    })
}

/// Puts `tree` into `into`: objects key by key, everything else in place of what is there.
pub(super) fn merge(into: &mut Value, tree: &Value) {
    match (into, tree) {
        (Value::Object(into), Value::Object(tree)) => {
            for (key, value) in tree {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, tree) => *into = tree.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_are_joined_and_one_key_has_one_value() {
        let (mut all, mut lost) = (Vec::new(), Vec::new());
        for (option, id) in [
            (DaemonOption::dns("10.0.0.1"), "a"),
            (DaemonOption::mtu(1400), "a"),
            (DaemonOption::dns("10.0.0.2"), "b"),
            (DaemonOption::mtu(1300), "b"),
        ] {
            add(&mut all, Traced::new(option, id), &mut lost);
        }
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].value.value, json!(["10.0.0.1", "10.0.0.2"]));
        assert_eq!(lost[0].what, "--mtu=1300");
        assert_eq!(lost[0].because, "a asks for --mtu=1400");
    }

    #[test]
    fn merging_twice_is_merging_once_and_keeps_what_is_there() {
        let tree = tree(&DaemonOption::user_network_mtu(1400));
        let mut file = json!({"mtu": 1500, "default-network-opts": {"overlay": {"a": "b"}}});
        merge(&mut file, &tree);
        let once = file.clone();
        merge(&mut file, &tree);
        assert_eq!(file, once);
        assert_eq!(file["mtu"], 1500);
        assert_eq!(file["default-network-opts"]["overlay"]["a"], "b");
    }
}
