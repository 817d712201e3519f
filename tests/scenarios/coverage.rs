//! What the recorded environments say beyond what their scenarios list, on one generated page.

use std::fmt::Write as _;

use dind_doctor::report::{CheckReport, Report, Status};
use dind_doctor_checks::{facts::Why, registry, target::Target};

/// How often a check ended how.
#[derive(Default)]
struct Row {
    finding: usize,
    pass: usize,
    not_applicable: usize,
    unknown: usize,
    not_recorded: Vec<String>,
}

impl Row {
    fn count(&mut self, host: &str, check: &CheckReport) {
        let gap = !check.missing.is_empty()
            && check.missing.iter().all(|missing| missing.why == Why::NotRecorded);
        match check.status {
            Status::Finding => self.finding += 1,
            Status::Pass => self.pass += 1,
            Status::NotApplicable => self.not_applicable += 1,
            Status::Unknown if gap => self.not_recorded.push(host.to_owned()),
            Status::Unknown | Status::Crashed => self.unknown += 1,
        }
    }
}

/// The page. `hosts` are the names of the environments, what is said of each, and the targets that its scenario lists.
pub(crate) fn page(hosts: &[(String, Report, Vec<Target>)]) -> String {
    let mut page = String::from(
        "# What the recorded environments cover\n\n\
         Generated: `DOCTOR_BLESS=1 cargo test --test scenarios`. A new check, fact or target touches this page and no \
         scenario.\n\n\
         ## Checks\n\n\
         In how many environments each check finds its problem, passes, does not apply, or does not know; and in how many \
         the recording is older than what it asks.\n\n\
         | check | finds | passes | does not apply | unknown | not recorded |\n\
         | --- | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for (_, check) in registry::all() {
        let mut row = Row::default();
        for (name, report, _) in hosts {
            report.check(check.id).into_iter().for_each(|check| row.count(name, check));
        }
        let Row { finding, pass, not_applicable, unknown, not_recorded } = row;
        let gaps = not_recorded.len();
        let _ = writeln!(
            page,
            "| `{}` | {finding} | {pass} | {not_applicable} | {unknown} | {gaps} |",
            check.id
        );
    }
    page.push_str("\n## Targets that came later\n\nWhat is said of targets that a scenario does not list.\n\n");
    let later: Vec<_> = Target::ALL
        .into_iter()
        .filter(|target| hosts.iter().any(|(_, _, listed)| !listed.contains(target)))
        .collect();
    if later.is_empty() {
        page.push_str("None.\n");
        return page;
    }
    let names: Vec<_> = later.iter().map(|target| target.name()).collect();
    let _ = writeln!(page, "| environment | {} |", names.join(" | "));
    let _ = writeln!(page, "| --- |{}", " --- |".repeat(names.len()));
    for (name, report, listed) in hosts {
        let cell = |target: &Target| {
            let said = report.targets.iter().find(|said| said.target == *target);
            match said {
                Some(said) if !listed.contains(target) => {
                    let because = said.blockers.first().or(said.unknown_because.first());
                    let because = because.or(said.degraded_by.first());
                    let because = because.map(|id| format!(" (`{id}`)")).unwrap_or_default();
                    format!("{}{because}", said.readiness.name())
                }
                _ => String::new(),
            }
        };
        let cells: Vec<_> = later.iter().map(cell).collect();
        let _ = writeln!(page, "| {name} | {} |", cells.join(" | "));
    }
    page
}
