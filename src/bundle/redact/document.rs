//! A JSON report: of its texts goes what is an address, an id, an account's home or a credential by its looks.
//!
//! Names that this machine goes by are in no report, so they cannot be known: whoever can, redacts a bundle.

use serde_json::Value;

use super::{Removal, pseudonyms::Pseudonyms};

/// Rewrites all texts of a report but those of the doctor about itself, and says what was replaced.
pub fn redact_document(report: &mut Value) -> Vec<Removal> {
    let mut names = Pseudonyms::default();
    rewrite(&mut report.clone(), &names);
    names.settle();
    rewrite(report, &names);
    names.into_removals()
}

fn rewrite(value: &mut Value, names: &Pseudonyms) {
    match value {
        Value::String(text) => *text = names.text(text),
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite(item, names)),
        Value::Object(map) => {
            let others =
                map.iter_mut().filter(|(key, _)| !matches!(key.as_str(), "doctor" | "schema"));
            others.for_each(|(_, value)| rewrite(value, names));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_an_address_an_id_or_a_home_goes_and_the_rest_stays() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let mut report = json!({
            "doctor": {"commit": commit},
            "checks": [{"id": "subnet-overlap", "findings": [{
                "summary": "93.184.216.34 is asked for by /home/anna/run through http://anna:secret@proxy.acme.example:3128",
                "evidence": [{"source": "/proc/self/cgroup", "value": format!("/docker/{commit}abcdef")}],
            }]}],
        });
        let removed = redact_document(&mut report);
        let text = report.to_string();
        for gone in ["93.184.216.34", "anna", "secret", "acme", "abcdef\""] {
            assert!(!text.contains(gone), "{gone}: {text}");
        }
        assert_eq!(report["doctor"]["commit"], commit);
        assert_eq!(report["checks"][0]["id"], "subnet-overlap");
        assert!(removed.len() >= 4, "{removed:?}");
        let once = report.clone();
        redact_document(&mut report);
        assert_eq!(report, once, "redacting twice changes nothing");
    }
}
