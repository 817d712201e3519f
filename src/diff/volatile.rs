//! What always differs between two machines, or between two moments of one, and says nothing by itself.
//!
//! What is covered is left out of the differences; it is still brought in where a finding follows from it
//! (free space, zombies).

use serde_json::Value;

/// What is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Two values of the same kind, whatever they are. One that is missing, `null` or of another kind is a
    /// difference all the same.
    Value,
    /// The same, and elements that only one side has.
    Element,
    /// Two numbers that differ by less than a sixteenth.
    Near,
    /// Whatever it is: another fact says the same.
    Derived,
}

use Rule::{Derived, Element, Near, Value as Any};

/// Patterns of paths (`*` is one name), each covering what is below it, by reason.
pub(super) const TABLE: &[(&str, Rule, &[&str])] = &[
    (
        "process ids",
        Any,
        &[
            "identity.pid",
            "top.pid",
            "engines.running[].pid",
            "proxies.daemons[].pid",
            "leftovers.pid_files[].pid",
            "scratch.docker_pid",
            "cgroup.*.procs.pids",
            "cgroup.pod_trees.trees[].procs.pids",
        ],
    ),
    (
        "processes come and go",
        Element,
        &[
            "processes.rows",
            "processes.zombies_of_pid1",
            "cgroup.*.procs.count",
            "cgroup.*.procs.foreign",
            "cgroup.pod_trees.trees[].procs.count",
            "cgroup.pod_trees.trees[].procs.foreign",
            "resources.cgroup.pids[].current",
            "resources.inotify.in_use",
            "resources.key_users",
        ],
    ),
    (
        "what a process does at this moment",
        Any,
        &["pid1.wchan", "pid1.syscall", "top.wchan", "top.syscall"],
    ),
    (
        "services, sessions and containers come and go",
        Element,
        &[
            "cgroup.*.children",
            "resources.cgroup.tree[].descendants",
            "resources.cgroup.tree[].dying",
            "cgroup.controllers[].cgroups",
        ],
    ),
    ("inode numbers", Any, &["identity.namespaces.*.inode"]),
    (
        "numbers that the kernel gives in order",
        Any,
        &[
            "cgroup.controllers[].hierarchy",
            "network.links[].index",
            "mounts.rows[].id",
            "mounts.rows[].parent",
            "mounts.rows[].device",
            "mounts.rows[].propagation.shared",
            "mounts.rows[].propagation.master",
        ],
    ),
    (
        "counters",
        Any,
        &[
            "resources.cgroup.cpu[].periods",
            "resources.cgroup.cpu[].throttled",
            "resources.cgroup.memory[].oom_kills",
            "resources.cgroup.pids[].refused",
            "storage.image_stores",
        ],
    ),
    (
        "free memory and free space",
        Any,
        &[
            "resources.memory.available",
            "resources.memory.committed",
            "storage.data_roots[].space.available",
            "storage.data_roots[].space.inodes_free",
        ],
    ),
    (
        "sizes that are nearly the same",
        Near,
        &[
            "resources.cgroup.pids[].max",
            "resources.inotify",
            "resources.memory.total",
            "resources.processes",
            "resources.threads_max",
            "scratch.run.size",
            "scratch.temporary.size",
            "storage.data_roots[].space.inodes",
            "storage.data_roots[].space.total",
            "userns.max",
        ],
    ),
    ("times", Any, &["clocks.system.realtime", "clocks.system.suspended", "clocks.hardware"]),
    ("the doctor's own release", Any, &["clocks.system.released"]),
    (
        "names of accounts and domains",
        Any,
        &["subids.user", "resolver.*.search", "subids.uids", "subids.gids"],
    ),
    (
        "what other facts say too",
        Derived,
        &[
            "clients.sockets[].mount",
            "storage.data_roots[].filesystem.mount",
            "kernel.version",
            "runtime.evidence",
        ],
    ),
];

