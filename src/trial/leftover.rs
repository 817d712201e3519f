//! What runs that were killed together with their guardians have left.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use dind_doctor_checks::facts::{Action, Facts, Text, TrialName};

use super::{
    Plan,
    place::{Owner, is_left, remove},
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
        .flat_map(|path| Path::new(path).ancestors())
        .filter(|path| path.is_absolute())
        .map(Path::to_owned)
        .collect();
    let mounts = facts.cgroup.mounts.known().into_iter().flatten();
    let cgroups: Vec<PathBuf> =
        mounts.map(|mount| PathBuf::from(mount.mount_point.as_str())).collect();
    Plan::new(TrialName::Leftovers, "", Vec::new(), move |steps, _| {
        let mut left = BTreeSet::new();
        let mut budget = DIRECTORIES;
        for directory in &directories {
            look(directory, 0, &mut budget, &mut left);
        }
        for cgroup in &cgroups {
            look(cgroup, DEPTH, &mut budget, &mut left);
        }
        for path in &left {
            clear(steps, path);
        }
    })
}

/// Adds what is left in `directory`, and in the directories below it down to `depth`.
fn look(directory: &Path, depth: usize, budget: &mut usize, left: &mut BTreeSet<PathBuf>) {
    let Some(remaining) = budget.checked_sub(1) else { return };
    *budget = remaining;
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten().take(DIRECTORIES) {
        let name = entry.file_name();
        if name.to_str().and_then(Owner::in_name).is_some() {
            let path = entry.path();
            if is_left(&path) {
                left.insert(path);
            }
        } else if depth > 0 && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            look(&entry.path(), depth - 1, budget, left);
        }
    }
}

fn clear(steps: &mut Steps, path: &Path) {
    steps.about(&path.to_string_lossy(), true);
    steps.step(Action::Remove, || remove(path).map_err(Failure::seen));
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
            let mut left = BTreeSet::new();
            look(dir.path(), depth, &mut 100, &mut left);
            left
        };
        assert_eq!(found(0), BTreeSet::from([dir.path().join(&dead)]));
        assert_eq!(found(1).len(), 2);
    }
}
