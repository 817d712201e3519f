//! The structural difference of two trees of facts.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{align, normal, path::Path, volatile};

/// A value that is not the same on both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Where.
    pub path: Path,
    /// The value on the left; `None` for an element that is not there.
    pub left: Option<Value>,
    /// The value on the right.
    pub right: Option<Value>,
    /// For an element that one side does not have: the key of the one before it on the other side.
    pub after: Option<String>,
    /// What kind of difference it is.
    pub kind: Kind,
}

/// What kind of difference it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The environments differ.
    Real,
    /// It always differs, for this reason.
    Volatile(&'static str),
    /// One side does not know it because of how it was recorded.
    Incomparable,
}

/// Texts that differ by ids and addresses alone.
const NAMES: &str = "ids and addresses";

/// All differences, in order of path, and how many values are the same.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Differences {
    /// The differences.
    pub(super) list: Vec<Difference>,
    /// Values that are the same.
    pub(super) same: usize,
}

/// Compares two trees.
pub(super) fn compare(left: &Value, right: &Value) -> Differences {
    let mut differences = Differences::default();
    differences.values(&Path::default(), left, right);
    differences
}

/// The reason of a fact that is missing: the form in which `Fact::Missing` serialises.
pub fn missing(value: &Value) -> Option<&str> {
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    fields.get("missing")?.get("why")?.as_str()
}

impl Differences {
    fn values(&mut self, path: &Path, left: &Value, right: &Value) {
        match (left, right) {
            _ if missing(left).is_some() || missing(right).is_some() => {
                self.leaf(path, left, right);
            }
            (Value::Object(l), Value::Object(r)) => self.objects(path, l, r),
            (Value::Array(l), Value::Array(r)) => {
                let pattern = path.pattern();
                match (align::keys(&pattern, l), align::keys(&pattern, r)) {
                    (Some(keys_l), Some(keys_r)) => self.lists(path, (l, &keys_l), (r, &keys_r)),
                    _ => self.leaf(path, left, right),
                }
            }
            _ => self.leaf(path, left, right),
        }
    }

    fn objects(&mut self, path: &Path, left: &Map<String, Value>, right: &Map<String, Value>) {
        let names: BTreeSet<_> = left.keys().chain(right.keys()).collect();
        for name in names {
            let below = path.field(name);
            match (left.get(name), right.get(name)) {
                (Some(l), Some(r)) => self.values(&below, l, r),
                (l, r) => self.one_sided(below, l, r, None),
            }
        }
    }

    fn lists(
        &mut self,
        path: &Path,
        (left, keys_left): (&[Value], &[String]),
        (right, keys_right): (&[Value], &[String]),
    ) {
        for (at, (key, value)) in keys_left.iter().zip(left).enumerate() {
            let below = path.element(key);
            match keys_right.iter().position(|k| k == key) {
                Some(other) => self.values(&below, value, &right[other]),
                None => self.one_sided(below, Some(value), None, before(keys_left, at)),
            }
        }
        for (at, (key, value)) in keys_right.iter().zip(right).enumerate() {
            if !keys_left.contains(key) {
                self.one_sided(path.element(key), None, Some(value), before(keys_right, at));
            }
        }
    }

    fn one_sided(
        &mut self,
        path: Path,
        left: Option<&Value>,
        right: Option<&Value>,
        after: Option<String>,
    ) {
        let kind =
            volatile::reason(&path.pattern(), left, right).map_or(Kind::Real, Kind::Volatile);
        let (left, right) = (left.cloned(), right.cloned());
        self.list.push(Difference { path, left, right, after, kind });
    }

    fn leaf(&mut self, path: &Path, left: &Value, right: &Value) {
        let Some(kind) = kind(path, left, right) else {
            self.same += 1;
            return;
        };
        let (left, right) = (Some(left.clone()), Some(right.clone()));
        self.list.push(Difference { path: path.clone(), left, right, after: None, kind });
    }
}

/// How two values differ; `None` if they say the same.
fn kind(path: &Path, left: &Value, right: &Value) -> Option<Kind> {
    let pattern = path.pattern();
    let set = |value: &Value| match value {
        Value::Array(items) if !align::ORDERED.contains(&pattern.as_str()) => {
            let mut items = items.clone();
            items.sort_by_cached_key(Value::to_string);
            Value::Array(items)
        }
        other => other.clone(),
    };
    let reasons = (missing(left), missing(right));
    if set(left) == set(right) || reasons.0.is_some() && reasons.0 == reasons.1 {
        return None;
    }
    let recorded = |why: Option<&str>| !matches!(why, Some("redacted" | "not-recorded"));
    Some(if !recorded(reasons.0) || !recorded(reasons.1) {
        Kind::Incomparable
    } else if let Some(reason) = volatile::reason(&pattern, Some(left), Some(right)) {
        Kind::Volatile(reason)
    } else if set(&normal::value(left)) == set(&normal::value(right)) {
        Kind::Volatile(NAMES)
    } else {
        Kind::Real
    })
}

fn before(keys: &[String], at: usize) -> Option<String> {
    keys.get(at.checked_sub(1)?).cloned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(left: &Value, right: &Value) -> Vec<String> {
        let list = compare(left, right).list;
        let real = list.into_iter().filter(|d| d.kind == Kind::Real);
        real.map(|d| d.path.to_string()).collect()
    }

    #[test]
    fn one_more_mount_is_one_difference_and_order_is_none() {
        let mount = |at: &str, option: &str| json!({"mount_point": at, "options": [option, "z"]});
        let table = |rows: &[Value]| json!({"mounts": {"rows": rows}});
        let one = table(&[mount("/a", "rw"), mount("/b", "rw")]);
        assert_eq!(told(&one, &table(&[mount("/b", "rw"), mount("/a", "rw")])), [""; 0]);
        let more = table(&[mount("/c", "rw"), mount("/a", "rw"), mount("/b", "rw")]);
        assert_eq!(told(&one, &more), ["mounts.rows[/c]"]);
        assert_eq!(told(&more, &one), ["mounts.rows[/c]"]);
        let other = table(&[mount("/a", "ro"), mount("/b", "rw")]);
        assert_eq!(told(&one, &other), ["mounts.rows[/a].options"]);
    }

    #[test]
    fn what_was_not_recorded_is_no_difference_and_what_is_refused_is() {
        let missing =
            |why: &str| json!({"kernel": {"bpf": {"missing": {"source": "x", "why": why}}}});
        let known = json!({"kernel": {"bpf": true}});
        assert_eq!(compare(&known, &missing("redacted")).list[0].kind, Kind::Incomparable);
        assert_eq!(told(&known, &missing("not-permitted")), ["kernel.bpf"]);
        assert_eq!(compare(&missing("not-found"), &missing("not-found")).list, []);
    }
}
