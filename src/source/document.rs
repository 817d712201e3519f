//! The values of a JSON or YAML document that are asked for, without those that are not.

use serde_json::{Map, Value};

use super::Refusal;

/// Bytes that a client's configuration may have.
pub(super) const LIMIT: u32 = 1024 * 1024;

/// Levels that are followed; what is asked for lies higher.
const DEPTH: usize = 16;

/// The values at `keys`, as JSON. Arrays keep their length, so that elements stay what they are.
pub(super) fn values(content: &[u8], keys: &[String]) -> Result<Vec<u8>, Refusal> {
    let document = parse(content).ok_or(Refusal::Malformed)?;
    let mut out = Value::Null;
    for key in keys {
        let path: Vec<&str> = key.split('/').take(DEPTH).collect();
        take(&document, &path, &mut out);
    }
    serde_json::to_vec(&out).map_err(|_| Refusal::Malformed)
}

/// JSON first, since YAML forbids the tabs by which Docker indents it. An empty file says nothing.
fn parse(content: &[u8]) -> Option<Value> {
    if content.trim_ascii().is_empty() {
        return Some(Value::Null);
    }
    serde_json::from_slice(content).ok().or_else(|| yaml_serde::from_slice(content).ok())
}

fn take(from: &Value, path: &[&str], into: &mut Value) {
    match (path, from) {
        ([], Value::Object(_) | Value::Array(_)) => {}
        ([], scalar) => *into = scalar.clone(),
        (["*", rest @ ..], Value::Array(elements)) => {
            if !into.is_array() {
                *into = Value::Array(vec![Value::Null; elements.len()]);
            }
            for (element, place) in elements.iter().zip(into.as_array_mut().into_iter().flatten()) {
                take(element, rest, place);
            }
        }
        ([key, rest @ ..], Value::Object(map)) => {
            let Some(value) = map.get(*key) else { return };
            if !into.is_object() {
                *into = Value::Object(Map::new());
            }
            let Some(object) = into.as_object_mut() else { return };
            take(value, rest, object.entry((*key).to_owned()).or_insert(Value::Null));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(content: &str, keys: &[&str]) -> Result<String, Refusal> {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        values(content.as_bytes(), &keys).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn credentials_stay_behind() {
        let config =
            "{\n\t\"auths\": {\"r\": {\"auth\": \"c2VjcmV0\"}},\n\t\"currentContext\": \"x\"\n}";
        assert_eq!(project(config, &["currentContext"]).unwrap(), r#"{"currentContext":"x"}"#);
        // A place that holds a tree gives nothing of it.
        assert_eq!(project(config, &["auths"]).unwrap(), r#"{"auths":null}"#);
    }

    #[test]
    fn elements_of_arrays_stay_together() {
        let config = "clusters:\n- name: a\n  cluster: {server: s, token: t}\n- name: b\n";
        assert_eq!(
            project(config, &["clusters/*/name", "clusters/*/cluster/server"]).unwrap(),
            r#"{"clusters":[{"cluster":{"server":"s"},"name":"a"},{"name":"b"}]}"#
        );
    }

    #[test]
    fn what_is_no_document_is_malformed() {
        assert_eq!(project("a: [", &["a"]), Err(Refusal::Malformed));
        assert_eq!(project("", &["a"]).unwrap(), "null");
    }

    #[test]
    fn no_bytes_make_it_panic() {
        arbtest::arbtest(|u| {
            let bytes: Vec<u8> = u.arbitrary()?;
            let _ = values(&bytes, &["a/*/b".to_owned()]);
            Ok(())
        });
    }
}
