//! The page that shows how the doctor does.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::score::{Score, Verdict};

/// The whole page.
pub(crate) fn page([open, second, third, fourth]: &[Vec<Score>; 4], sealed: usize) -> String {
    let mut page = String::from(
        "# What the doctor says of reports from strangers\n\n\
         Generated from the files beside it: environments that people described in public, rebuilt on recorded ones. What the \
         doctor ought to say was written down before it was asked; [FORMAT.md](FORMAT.md) says how. It is asked without `--active`. \
         What is not recognised stays on this page.\n\n",
    );
    if sealed > 0 {
        let _ = writeln!(
            page,
            "Another {sealed} reports are sealed, and not scored yet: no rule may be written for them.\n"
        );
    }
    let _ = writeln!(page, "## The first set\n\nRules are mended by these.\n\n{}", table(open));
    let _ = writeln!(
        page,
        "## The second set\n\n\
         Chosen and written by people who write no rules, sealed by digest, and scored once, on 2026-11-28, before any rule was \
         mended by it: **32 of 64 right**, 6 partly, 5 misled, 19 that failed called fit to start, 2 false alarms. So it is now:\n\n{}",
        table(second)
    );
    let _ = writeln!(
        page,
        "## The third set\n\n\
         Written and scored likewise, on the same day, after rules had been mended by the second: **28 of 53 right**, 10 partly, \
         1 misled, 1 of which nothing was known, 12 that failed called fit to start, 1 false alarm. So it is now:\n\n{}",
        table(third)
    );
    let _ = writeln!(
        page,
        "## The fourth set\n\n\
         The same again, after rules had been mended by the third: **33 of 55 right**, 10 partly, 3 misled, 1 of which nothing was \
         known, 8 that failed called fit to start, no false alarm. So it is now:\n\n{}",
        table(fourth).trim_end()
    );
    page
}

/// How the doctor does in each area, and in each report.
pub(crate) fn table(scores: &[Score]) -> String {
    let mut text = String::new();
    let mut areas: BTreeMap<&str, Vec<&Score>> = BTreeMap::new();
    for score in scores {
        areas.entry(&score.area).or_default().push(score);
    }
    let count =
        |scores: &[&Score], verdict| scores.iter().filter(|score| score.verdict == verdict).count();
    let names = Verdict::ALL.map(Verdict::name).join(" | ");
    let _ = writeln!(
        text,
        "| area | reports | {names} |\n| --- |{}",
        " ---: |".repeat(Verdict::ALL.len() + 1)
    );
    let all: Vec<&Score> = scores.iter().collect();
    for (area, scores) in
        areas.iter().map(|(area, scores)| (*area, scores)).chain([("**all**", &all)])
    {
        let counts = Verdict::ALL.map(|verdict| count(scores, verdict).to_string()).join(" | ");
        let _ = writeln!(text, "| {area} | {} | {counts} |", scores.len());
    }
    let prescribed: Vec<bool> = scores.iter().filter_map(|score| score.prescribed).collect();
    let cured = prescribed.iter().filter(|cures| **cures).count();
    let found = prescribed.len();
    let _ = writeln!(
        text,
        "\nWhere the cause is named, the remedies hold what they must, and nothing that they must not, in {cured} of {found}.\n"
    );
    text += "| report | what | ought to say | verdict | said |\n| --- | --- | --- | --- | --- |\n";
    for score in scores {
        let Score { source, what, expected, said, .. } = score;
        let verdict = match (score.verdict, score.prescribed) {
            (verdict, Some(false)) => format!("{}, with another remedy", verdict.name()),
            (verdict, _) => verdict.name().to_owned(),
        };
        let _ = writeln!(
            text,
            "| {source} | {} | {expected} | {verdict} | {} |",
            cell(what),
            cell(said)
        );
    }
    text
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
