//! The part of JSON Schema in which the report's own schema is written. That it is right is for
//! `tests/formats` to show, with a whole validator; this one is small enough to be compiled and run often.

use std::sync::LazyLock;

use dind_doctor::render::json;
use serde_json::{Map, Value};

static SCHEMA: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(json::SCHEMA).unwrap());

/// Where and how a report is not as the schema says.
pub(super) fn fault(report: &Value) -> Option<String> {
    check(&SCHEMA, report, "")
}

fn check(schema: &Value, value: &Value, at: &str) -> Option<String> {
    let Value::Object(rules) = schema else { return None };
    rules.iter().find_map(|(rule, wanted)| {
        let fails = |so: bool| so.then(|| format!("{at}: {rule}: {value}"));
        match (rule.as_str(), wanted, value) {
            ("$ref", Value::String(name), _) => {
                check(SCHEMA.pointer(&name[1..]).unwrap(), value, at)
            }
            ("type", Value::Array(types), _) => fails(!types.iter().any(|t| is(value, t))),
            ("type", _, _) => fails(!is(value, wanted)),
            ("enum", Value::Array(values), _) => fails(!values.contains(value)),
            ("const", _, _) => fails(wanted != value),
            ("minimum", _, Value::Number(number)) => fails(number.as_f64() < wanted.as_f64()),
            ("minItems", _, Value::Array(items)) => {
                fails(wanted.as_u64() > u64::try_from(items.len()).ok())
            }
            ("anyOf", Value::Array(schemas), _) => {
                fails(schemas.iter().all(|schema| check(schema, value, at).is_some()))
            }
            ("items", _, Value::Array(items)) => items
                .iter()
                .enumerate()
                .find_map(|(n, item)| check(wanted, item, &format!("{at}/{n}"))),
            ("required", Value::Array(names), Value::Object(map)) => {
                let missing =
                    |name: &&Value| !name.as_str().is_some_and(|name| map.contains_key(name));
                names.iter().find(missing).map(|name| format!("{at}: without {name}"))
            }
            ("properties", Value::Object(known), Value::Object(map)) => members(known, map, at),
            ("propertyNames", _, Value::Object(map)) => {
                map.keys().find_map(|key| check(wanted, &Value::String(key.clone()), at))
            }
            ("additionalProperties", _, Value::Object(map))
                if !rules.contains_key("properties") =>
            {
                map.iter().find_map(|(key, value)| check(wanted, value, &format!("{at}/{key}")))
            }
            _ => None,
        }
    })
}

fn members(known: &Map<String, Value>, map: &Map<String, Value>, at: &str) -> Option<String> {
    known.iter().find_map(|(name, schema)| check(schema, map.get(name)?, &format!("{at}/{name}")))
}

fn is(value: &Value, kind: &Value) -> bool {
    match kind.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no such type: {other}"),
    }
}
