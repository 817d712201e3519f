//! Limits of the doctor's cgroup and its visible ancestors, in whichever hierarchy has the controller.

use dind_doctor_checks::facts::{
    Cgroup, CgroupLimits, CpuCgroup, CpuQuota, Fact, Hierarchy, MemoryCgroup, Missing, PidsCgroup,
    TreeCgroup, Why,
};

use super::{number, parsed};
use crate::probe::Reader;

/// Ancestors that are looked at; a pod in a kind node in a pod is at the tenth level.
const DEPTH: usize = 32;

/// Version 1 writes a number near 2^63, rounded down to a page, for no limit.
const UNLIMITED: u64 = 1 << 62;

pub(super) fn limits(reader: &Reader, cgroup: &Cgroup) -> CgroupLimits {
    CgroupLimits {
        pids: chain(cgroup, "pids").map(|c| c.each(|path| pids(reader, path))),
        memory: chain(cgroup, "memory").map(|c| c.each(|path| memory(reader, path, c.v1))),
        cpu: chain(cgroup, "cpu").map(|c| c.each(|path| cpu(reader, path, c.v1))),
        tree: unified(cgroup).map(|c| c.each(|path| tree(reader, path))),
    }
}

/// Directories from the doctor's own up to the mount point.
struct Chain {
    directories: Vec<String>,
    v1: bool,
}

impl Chain {
    fn each<T>(&self, row: impl FnMut(&String) -> T) -> Vec<T> {
        self.directories.iter().map(row).collect()
    }
}

/// In the version 1 hierarchy that has `controller`, else in the unified one.
fn chain(cgroup: &Cgroup, controller: &str) -> Fact<Chain> {
    let v1 =
        cgroup.mounts.is_known_and(|mounts| mounts.iter().any(|m| m.hierarchy.has(controller)));
    if v1 { through(cgroup, |h| h.has(controller), true) } else { unified(cgroup) }
}

fn unified(cgroup: &Cgroup) -> Fact<Chain> {
    through(cgroup, |hierarchy| *hierarchy == Hierarchy::Unified, false)
}

fn through(cgroup: &Cgroup, is_it: impl Fn(&Hierarchy) -> bool, v1: bool) -> Fact<Chain> {
    let directories = || -> Result<Vec<String>, Missing> {
        let mounts = known(&cgroup.mounts)?;
        let memberships = known(&cgroup.memberships)?;
        let not_found = |what: &str| Missing::new(what, Why::NotFound);
        let own = memberships
            .iter()
            .find(|m| is_it(&m.hierarchy))
            .ok_or_else(|| not_found("the doctor's cgroup in /proc/self/cgroup"))?;
        // The same hierarchy can be mounted in several places: any that shows the doctor's own cgroup.
        mounts
            .iter()
            .filter(|mount| is_it(&mount.hierarchy))
            .find_map(|mount| ancestors(&mount.mount_point, &mount.root, &own.path))
            .ok_or_else(|| not_found("a mount that shows the doctor's cgroup"))
    };
    Fact::from(directories()).map(|directories| Chain { directories, v1 })
}

fn known<T>(fact: &Fact<T>) -> Result<&T, Missing> {
    match fact {
        Fact::Known(value) => Ok(value),
        Fact::Missing(missing) => Err(missing.clone()),
    }
}

/// From the cgroup `own` up to the mount point; none if it is outside of the directory `root` that is
/// mounted there.
fn ancestors(mount_point: &str, root: &str, own: &str) -> Option<Vec<String>> {
    if own.starts_with("/..") || root.starts_with("/..") {
        return None;
    }
    let rest = own.strip_prefix(root.trim_end_matches('/'))?;
    if !(rest.is_empty() || rest.starts_with('/')) {
        return None;
    }
    let mut below = rest.trim_end_matches('/');
    let mut directories = Vec::new();
    while directories.len() < DEPTH {
        directories.push(format!("{}{below}", mount_point.trim_end_matches('/')));
        let Some(at) = below.rfind('/') else { break };
        below = &below[..at];
    }
    Some(directories)
}

