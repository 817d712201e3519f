//! Where an engine would make its cgroups: one of the rehearsal's own there, in each hierarchy.

use std::path::{Path, PathBuf};

use dind_doctor_checks::facts::Facts;

const ROOT: &str = "/sys/fs/cgroup";

/// The mounts of cgroups at or in `/sys/fs/cgroup`, each hierarchy once.
pub(super) fn hierarchies(facts: &Facts) -> Vec<PathBuf> {
    let mounts = facts.cgroup.mounts.known().into_iter().flatten();
    let mut found = Vec::new();
    let mut known = Vec::new();
    for mount in mounts {
        let at = Path::new(mount.mount_point.as_str());
        let direct = at == Path::new(ROOT) || at.parent() == Some(Path::new(ROOT));
        if direct && !known.contains(&&mount.hierarchy) {
            known.push(&mount.hierarchy);
            found.push(at.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use dind_doctor_checks::facts::{CgroupMount, Fact, Hierarchy};

    use super::*;

    #[test]
    fn each_hierarchy_is_there_once() {
        let mount = |hierarchy: Hierarchy, mount_point: &str| CgroupMount {
            hierarchy,
            mount_point: mount_point.into(),
            root: "/".into(),
            read_only: false,
            super_options: Vec::new(),
        };
        let memory = || Hierarchy::Controllers(vec!["memory".into()]);
        let mut facts = Facts::default();
        facts.cgroup.mounts = Fact::Known(vec![
            mount(memory(), "/sys/fs/cgroup/memory"),
            mount(memory(), "/sys/fs/cgroup/memory/docker/0123"),
            mount(memory(), "/sys/fs/cgroup/again"),
            mount(Hierarchy::Unified, "/sys/fs/cgroup/unified"),
            mount(Hierarchy::Unified, "/elsewhere"),
        ]);
        let paths = ["/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified"].map(PathBuf::from);
        assert_eq!(hierarchies(&facts), paths);
    }
}
