//! The page that shows what was said beside what happened.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use dind_doctor_checks::registry;

use crate::{
    judge::{Comparison, Referees, Verdict, happened},
    outcome::{Outcome, Run},
};

/// The whole page.
pub(crate) fn page(outcomes: &[Outcome], referees: &Referees, all: &[Comparison]) -> String {
    let mut page = String::from(
        "# What the doctor said, and what happened\n\n\
         Generated from the folders beside it: in each environment the doctor was asked, without and with `--active`, and \
         then the real thing was started there. `tests/lab/referee` does it again; what was learned where the two \
         disagreed is in [tests/lab/DISAGREEMENTS.md](../../tests/lab/DISAGREEMENTS.md).\n\n",
    );
    summary(&mut page, outcomes, all);
    targets(&mut page, outcomes, referees, all);
    checks(&mut page, referees, all);
    findings(&mut page, all);
    undecided(&mut page, all);
    unrefereed(&mut page, referees);
    environments(&mut page, outcomes);
    page
}

fn count(all: &[Comparison], run: Run, verdict: Verdict) -> usize {
    all.iter().filter(|one| one.run == run && one.verdict == verdict).count()
}

fn summary(page: &mut String, outcomes: &[Outcome], all: &[Comparison]) {
    let dates: BTreeSet<_> = outcomes.iter().map(|one| one.recorded.date.as_str()).collect();
    let dates = dates.into_iter().collect::<Vec<_>>().join(", ");
    let _ = writeln!(page, "{} environments, {dates}.\n", outcomes.len());
    page.push_str("| | comparisons | said and failed | passed and worked | false alarms | misses | not known |\n");
    page.push_str("| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for (run, name) in RUNS {
        let of = |verdict| count(all, run, verdict);
        let decided = [Verdict::TrueFinding, Verdict::TruePass, Verdict::FalseAlarm, Verdict::Miss];
        let total: usize = decided.into_iter().map(of).sum();
        let cells = decided.map(|verdict| of(verdict).to_string()).join(" | ");
        let _ = writeln!(page, "| {name} | {total} | {cells} | {} |", of(Verdict::Undecided));
    }
    page.push('\n');
}

const RUNS: [(Run, &str); 2] = [(Run::Passive, "passive"), (Run::Active, "`--active`")];

fn targets(page: &mut String, outcomes: &[Outcome], referees: &Referees, all: &[Comparison]) {
    page.push_str("## Environments and targets\n\nSaid without `--active`, then with it where that is another word; what happened.\n\n");
    let names = ["dockerd", "kind", "rootless", "systemd", "buildkit"];
    let _ = writeln!(page, "| environment | {} |", names.join(" | "));
    let _ = writeln!(page, "| --- |{}", " --- |".repeat(names.len()));
    for outcome in outcomes {
        let cells = names.map(|target| {
            let said = |run| outcome.predicted[&run].readiness[target].as_str();
            let (passive, active) = (said(Run::Passive), said(Run::Active));
            let said =
                if passive == active { passive.to_owned() } else { format!("{passive}, {active}") };
            let saw = match happened(outcome, &referees.targets[target]) {
                None => return format!("{said} · –"),
                Some((_, true)) => "works".to_owned(),
                Some((what, false)) => format!("**fails** ({what})"),
            };
            let wrong = all.iter().any(|one| {
                one.environment == outcome.name
                    && one.subject == target
                    && matches!(one.verdict, Verdict::FalseAlarm | Verdict::Miss)
            });
            format!("{said} · {saw}{}", if wrong { " ✗" } else { "" })
        });
        let _ = writeln!(page, "| {} | {} |", outcome.name, cells.join(" | "));
    }
    page.push('\n');
}

fn checks(page: &mut String, referees: &Referees, all: &[Comparison]) {
    page.push_str("## Checks\n\nBoth runs together, per check and what was tried.\n\n");
    page.push_str("| check | what was tried | said and failed | passed and worked | false alarms | misses | not known |\n");
    page.push_str("| --- | --- | ---: | ---: | ---: | ---: | ---: |\n");
    let mut rows: BTreeMap<(&str, &str), [usize; 5]> = BTreeMap::new();
    for one in all.iter().filter(|one| !referees.targets.contains_key(&one.subject)) {
        let row = rows.entry((&one.subject, &one.observation)).or_default();
        row[one.verdict as usize] += 1;
    }
    for ((check, observation), counts) in rows {
        let what = &referees.observations[observation].what;
        let _ =
            writeln!(page, "| {check} | {what} | {} |", counts.map(|n| n.to_string()).join(" | "));
    }
    page.push('\n');
}