fn pids(reader: &Reader, path: &str) -> PidsCgroup {
    PidsCgroup {
        max: limit(reader, &format!("{path}/pids.max")),
        current: number(reader, &format!("{path}/pids.current")),
        refused: keyed(reader, &format!("{path}/pids.events"), "max"),
        path: path.into(),
    }
}

fn memory(reader: &Reader, path: &str, v1: bool) -> MemoryCgroup {
    let file = |name: &str| format!("{path}/{name}");
    let none = |name: &str| Fact::missing(file(name), Why::NotFound);
    if v1 {
        let inherited = keyed(reader, &file("memory.stat"), "hierarchical_memory_limit");
        return MemoryCgroup {
            max: limit(reader, &file("memory.limit_in_bytes")),
            high: none("memory.high"),
            inherited: inherited.map(|bytes| (bytes < UNLIMITED).then_some(bytes)),
            oom_kills: keyed(reader, &file("memory.oom_control"), "oom_kill"),
            path: path.into(),
        };
    }
    MemoryCgroup {
        max: limit(reader, &file("memory.max")),
        high: limit(reader, &file("memory.high")),
        inherited: none("memory.stat"),
        oom_kills: keyed(reader, &file("memory.events"), "oom_kill"),
        path: path.into(),
    }
}

fn cpu(reader: &Reader, path: &str, v1: bool) -> CpuCgroup {
    let file = |name: &str| format!("{path}/{name}");
    let quota = if v1 {
        // -1 is no quota.
        let quota: Fact<i64> = number(reader, &file("cpu.cfs_quota_us"));
        quota.and_then(|quota| match u64::try_from(quota) {
            Err(_) => Fact::Known(None),
            Ok(quota) => number(reader, &file("cpu.cfs_period_us"))
                .map(|period| Some(CpuQuota { quota, period })),
        })
    } else {
        parsed(reader, &file("cpu.max"), |text| {
            let (quota, period) = text.split_once(' ')?;
            let period = period.parse().ok()?;
            Some(match quota {
                "max" => None,
                quota => Some(CpuQuota { quota: quota.parse().ok()?, period }),
            })
        })
    };
    CpuCgroup {
        quota,
        periods: keyed(reader, &file("cpu.stat"), "nr_periods"),
        throttled: keyed(reader, &file("cpu.stat"), "nr_throttled"),
        path: path.into(),
    }
}

fn tree(reader: &Reader, path: &str) -> TreeCgroup {
    let stat = format!("{path}/cgroup.stat");
    TreeCgroup {
        descendants: keyed(reader, &stat, "nr_descendants"),
        dying: keyed(reader, &stat, "nr_dying_descendants"),
        max: limit(reader, &format!("{path}/cgroup.max.descendants")),
        path: path.into(),
    }
}

/// A number, or `max` for none.
fn limit(reader: &Reader, path: &str) -> Fact<Option<u64>> {
    parsed(reader, path, |text| match text {
        "max" => Some(None),
        number => number.parse().ok().map(|n| (n < UNLIMITED).then_some(n)),
    })
}

/// One value of a file of lines `name value`.
fn keyed(reader: &Reader, path: &str, name: &str) -> Fact<u64> {
    parsed(reader, path, |text| {
        let mut pairs = text.lines().filter_map(|line| line.split_once(' '));
        pairs.find(|(key, _)| *key == name)?.1.trim().parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_ends_at_the_mount_point_and_stays_below_what_is_mounted() {
        let chain = |root, own| ancestors("/sys/fs/cgroup", root, own);
        assert_eq!(
            chain("/", "/a/b").unwrap(),
            ["/sys/fs/cgroup/a/b", "/sys/fs/cgroup/a", "/sys/fs/cgroup"]
        );
        assert_eq!(chain("/", "/").unwrap(), ["/sys/fs/cgroup"]);
        assert_eq!(chain("/docker/a", "/docker/a").unwrap(), ["/sys/fs/cgroup"]);
        assert_eq!(chain("/docker/a", "/docker/ab"), None);
        assert_eq!(chain("/", "/../x"), None);
        assert_eq!(chain("/../..", "/"), None);
        assert_eq!(chain("/", &"/a".repeat(1000)).unwrap().len(), DEPTH);
    }
}
