//! What runs that were killed together with their guardians have left.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use dind_doctor_checks::facts::{Action, Facts, Text, TrialName};

use super::{
    Plan,
    place::{Left, Owner, forget_abandoned},
    steps::{Failure, Steps},
};

/// Directories that are looked into at most, and how deep cgroups are followed.
const DIRECTORIES: usize = 10_000;
const DEPTH: usize = 12;

/// Looks where trials make directories, and in all cgroups: where an earlier run was need not be where
/// this one is.
pub(super) fn plan(facts: &Facts) -> Plan {
    let roots = facts.storage.data_roots.iter().map(|root| root.path.as_str());
    let resolved = facts.storage.data_roots.iter().filter_map(|root| root.resolved.known());
    let directories: BTreeSet<PathBuf> = roots
        .chain(resolved.map(Text::as_str))
        .chain(["/tmp"])
        .flat_map(|path| Path::new(path).ancestors())
        .filter(|path| path.is_absolute())
        .map(Path::to_owned)
        .collect();
    let mounts = facts.cgroup.mounts.known().into_iter().flatten();
    let cgroups: Vec<PathBuf> =
        mounts.map(|mount| PathBuf::from(mount.mount_point.as_str())).collect();
    Plan::new(TrialName::Leftovers, "", Vec::new(), move |steps, _| {
        let mut left = Vec::new();
        let mut budget = DIRECTORIES;
        for directory in &directories {
            look(directory, 0, &mut budget, &mut left);
        }
        for cgroup in &cgroups {
            look(cgroup, DEPTH, &mut budget, &mut left);
        }
        for place in left {
            clear(steps, place);
        }
        forget_abandoned();
    })
}

/// Adds what is left in `directory`, and in the directories below it down to `depth`.
fn look(directory: &Path, depth: usize, budget: &mut usize, left: &mut Vec<Left>) {
    let Some(remaining) = budget.checked_sub(1) else { return };
    *budget = remaining;
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten().take(DIRECTORIES) {
        let name = entry.file_name();
        if name.to_str().and_then(Owner::in_name).is_some() {
            // The lock is held from now on: what is found twice is found once.
            left.extend(Left::find(&entry.path()));
        } else if depth > 0 && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            look(&entry.path(), depth - 1, budget, left);
        }
    }
}

fn clear(steps: &mut Steps, place: Left) {
    steps.about(&place.path().to_string_lossy(), true);
    steps.step(Action::Remove, || place.remove().map_err(Failure::seen));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_the_dead_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let dead = format!(".dind-doctor-trial-{}-7", i32::MAX);
        for name in [dead.as_str(), "below", "below/.dind-doctor-trial-x-7", ".dind-doctor-trial-"]
        {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        fs::create_dir(dir.path().join("below").join(&dead)).unwrap();
        let found = |depth| {
            let mut left = Vec::new();
            look(dir.path(), depth, &mut 100, &mut left);
            left.into_iter().map(|place| place.path().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(found(0), [dir.path().join(&dead)]);
        assert_eq!(found(1).len(), 2);
    }
}
