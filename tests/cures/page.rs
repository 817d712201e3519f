//! The page that shows what was prescribed beside what came of it.

use std::fmt::Write as _;

use crate::trial::{Attempt, Trial, Verdict};

/// The whole page.
pub(crate) fn page(all: &[Trial]) -> String {
    let mut page = String::from(
        "# What the doctor prescribed, and what it cured\n\n\
         Generated from the files beside it: in each environment something that a target needs really fails. What the doctor \
         prescribes was carried out there word for word, once the first remedy of what it names first, once all that \
         `doctor fix` writes; then the doctor was asked again, and the real thing was started. Nothing was guessed. \
         `tests/lab/cures` does it again; what was learned, and what cannot be tried, is in \
         [tests/lab/CURES.md](../../tests/lab/CURES.md).\n\n\
         cures: all that failed works. half: a part of it. no: nothing of it. worse: something that worked fails. guess: a word \
         had to be found out. yours: there are only words, for the host or for whoever launches it.\n\n",
    );
    let (found, missed): (Vec<_>, Vec<_>) = all.iter().partition(|trial| trial.is_found());
    summary(&mut page, &found);
    remedies(&mut page, &found);
    if !missed.is_empty() {
        page.push_str("## It fails, and nothing was found\n\nA question of verdicts, not of cures; not counted above.\n\n");
        page.push_str("| environment | for | said | what fails |\n| --- | --- | --- | --- |\n");
        for trial in missed {
            let _ = writeln!(
                page,
                "| {}: {} | {} | {} | {} |",
                trial.name,
                trial.what,
                trial.target,
                trial.said.readiness,
                failures(trial)
            );
        }
        page.push('\n');
    }
    tried(&mut page, &found);
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

/// One of the two attempts.
type Which = fn(&Trial) -> &Attempt;

fn summary(page: &mut String, all: &[&Trial]) {
    let _ = writeln!(page, "{} environments in which something was found.\n", all.len());
    let names = Verdict::ALL.map(Verdict::name).join(" | ");
    let _ = writeln!(page, "| | {names} | still names it after a cure |");
    let _ = writeln!(page, "| --- |{} ---: |", " ---: |".repeat(Verdict::ALL.len()));
    let rows: [(&str, Which); 2] =
        [("first remedy", |trial| &trial.first), ("`doctor fix`", |trial| &trial.fix)];
    for (name, of) in rows {
        let count =
            |verdict| all.iter().filter(|t| t.verdict(of(t)) == verdict).count().to_string();
        // Others are of another matter: the age of the host's cgroups stays what it is.
        let first = |trial: &&&Trial| {
            let check = trial.first.check.as_deref().unwrap_or_default();
            trial.still(of(trial)).contains(&check)
        };
        let still = all.iter().filter(first).count();
        let _ = writeln!(page, "| {name} | {} | {still} |", Verdict::ALL.map(count).join(" | "));
    }
    page.push('\n');
}

fn remedies(page: &mut String, all: &[&Trial]) {
    page.push_str("## Environments\n\n| environment | for | first named | first remedy | `doctor fix` | still said |\n");
    page.push_str("| --- | --- | --- | --- | --- | --- |\n");
    for trial in all {
        let mut still = trial.still(&trial.first);
        still.extend(trial.still(&trial.fix));
        still.sort_unstable();
        still.dedup();
        let _ = writeln!(
            page,
            "| {}: {} | {} | {} | {} | {} | {} |",
            trial.name,
            trial.what,
            trial.target,
            trial.first.check.as_deref().unwrap_or_default(),
            cell(trial, &trial.first),
            cell(trial, &trial.fix),
            still.join(", ")
        );
    }
    page.push('\n');
}

fn cell(trial: &Trial, attempt: &Attempt) -> String {
    let verdict = trial.verdict(attempt);
    let broken: Vec<_> = trial.broken(attempt).into_iter().map(String::as_str).collect();
    match verdict {
        Verdict::Cures => verdict.name().to_owned(),
        Verdict::Worse => format!("**worse** ({})", broken.join(", ")),
        _ => format!("**{}**", verdict.name()),
    }
}

fn tried(page: &mut String, all: &[&Trial]) {
    page.push_str("## What was done\n\n");
    for trial in all {
        let _ = writeln!(
            page,
            "### {}\n\n{}. Fails: {}.\n",
            trial.name,
            capital(&trial.what),
            failures(trial)
        );
        for (name, attempt) in [("first remedy", &trial.first), ("doctor fix", &trial.fix)] {
            let verdict = trial.verdict(attempt).name();
            let _ = writeln!(page, "* {name}, {verdict}:{}", list(attempt));
        }
        page.push('\n');
    }
}

fn list(attempt: &Attempt) -> String {
    let done = attempt.done.iter().map(|line| code(line));
    let guesses = attempt.guesses.iter().map(|line| format!("to be guessed: {}", code(line)));
    let words = attempt.words.iter().map(|text| format!("in words: {}", plain(text)));
    let all: Vec<_> = done.chain(guesses).chain(words).collect();
    if all.is_empty() { " nothing".to_owned() } else { format!(" {}", all.join("; ")) }
}

fn code(line: &str) -> String {
    let line = line.replace('\n', " ⏎ ");
    if line.contains('`') { format!("`` {line} ``") } else { format!("`{line}`") }
}

fn plain(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace('*', "\\*").replace('_', "\\_")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn failures(trial: &Trial) -> String {
    let failed = |name: &String| trial.before.failed.get(name);
    let told = trial.deciding.iter().filter_map(|name| failed(name).map(|text| (name, text)));
    told.map(|(name, text)| format!("{name} ({})", plain(text))).collect::<Vec<_>>().join("; ")
}
