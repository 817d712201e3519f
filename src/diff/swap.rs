//! Facts of one side with some of the other side's: what would be if these alone were different.

use serde_json::Value;

use super::{
    align,
    path::{Path, Step, pattern},
    tree::Difference,
};

/// One of the two that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// The first argument.
    Left,
    /// The second argument.
    Right,
}

impl Position {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}

impl Difference {
    /// Its value on one side.
    pub const fn on(&self, position: Position) -> Option<&Value> {
        match position {
            Position::Left => self.left.as_ref(),
            Position::Right => self.right.as_ref(),
        }
    }
}

/// Gives `facts`, which are those of `position`, the values that the other side has of `differences`.
///
/// What goes, goes first and from behind, so that the numbers of equal keys stay true.
pub(super) fn swap<'a>(
    facts: &mut Value,
    position: Position,
    differences: impl DoubleEndedIterator<Item = &'a Difference> + Clone,
) {
    let theirs = |d: &&Difference| d.on(position.other()).is_some();
    let ours = |d: &&Difference| d.on(position).is_some();
    for difference in differences.clone().rev().filter(|d| !theirs(d)) {
        remove(facts, &difference.path);
    }
    for difference in differences.clone().filter(|d| theirs(d) && ours(d)) {
        if let (Some(value), Some(theirs)) =
            (find(facts, difference.path.steps()), difference.on(position.other()))
        {
            *value = theirs.clone();
        }
    }
    for difference in differences.filter(|d| !ours(d)) {
        if let Some(value) = difference.on(position.other()) {
            insert(facts, difference, value.clone());
        }
    }
}

/// The value below `facts` after these steps.
fn find<'a>(facts: &'a mut Value, steps: &[Step]) -> Option<&'a mut Value> {
    let mut value = facts;
    for (at, step) in steps.iter().enumerate() {
        value = match step {
            Step::Field(name) => value.get_mut(name.as_str())?,
            Step::Element(key) => {
                let index = index(value, &steps[..at], key)?;
                value.get_mut(index)?
            }
        };
    }
    Some(value)
}

/// Where the element with this key is in a list.
fn index(list: &Value, steps: &[Step], key: &str) -> Option<usize> {
    let keys = align::keys(&pattern(steps), list.as_array()?)?;
    keys.iter().position(|k| k == key)
}

fn remove(facts: &mut Value, path: &Path) {
    let Some((last, above)) = path.steps().split_last() else { return };
    let Some(parent) = find(facts, above) else { return };
    match last {
        Step::Field(name) => {
            parent.as_object_mut().and_then(|fields| fields.remove(name));
        }
        Step::Element(key) => {
            let found = index(parent, above, key);
            if let (Some(at), Some(items)) = (found, parent.as_array_mut()) {
                items.remove(at);
            }
        }
    }
}

fn insert(facts: &mut Value, difference: &Difference, value: Value) {
    let Some((last, above)) = difference.path.steps().split_last() else { return };
    let Some(parent) = find(facts, above) else { return };
    match last {
        Step::Field(name) => {
            if let Some(fields) = parent.as_object_mut() {
                fields.insert(name.clone(), value);
            }
        }
        Step::Element(_) => {
            // A later mount covers an earlier one: the place matters.
            let before = difference.after.as_deref().map(|key| index(parent, above, key));
            if let Some(items) = parent.as_array_mut() {
                let at = match before {
                    None => 0,
                    Some(found) => found.map_or(items.len(), |at| at + 1),
                };
                items.insert(at, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::diff::tree::compare;

    #[test]
    fn with_all_of_the_other_sides_facts_it_is_the_other_side() {
        let mount = |at: &str, option: &str| json!({"mount_point": at, "options": [option]});
        let left = json!({"mounts": {"rows": [mount("/a", "rw"), mount("/b", "rw"), mount("/a", "x")]},
            "kernel": {"bpf": true}});
        let right = json!({"mounts": {"rows": [mount("/c", "rw"), mount("/b", "ro"), mount("/d", "rw")]},
            "kernel": {"bpf": {"missing": {"source": "x", "why": "not-found"}}}});
        let differences = compare(&left, &right).list;
        for (position, from, to) in
            [(Position::Left, &left, &right), (Position::Right, &right, &left)]
        {
            let mut facts = from.clone();
            swap(&mut facts, position, differences.iter());
            assert_eq!(&facts, to);
        }
    }
}