/// Everything that was said to fail, and everything that was wrong.
fn findings(page: &mut String, all: &[Comparison]) {
    page.push_str(
        "## Findings\n\n| environment | run | check or target | said | what was tried | saw | |\n",
    );
    page.push_str("| --- | --- | --- | --- | --- | --- | --- |\n");
    let told = [Verdict::TrueFinding, Verdict::FalseAlarm, Verdict::Miss];
    let mut lines: BTreeMap<[String; 6], Vec<&str>> = BTreeMap::new();
    for one in all.iter().filter(|one| told.contains(&one.verdict)) {
        let verdict = match one.verdict {
            Verdict::FalseAlarm => "**false alarm**",
            Verdict::Miss => "**miss**",
            _ => "true",
        };
        let line = [
            one.environment.clone(),
            one.subject.clone(),
            cell(&one.said),
            one.observation.clone(),
            cell(&one.saw),
            verdict.to_owned(),
        ];
        let run = if one.run == Run::Passive { "passive" } else { "active" };
        lines.entry(line).or_default().push(run);
    }
    for ([environment, subject, said, observation, saw, verdict], runs) in lines {
        let runs = runs.join(", ");
        let _ = writeln!(
            page,
            "| {environment} | {runs} | {subject} | {said} | {observation} | {saw} | {verdict} |"
        );
    }
    page.push('\n');
}

fn undecided(page: &mut String, all: &[Comparison]) {
    page.push_str(
        "## Not known\n\nWhere the doctor said that it does not know; no comparison.\n\n",
    );
    let mut ids: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for one in all.iter().filter(|one| one.verdict == Verdict::Undecided) {
        let run = if one.run == Run::Active { "" } else { " (passive)" };
        ids.entry(&one.subject).or_default().insert(format!("{}{run}", one.environment));
    }
    for (id, environments) in ids {
        let environments = environments.into_iter().collect::<Vec<_>>().join(", ");
        let _ = writeln!(page, "* {id}: {environments}");
    }
    page.push('\n');
}

fn unrefereed(page: &mut String, referees: &Referees) {
    page.push_str("## No referee\n\nChecks that no engine at hand can decide; they rest on their unit tests and recordings.\n\n");
    let decided: BTreeSet<_> =
        referees.observations.values().flat_map(|one| &one.checks).map(String::as_str).collect();
    for check in registry::all().map(|(_, check)| check).filter(|check| !decided.contains(check.id))
    {
        let _ = writeln!(page, "* {}: {}", check.id, referees.unrefereed[check.id]);
    }
    page.push('\n');
}

fn environments(page: &mut String, outcomes: &[Outcome]) {
    page.push_str("## What they are\n\n| environment | what | machine | kernel | engines |\n| --- | --- | --- | --- | --- |\n");
    for outcome in outcomes {
        let recorded = &outcome.recorded;
        let engines = [
            "docker",
            "containerd",
            "runc",
            "podman",
            "crun",
            "lxc",
            "runsc",
            "systemd",
            "iptables",
        ];
        let engines = engines.iter().filter_map(|name| {
            let version = recorded.versions.get(*name)?;
            Some(format!("{name} {}", version.split(['+', '-', '~']).next().unwrap_or(version)))
        });
        let engines = engines.collect::<Vec<_>>().join(", ");
        let kernel = recorded.versions.get("kernel").map_or("", String::as_str);
        let (what, machine) = (cell(&recorded.what), cell(&recorded.machine));
        let _ = writeln!(page, "| {} | {what} | {machine} | {kernel} | {engines} |", outcome.name);
    }
}

/// What machines said, harmless in a table.
fn cell(text: &str) -> String {
    let text: String = text.chars().take(160).collect();
    text.replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;").replace('`', "'")
}
