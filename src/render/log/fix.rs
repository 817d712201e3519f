//! What to do about a failure in general, where no machine says what is needed there.

use crate::{log::Subject, render::explain::markdown};

/// One step.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fix {
    /// A sentence, or a line of code.
    pub(super) text: String,
    /// Whether it is code, which is not wrapped.
    pub(super) is_code: bool,
}

/// The steps for a failure: those of an entry, or what a check's documentation says of it.
pub(super) fn of(subject: Subject) -> Vec<Fix> {
    match subject {
        Subject::Entry(entry) => {
            entry.fix.iter().map(|fix| Fix { text: (*fix).to_owned(), is_code: false }).collect()
        }
        Subject::Check(_, check) => steps(&markdown(check.doc)),
    }
}

fn steps(doc: &str) -> Vec<Fix> {
    let section = doc.lines().skip_while(|line| *line != "## How to fix").skip(1);
    let mut steps: Vec<Fix> = Vec::new();
    // Whether the next line is part of the step before it.
    let (mut fenced, mut open) = (false, false);
    for line in section.take_while(|line| !line.starts_with("## ")) {
        let plain = line.trim();
        if plain.starts_with("```") {
            (fenced, open) = (!fenced, false);
        } else if plain.is_empty() {
            open = false;
        } else if fenced {
            steps.push(Fix { text: line.to_owned(), is_code: true });
        } else {
            let item = plain.strip_prefix("- ").or_else(|| plain.strip_prefix("* "));
            match steps.last_mut() {
                Some(last) if open && item.is_none() => {
                    last.text.push(' ');
                    last.text.push_str(plain);
                }
                _ => steps.push(Fix { text: item.unwrap_or(plain).to_owned(), is_code: false }),
            }
            open = true;
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use dind_doctor_checks::registry;

    use super::*;

    #[test]
    fn every_check_says_what_to_do() {
        for (area, check) in registry::all() {
            let steps = of(Subject::Check(area, check));
            assert!(!steps.is_empty() && steps.iter().all(|s| !s.text.is_empty()), "{}", check.id);
        }
    }

    #[test]
    fn items_paragraphs_and_code_are_steps() {
        let doc = "## Why\nx\n## How to fix\nOne\nmore:\n- two\n  and\n- three\n\n```\n  code\n```\nfour\n## References\ny";
        let steps = steps(doc);
        let texts: Vec<_> = steps.iter().map(|s| (&*s.text, s.is_code)).collect();
        let want = [
            ("One more:", false),
            ("two and", false),
            ("three", false),
            ("  code", true),
            ("four", false),
        ];
        assert_eq!(texts, want);
    }
}
