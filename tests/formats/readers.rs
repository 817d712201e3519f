//! Small readers of the formats, strict about what the doctor writes.

use std::collections::BTreeMap;

use serde_json::Value;

/// Ids in order, each with whether it counts as failed.
pub(crate) type Cases = Vec<(String, bool)>;

/// JUnit, through an XML parser.
pub(crate) fn junit(text: &str) -> Cases {
    let document = roxmltree::Document::parse(text).unwrap_or_else(|e| panic!("{e}: {text}"));
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "testsuites");
    let suite = root.first_element_child().unwrap();
    let cases: Vec<_> = suite.children().filter(|node| node.has_tag_name("testcase")).collect();
    let count = |name: &str| document.descendants().filter(|n| n.has_tag_name(name)).count();
    for (attribute, expected) in [
        ("tests", cases.len()),
        ("failures", count("failure")),
        ("errors", count("error")),
        ("skipped", count("skipped")),
    ] {
        assert_eq!(suite.attribute(attribute), Some(expected.to_string().as_str()), "{attribute}");
    }
    let case = |case: &roxmltree::Node<'_, '_>| {
        assert!(case.attribute("classname").is_some());
        let results: Vec<_> = case.children().filter(roxmltree::Node::is_element).collect();
        assert!(results.len() <= 1, "one result at most: {case:?}");
        let failed = results.iter().any(|n| matches!(n.tag_name().name(), "failure" | "error"));
        (case.attribute("name").unwrap().to_owned(), failed)
    };
    cases.iter().map(case).collect()
}

/// TAP 13 and 14: version, plan, test points with YAML blocks, comments.
pub(crate) fn tap(text: &str) -> Cases {
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("TAP version 13"));
    let plan: usize = lines.next().unwrap().strip_prefix("1..").unwrap().parse().unwrap();
    let mut cases = Cases::new();
    while let Some(line) = lines.next() {
        if line == "  ---" {
            let block: Vec<_> = lines.by_ref().take_while(|line| *line != "  ...").collect();
            let block = block.join("\n");
            let read: Value =
                yaml_serde::from_str(&block).unwrap_or_else(|e| panic!("{e}: {block}"));
            assert!(read["more"].is_string(), "{block}");
            continue;
        }
        if line.starts_with("# ") {
            continue;
        }
        let failed = line.starts_with("not ");
        let rest = line.strip_prefix("not ").unwrap_or(line);
        let rest = rest.strip_prefix("ok ").unwrap_or_else(|| panic!("no test point: {line}"));
        let (number, rest) = rest.split_once(" - ").unwrap();
        assert_eq!(number.parse(), Ok(cases.len() + 1));
        let (id, directive) = rest.split_once(" # ").unwrap_or((rest, "SKIP "));
        assert!(directive.starts_with("SKIP ") && !(failed && id != rest), "{line}");
        cases.push((id.to_owned(), failed));
    }
    assert_eq!(cases.len(), plan);
    cases
}

/// Workflow commands: level, title and message, as the runner of GitHub Actions reads them; and the lines
/// that are none.
pub(crate) fn github(text: &str) -> (Vec<[String; 3]>, Vec<&str>) {
    let mut commands = Vec::new();
    let mut others = Vec::new();
    for line in text.lines() {
        let Some((command, message)) = line.strip_prefix("::").and_then(|l| l.split_once("::"))
        else {
            others.push(line);
            continue;
        };
        let (level, properties) = command.split_once(' ').unwrap();
        let properties: BTreeMap<_, _> =
            properties.split(',').map(|property| property.split_once('=').unwrap()).collect();
        assert_eq!(properties.len(), 1, "{line}");
        let title = properties["title"].replace("%3A", ":").replace("%2C", ",");
        commands.push([level.to_owned(), data(&title), data(message)]);
    }
    (commands, others)
}

fn data(text: &str) -> String {
    text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
}
