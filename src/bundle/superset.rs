//! What `capture` records beyond what today's probes ask, so that tomorrow's find something: files that
//! rules of the catalogue judge, and of the doctor's own cgroup and its ancestors the limits and their
//! use. All of it is small, and nothing of it is asked by a run that only diagnoses.

mod lists;

use std::{collections::BTreeSet, time::Duration};

use dind_doctor_checks::facts::{CgroupMount, Facts};

use crate::source::{Access, Question, Source};

/// Asks for all of it; the answers are for the recorder in front of `source`.
pub fn ask_superset(source: &dyn Source, facts: &Facts) {
    source.begin(Duration::from_secs(5));
    let ask = |question| {
        // Whatever the answer is, it is recorded.
        let _ = source.ask(&question);
    };
    for path in lists::FILES {
        ask(Question::Read { path: (*path).to_owned() });
    }
    for path in lists::STAT {
        ask(Question::Stat { path: (*path).to_owned() });
    }
    for path in lists::LINKS {
        ask(Question::ReadLink { path: (*path).to_owned() });
    }
    for path in lists::DIRECTORIES {
        ask(Question::List { path: (*path).to_owned() });
    }
    for path in lists::WRITABLE {
        ask(Question::Access { path: (*path).to_owned(), access: Access::Write });
    }
    for name in lists::VARIABLES {
        ask(Question::Variable { pid: None, name: (*name).to_owned() });
    }
    let roots = facts.storage.data_roots.iter().filter_map(|root| root.resolved.known());
    let filesystems = lists::FILESYSTEMS.iter().map(|path| (*path).to_owned());
    let filesystems: BTreeSet<String> =
        filesystems.chain(roots.map(|path| path.as_str().to_owned())).collect();
    for path in filesystems {
        ask(Question::StatFs { path: path.clone() });
        ask(Question::Access { path, access: Access::Write });
    }
    for path in limits(facts) {
        ask(Question::Read { path });
    }
}

/// Files of the doctor's own cgroup and of each ancestor that is visible, in every hierarchy.
fn limits(facts: &Facts) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    let mounts = facts.cgroup.mounts.known().map(Vec::as_slice).unwrap_or_default();
    let memberships = facts.cgroup.memberships.known().map(Vec::as_slice).unwrap_or_default();
    for mount in mounts {
        let Some(own) = memberships.iter().find(|m| m.hierarchy == mount.hierarchy) else {
            continue;
        };
        let Some(mut below) = below(mount, &own.path) else { continue };
        loop {
            for name in lists::of_hierarchy(&mount.hierarchy) {
                files.insert(format!("{}{below}/{name}", mount.mount_point));
            }
            match below.rfind('/') {
                Some(at) => below.truncate(at),
                None => break,
            }
        }
    }
    files
}

/// The part of a path that is below what is mounted; empty for the mount point itself.
fn below(mount: &CgroupMount, path: &str) -> Option<String> {
    let rest = path.strip_prefix(mount.root.trim_end_matches('/'))?;
    let visible = !rest.starts_with("/..") && (rest.is_empty() || rest.starts_with('/'));
    visible.then(|| rest.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use dind_doctor_checks::facts::{Fact, Hierarchy, Membership};

    use super::*;

    #[test]
    fn limits_are_read_from_the_own_cgroup_up_to_the_mount_point() {
        let mut facts = Facts::default();
        facts.cgroup.mounts = Fact::Known(vec![CgroupMount {
            hierarchy: Hierarchy::Unified,
            mount_point: "/sys/fs/cgroup".into(),
            root: "/".into(),
            read_only: false,
            super_options: Vec::new(),
        }]);
        facts.cgroup.memberships =
            Fact::Known(vec![Membership { hierarchy: Hierarchy::Unified, path: "/a/b".into() }]);
        let files = limits(&facts);
        for file in ["/a/b/memory.max", "/a/memory.max", "/memory.max"] {
            assert!(files.contains(&format!("/sys/fs/cgroup{file}")), "{file}");
        }
        facts.cgroup.memberships =
            Fact::Known(vec![Membership { hierarchy: Hierarchy::Unified, path: "/../x".into() }]);
        assert!(limits(&facts).is_empty());
    }
}
