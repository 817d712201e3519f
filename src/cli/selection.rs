//! Names of checks and areas on the command line.

use dind_doctor_checks::{
    Check,
    facts::TrialName,
    registry::{self, Area, REGISTRY},
};

use crate::report::Selector;

/// So many suggestions are made at most.
const FEW: usize = 5;

/// An id or an area, for clap.
pub(super) fn selector(name: &str) -> Result<Selector, String> {
    if let Ok(area) = name.parse() {
        return Ok(Selector::Area(area));
    }
    if registry::find(name).is_some() {
        return Ok(Selector::Check(name.to_owned()));
    }
    let areas = REGISTRY.iter().map(|(area, _)| area.name());
    let known = registry::all().map(|(_, check)| check.id).chain(areas);
    Err(format!("no check or area has this name{}", suggestion(name, known)))
}

/// The check with this id, for clap.
pub(super) fn check(id: &str) -> Result<(Area, &'static Check), String> {
    registry::find(id).ok_or_else(|| {
        let known = registry::all().map(|(_, check)| check.id);
        format!("no check has this id{}", suggestion(id, known))
    })
}

/// The trial with this name, for clap.
pub(super) fn trial(name: &str) -> Result<TrialName, String> {
    name.parse().map_err(|()| {
        let known = TrialName::ALL.map(TrialName::name);
        format!("trials are {}{}", known.join(", "), suggestion(name, known.into_iter()))
    })
}

/// `; did you mean …?`, or where to look.
pub(super) fn suggestion(name: &str, known: impl Iterator<Item = &'static str>) -> String {
    let near = near(name, known);
    if near.is_empty() {
        "; doctor list shows all".to_owned()
    } else {
        format!("; did you mean {}?", near.join(", "))
    }
}

/// The few names that `name` could have been meant for.
pub(super) fn near<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let known: Vec<_> = known.collect();
    let mut near: Vec<_> =
        known.iter().copied().filter(|k| name.len() > 1 && k.contains(name)).collect();
    if near.is_empty() {
        let likeness = |k: &str| strsim::normalized_damerau_levenshtein(name, k);
        let best = known.iter().map(|k| (likeness(k), *k)).max_by(|a, b| a.0.total_cmp(&b.0));
        near.extend(best.filter(|(likeness, _)| *likeness > 0.5).map(|(_, k)| k));
    }
    near.truncate(FEW);
    near
}

#[cfg(test)]
mod tests {
    use super::suggestion;

    const KNOWN: [&str; 3] = ["pid1-no-reaper", "pid1-swallows-sigterm", "mount"];

    #[test]
    fn what_is_near_is_suggested() {
        let to = |name| suggestion(name, KNOWN.into_iter());
        assert_eq!(to("pid1-swallow-sigterms"), "; did you mean pid1-swallows-sigterm?");
        assert_eq!(to("moutn"), "; did you mean mount?");
        assert_eq!(to("pid1"), "; did you mean pid1-no-reaper, pid1-swallows-sigterm?");
        assert_eq!(to("quux"), "; doctor list shows all");
    }
}
