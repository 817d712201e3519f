//! Snippets as text, through the serialiser of their language.

use dind_doctor_checks::remedy::{Language, Snippet};
use serde_json::Value;

/// The name of a language in reports.
pub(super) const fn language(snippet: &Snippet) -> &'static str {
    let (Snippet::Tree(language, _) | Snippet::Lines(language, _)) = snippet;
    match language {
        Language::Json => "json",
        Language::Yaml => "yaml",
        Language::Toml => "toml",
        Language::Dockerfile => "dockerfile",
        Language::Ini => "ini",
    }
}

/// The snippet's text, without a newline at its end.
pub(super) fn text(snippet: &Snippet) -> String {
    let text = match snippet {
        Snippet::Lines(_, lines) => lines.clone(),
        Snippet::Tree(Language::Yaml, tree) => yaml_serde::to_string(tree).unwrap_or_default(),
        Snippet::Tree(Language::Toml, tree) => {
            toml::to_string_pretty(&without_nulls(tree)).unwrap_or_default()
        }
        Snippet::Tree(_, tree) => serde_json::to_string_pretty(tree).unwrap_or_default(),
    };
    text.trim_end_matches('\n').to_owned()
}

/// TOML has no null: absence is its way to say it.
fn without_nulls(tree: &Value) -> Value {
    match tree {
        Value::Object(map) => map
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.clone(), without_nulls(value)))
            .collect(),
        Value::Array(items) => {
            items.iter().filter(|item| !item.is_null()).map(without_nulls).collect()
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_language_has_its_serialiser() {
        let tree = json!({"a": {"b": [1, 2], "c": null}, "mtu": 1450, "z": "x: \u{1b}"});
        let of = |language| text(&Snippet::Tree(language, tree.clone()));
        assert!(of(Language::Json).starts_with("{\n  \"a\": {"));
        assert!(of(Language::Yaml).contains("mtu: 1450"));
        assert!(!of(Language::Yaml).contains('\u{1b}'));
        let toml = of(Language::Toml);
        assert!(toml.starts_with("mtu = 1450") && toml.contains("[a]"), "{toml}");
    }

    #[test]
    fn lines_stand_as_they_are() {
        assert_eq!(text(&Snippet::Lines(Language::Ini, "[a]\nb=c\n".to_owned())), "[a]\nb=c");
    }
}
