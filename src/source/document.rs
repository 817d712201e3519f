//! The values of a JSON or YAML document that are asked for, without those that are not.

use std::time::Instant;

use serde_json::{Map, Value};

use super::{Refusal, live::file};

/// Bytes that a client's configuration may have.
const LIMIT: u32 = 1024 * 1024;

/// Levels that are followed; what is asked for lies higher.
const DEPTH: usize = 16;

/// Levels of brackets that YAML may have. Its parser takes time with the square of them (16,000 took a second), and
/// reads no more in the end.
const NESTED: usize = 128;

/// The values at `keys` of a file, as JSON.
pub(super) fn read(path: &str, keys: &[String], deadline: Instant) -> Result<Vec<u8>, Refusal> {
    values(&file::read(path, LIMIT, deadline)?, keys)
}

/// The values at `keys`, as JSON. Arrays keep their length, so that elements stay what they are.
pub(super) fn values(content: &[u8], keys: &[String]) -> Result<Vec<u8>, Refusal> {
    let document = parse(content)?;
    let mut out = Value::Null;
    for key in keys {
        let path: Vec<&str> = key.split('/').take(DEPTH).collect();
        take(&document, &path, &mut out);
    }
    serde_json::to_vec(&out).map_err(|_| Refusal::Malformed)
}

/// JSON first, since YAML forbids the tabs by which Docker indents it; its parser goes 128 levels deep. An empty file
/// says nothing. Aliases of YAML are followed as long as its parser thinks that they do no harm.
fn parse(content: &[u8]) -> Result<Value, Refusal> {
    if content.trim_ascii().is_empty() {
        return Ok(Value::Null);
    }
    if let Ok(document) = serde_json::from_slice(content) {
        return Ok(document);
    }
    if nesting(content) > NESTED {
        return Err(Refusal::TooLarge);
    }
    yaml_serde::from_slice(content).map_err(|_| Refusal::Malformed)
}

/// How deep brackets can be nested at most in this YAML. What is a string, and so nests nothing, only a parser knows: a
/// closing bracket counts where its opening one stands before it in the same line, and nothing there is quoted or a
/// comment; anywhere else it could be within a string, and the opening one outside.
fn nesting(content: &[u8]) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    for line in content.split(|byte| *byte == b'\n') {
        let is_plain = !line.iter().any(|byte| matches!(byte, b'"' | b'\'' | b'#'));
        let before = open;
        for byte in line {
            match byte {
                b'[' | b'{' => open += 1,
                b']' | b'}' if is_plain && open > before => open -= 1,
                _ => {}
            }
            deepest = deepest.max(open);
        }
    }
    deepest
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
    fn what_is_nested_deep_is_refused_at_once() {
        let deep =
            |open: &str, levels: usize| values(open.repeat(levels).as_bytes(), &["a".to_owned()]);
        for levels in [16_000, 100_000] {
            for open in ["{\"a\":", "[", "{a: ", "[ # ]\n", "[ ']',\n", "[ \"\n]\n\",\n"] {
                assert_eq!(deep(open, levels), Err(Refusal::TooLarge), "{levels} of {open}");
            }
            let closed = "[".repeat(levels) + &"]".repeat(levels);
            assert_eq!(values(closed.as_bytes(), &[]), Err(Refusal::TooLarge));
            // Whatever these are, they end.
            for open in ["- ", "? ", "a: &a\n", "[]\n"] {
                let _ = deep(open, levels);
            }
        }
        // What is not nested is none of it.
        let flat = format!("x:\n{}a: b\n", "- {k: [v]}\n".repeat(2000));
        assert_eq!(project(&flat, &["a"]).unwrap(), r#"{"a":"b"}"#);
    }

    #[test]
    fn aliases_do_not_multiply() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..40 {
            let below = format!("*a{}, ", level - 1).repeat(8);
            bomb.extend([format!("a{level}: &a{level} [{below}]\n")]);
        }
        assert_eq!(project(&bomb, &["a0"]), Err(Refusal::Malformed));
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
