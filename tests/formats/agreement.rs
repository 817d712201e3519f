//! A check is a JUnit failure or a TAP `not ok` exactly when it makes the exit code 1.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Rendered, environments, readers};

#[test]
fn formats_agree_with_the_exit_code_about_every_environment() {
    let mut codes = BTreeSet::new();
    environments::each(|name, report| {
        let rendered = Rendered::of(report);
        let expected: readers::Cases =
            report.checks.iter().map(|check| (check.id.to_owned(), check.fails)).collect();
        assert_eq!(readers::junit(&rendered.junit), expected, "{name}");
        assert_eq!(readers::tap(&rendered.tap), expected, "{name}");
        let failed = expected.iter().any(|(_, failed)| *failed);
        assert_eq!(report.exit_code, u8::from(failed), "{name}");
        codes.insert(report.exit_code);

        let sarif: Value = serde_json::from_str(&rendered.sarif).unwrap();
        let run = &sarif["runs"][0];
        assert_eq!(run["invocations"][0]["exitCode"], report.exit_code, "{name}");
        let results = run["results"].as_array().unwrap();
        let counted = |r: &&Value| r["level"] == "error";
        let errors: BTreeSet<_> =
            results.iter().filter(counted).map(|r| r["ruleId"].as_str().unwrap()).collect();
        assert_eq!(errors.len(), report.summary.error, "{name}");

        let (commands, others) = readers::github(&rendered.github);
        assert_eq!(others.len(), 1, "{name}: {others:?}");
        assert!(others[0].starts_with("dind-doctor: "));
        for [_, title, message] in &commands {
            assert!(title.len() <= 255 && message.len() <= 4096, "{name}: {title}");
        }

        // GitHub's limit for a comment.
        let characters = rendered.markdown.chars().count();
        assert!(characters < 65_536, "{name}: {characters}");
    });
    assert_eq!(codes, BTreeSet::from([0, 1]));
}
