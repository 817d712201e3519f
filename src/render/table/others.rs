//! What was not asked for: findings for other targets, and what passed.

use std::io::{self, Write};

use dind_doctor_checks::target::Target;

use super::{View, grid, style::LABEL};
use crate::{
    render::escape,
    report::{Report, Status},
};

pub(super) fn write(report: &Report, view: View, out: &mut dyn Write) -> io::Result<()> {
    let mut lines = Vec::new();
    if view.is_verbose() {
        lines.extend(other_targets(report).map(|text| format!("for other targets: {text}")));
        let with = |status| report.checks.iter().filter(move |c| c.counts() && c.status == status);
        let passed: Vec<_> = with(Status::Pass).map(|check| check.id).collect();
        if !passed.is_empty() {
            lines.push(format!("passed: {}", passed.join(", ")));
        }
        lines.extend(with(Status::NotApplicable).map(|check| {
            let reason = escape(check.reason.as_deref().unwrap_or_default());
            format!("not applicable: {}: {reason}", check.id)
        }));
    }
    for (at, line) in lines.iter().enumerate() {
        if at == 0 {
            writeln!(out)?;
        }
        grid::paragraph(line, LABEL, 0, view.width, out)?;
    }
    Ok(())
}

/// `rootless: proc-masked (error), …; systemd: …`: findings that no target that was asked for feels.
fn other_targets(report: &Report) -> Option<String> {
    let found: Vec<_> = report
        .checks
        .iter()
        .filter(|c| c.counts() && c.status == Status::Finding && c.severity.is_none())
        .collect();
    let of_target = |target: Target| {
        let each: Vec<_> = found
            .iter()
            .filter_map(|c| Some(format!("{} ({})", c.id, c.severity_for(target)?)))
            .collect();
        (!each.is_empty()).then(|| format!("{target}: {}", each.join(", ")))
    };
    let each: Vec<_> = Target::ALL.into_iter().filter_map(of_target).collect();
    (!each.is_empty()).then(|| each.join("; "))
}
