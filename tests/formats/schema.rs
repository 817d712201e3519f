//! The JSON report against its own schema, SARIF against the official one.

use std::collections::BTreeSet;

use dind_doctor::render::json;
use dind_doctor_checks::{
    facts::TrialName, registry::REGISTRY, target::Target, version::Component,
};
use jsonschema::Validator;
use serde_json::{Map, Value};

use super::{Rendered, canonical, environments};

fn published() -> Value {
    serde_json::from_str(json::SCHEMA).unwrap()
}

/// The schema that refuses every field that it does not list.
fn closed(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(map) => {
            if map.contains_key("properties") && map.get("type") == Some(&"object".into()) {
                map.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            map.values_mut().for_each(|value| *value = closed(value.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = closed(item.take())),
        _ => {}
    }
    schema
}

fn strict() -> Validator {
    jsonschema::validator_for(&closed(published())).unwrap()
}

fn sarif() -> Validator {
    let schema = include_str!("../schemas/sarif-schema-2.1.0.json");
    let mut schema: Value = serde_json::from_str(schema).unwrap();
    // Its pattern has a bracket too many, which this reader takes for a mistake; reports have no language.
    for definition in ["run", "toolComponent"] {
        let pointer = format!("/definitions/{definition}/properties/language");
        let language = schema.pointer_mut(&pointer).unwrap();
        language.as_object_mut().unwrap().remove("pattern").unwrap();
    }
    jsonschema::validator_for(&schema).unwrap()
}

fn assert_valid(validator: &Validator, text: &str, name: &str) {
    let value = serde_json::from_str(text).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(&value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{name}: {errors:#?}");
}

#[test]
fn every_report_is_as_its_schema_says() {
    let (strict, sarif) = (strict(), sarif());
    let rendered = Rendered::of(&canonical::report());
    assert_valid(&strict, &rendered.json, "the canonical report");
    assert_valid(&sarif, &rendered.sarif, "the canonical report");
    environments::each(|name, report| {
        let rendered = Rendered::of(report);
        assert_valid(&strict, &rendered.json, name);
        assert_valid(&sarif, &rendered.sarif, name);
    });
}

#[test]
fn the_schema_is_one() {
    assert!(jsonschema::meta::is_valid(&published()));
    assert_eq!(published()["$schema"], "https://json-schema.org/draft/2020-12/schema");
}

/// Objects whose keys are data.
const MAPS: [&str; 3] = ["/versions", "/assumed", "/severity"];

/// Calls `change` with every object of `value`, and a pointer to it.
fn objects(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            if !MAPS.iter().any(|name| at.ends_with(name)) {
                found.push(at.to_owned());
            }
            map.iter().for_each(|(key, value)| objects(value, &format!("{at}/{key}"), found));
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(index, item)| objects(item, &format!("{at}/{index}"), found)),
        _ => {}
    }
}

/// What the first documents of this version have not; they are still documents of it.
const ADDED: [&str; 8] = [
    "checks/findings/remedies/steps",
    "checks/ignored_findings/finding/remedies/steps",
    "checks/remedies/steps",
    "checks/targets",
    "environment/docker",
    "environment/launchers",
    "/prescription",
    "prescription/steps",
];

#[test]
fn a_field_that_is_missing_or_misspelt_is_refused_and_one_that_is_added_is_not() {
    let open = jsonschema::validator_for(&published()).unwrap();
    let strict = strict();
    let report: Value = serde_json::from_str(&Rendered::of(&canonical::report()).json).unwrap();
    let mut pointers = Vec::new();
    objects(&report, "", &mut pointers);
    let changed = |pointer: &str, change: &dyn Fn(&mut Map<String, Value>)| {
        let mut report = report.clone();
        change(report.pointer_mut(pointer).unwrap().as_object_mut().unwrap());
        report
    };
    let mut shapes = BTreeSet::new();
    for pointer in &pointers {
        // One object of each shape is enough; the place in a list makes none.
        let shape: Vec<_> =
            pointer.split('/').filter(|s| !s.bytes().all(|b| b.is_ascii_digit())).collect();
        let shape = shape.join("/");
        if !shapes.insert(shape.clone()) {
            continue;
        }
        let added = changed(pointer, &|map| _ = map.insert("added".to_owned(), Value::Null));
        assert!(open.is_valid(&added), "{pointer}");
        assert!(!strict.is_valid(&added), "{pointer}");
        for key in report.pointer(pointer).unwrap().as_object().unwrap().keys() {
            let removed = changed(pointer, &|map| _ = map.remove(key));
            let later = ADDED.contains(&format!("{shape}/{key}").as_str());
            assert_eq!(open.is_valid(&removed), later, "{pointer}/{key} left out");
            if later {
                continue;
            }
            let renamed = changed(pointer, &|map| {
                let value = map.remove(key).unwrap();
                map.insert(format!("{key}s"), value);
            });
            assert!(!open.is_valid(&renamed), "{pointer}/{key} may be misspelt");
        }
    }
    assert!(shapes.len() > 15, "{shapes:?}");
}

#[test]
fn names_in_the_schema_are_those_of_the_program() {
    let schema = published();
    let names = |name: &str| -> Vec<String> {
        serde_json::from_value(schema["$defs"][name]["enum"].clone()).unwrap()
    };
    assert_eq!(names("target_name"), Target::ALL.map(Target::name));
    assert_eq!(names("component"), Component::ALL.map(Component::name));
    let areas: Vec<_> = REGISTRY.iter().map(|(area, _)| area.name()).collect();
    assert_eq!(names("area"), areas);
    let trials = &schema["$defs"]["trial"]["properties"]["name"]["enum"];
    let asked_for = TrialName::ALL.map(TrialName::name);
    let all: Vec<_> = [TrialName::Leftovers.name()]
        .into_iter()
        .chain(asked_for)
        .chain([TrialName::Rehearse.name()])
        .collect();
    assert_eq!(*trials, serde_json::json!(all));
}

#[test]
fn values_that_are_not_listed_are_refused() {
    let open = jsonschema::validator_for(&published()).unwrap();
    let report: Value = serde_json::from_str(&Rendered::of(&canonical::report()).json).unwrap();
    for pointer in [
        "/schema",
        "/source",
        "/environment/engine",
        "/environment/sandbox",
        "/environment/launcher",
        "/environment/pid1/role",
        "/environment/cgroup/version",
        "/targets/0/readiness",
        "/checks/0/id",
        "/checks/0/area",
        "/checks/0/status",
        "/checks/0/severity",
        "/checks/0/findings/0/severity/kind",
        "/checks/0/findings/0/remedies/0/where",
    ] {
        let mut report = report.clone();
        *report.pointer_mut(pointer).unwrap() = "No Such Value".into();
        assert!(!open.is_valid(&report), "{pointer}");
    }
}

#[test]
fn github_takes_every_result() {
    environments::each(|name, report| {
        let log: Value = serde_json::from_str(&Rendered::of(report).sarif).unwrap();
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        let mut prints = BTreeSet::new();
        for result in run["results"].as_array().unwrap() {
            let location = &result["locations"][0];
            let uri = &location["physicalLocation"]["artifactLocation"]["uri"];
            assert_eq!(uri, "README.md", "{name}");
            assert_eq!(location["physicalLocation"]["region"]["startLine"], 1, "{name}");
            let rule = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[rule]["id"], result["ruleId"], "{name}");
            let print = result["partialFingerprints"]["primaryLocationLineHash"].as_str().unwrap();
            assert!(prints.insert(print.to_owned()), "{name}: {print} twice");
        }
        for rule in rules {
            assert!(rule["help"]["markdown"].as_str().unwrap().contains("## How to fix"), "{name}");
        }
    });
}