/// The reason for which values at this pattern are left out. `None` stands for an element that one side
/// does not have.
pub(super) fn reason(
    pattern: &str,
    left: Option<&Value>,
    right: Option<&Value>,
) -> Option<&'static str> {
    TABLE.iter().find_map(|(reason, rule, patterns)| {
        let covered = patterns.iter().any(|entry| covers(entry, pattern));
        (covered && rule.leaves_out(left, right)).then_some(*reason)
    })
}

impl Rule {
    fn leaves_out(self, left: Option<&Value>, right: Option<&Value>) -> bool {
        let (Some(left), Some(right)) = (left, right) else {
            return matches!(self, Self::Element | Self::Derived);
        };
        match self {
            Self::Derived => true,
            Self::Value | Self::Element => same_kind(left, right),
            Self::Near => match (left.as_f64(), right.as_f64()) {
                (Some(left), Some(right)) => {
                    (left - right).abs() * 16.0 < left.abs().max(right.abs())
                }
                _ => false,
            },
        }
    }
}

fn same_kind(left: &Value, right: &Value) -> bool {
    std::mem::discriminant(left) == std::mem::discriminant(right)
        && !(left.is_object() || left.is_boolean())
}

/// Whether `entry` names what is at `pattern` or above it.
pub(super) fn covers(entry: &str, pattern: &str) -> bool {
    let mut steps = pattern.split('.');
    entry.split('.').all(|wanted| {
        steps.next().is_some_and(|step| {
            wanted == "*" && !step.ends_with(']')
                || wanted == step
                || step.strip_suffix("[]") == Some(wanted)
        })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::{
        bundle::{self, Replay},
        diff::align,
        probe,
    };

    #[test]
    fn an_entry_covers_what_is_below_it() {
        assert!(covers("processes.rows", "processes.rows[].pid"));
        assert!(covers("identity.namespaces.*.inode", "identity.namespaces.net.inode"));
        assert!(!covers("identity.namespaces.*.inode", "identity.namespaces.net.initial"));
        assert!(!covers("mounts.rows[].id", "mounts.rows[].identity"));
        assert!(!covers("identity.pid", "identity"));
    }

    #[test]
    fn a_value_that_is_missing_is_a_difference() {
        let missing = json!({"missing": {"source": "x", "why": "not-permitted"}});
        let told = |right: &Value| reason("identity.pid", Some(&json!(1)), Some(right));
        assert_eq!(told(&json!(2)), Some("process ids"));
        assert_eq!(told(&missing), None);
        assert_eq!(told(&json!(null)), None);
    }

    #[test]
    fn near_is_less_than_a_sixteenth() {
        let reason = |left, right| reason("userns.max", Some(&json!(left)), Some(&json!(right)));
        assert!(reason(1000, 1050).is_some());
        assert!(reason(1000, 1100).is_none());
    }

    /// Patterns of everything in the facts of the recorded environments.
    fn patterns() -> BTreeSet<String> {
        let hosts = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hosts");
        let mut found = BTreeSet::new();
        for host in std::fs::read_dir(hosts).unwrap() {
            let recording = bundle::read(&host.unwrap().path().join("bundle")).unwrap();
            let facts = probe::collect(&Replay::new(recording)).facts;
            collect("", &serde_json::to_value(&facts).unwrap(), &mut found);
        }
        found
    }

    fn collect(pattern: &str, value: &Value, found: &mut BTreeSet<String>) {
        found.insert(pattern.to_owned());
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let dot = if pattern.is_empty() { "" } else { "." };
                    collect(&format!("{pattern}{dot}{name}"), value, found);
                }
            }
            Value::Array(items) => {
                for item in items {
                    collect(&format!("{pattern}[]"), item, found);
                }
            }
            _ => {}
        }
    }

    #[test]
    fn every_entry_of_the_tables_is_in_the_facts() {
        let patterns = patterns();
        let entries = TABLE.iter().flat_map(|(_, _, entries)| entries.iter().copied());
        let lists = align::KEYS.iter().map(|(list, _)| *list).chain(align::ORDERED.iter().copied());
        for entry in entries.chain(lists) {
            assert!(patterns.iter().any(|pattern| covers(entry, pattern)), "{entry}");
        }
    }
}
