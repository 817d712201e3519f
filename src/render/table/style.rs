//! What means what colour.

use dind_doctor_checks::target::Severity;
use owo_colors::Style;

use crate::report::Readiness;

/// As the terminal has it.
pub(in crate::render) const PLAIN: Style = Style::new();
/// What is said about something.
pub(in crate::render) const LABEL: Style = Style::new().dimmed();
/// A heading, an id.
pub(in crate::render) const HEADING: Style = Style::new().bold();
/// What can be pasted.
pub(in crate::render) const CODE: Style = Style::new().cyan();

/// The style of a severity.
pub(in crate::render) const fn of_severity(severity: Severity) -> Style {
    match severity {
        Severity::Error => Style::new().red().bold(),
        Severity::Warning => Style::new().yellow().bold(),
        Severity::Info => Style::new().blue().bold(),
    }
}

/// The style of something that was not judged.
pub(in crate::render) const UNKNOWN: Style = Style::new().magenta().bold();

/// The style of a readiness.
pub(super) const fn of_readiness(readiness: Readiness) -> Style {
    match readiness {
        Readiness::Blocked => of_severity(Severity::Error),
        Readiness::Unknown => UNKNOWN,
        Readiness::Degraded => of_severity(Severity::Warning),
        Readiness::Ready => Style::new().green().bold(),
    }
}
