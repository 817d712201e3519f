use alloc::{format, vec::Vec};

use crate::{
    facts::{ControllerRow, Facts, TreeCgroup},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{Place, Remedy, Task},
};

check! {
    /// ## What it looks at
    /// cgroup v1: the number of memory cgroups in `/proc/cgroups`, which is host-wide. cgroup v2:
    /// `nr_descendants` and `nr_dying_descendants` of `cgroup.stat` beside `cgroup.max.descendants`, for
    /// the doctor's cgroup and every visible ancestor.
    ///
    /// ## Why it matters
    /// The kernel has 65535 ids for memory cgroups. A cgroup that was removed keeps its id while page cache
    /// or swap is charged to it, and engines that are killed leave theirs behind. When they are used up,
    /// making a cgroup fails with `cannot allocate memory` or `no space left on device`, and before that
    /// everything that walks the tree is slow.
    ///
    /// ## When it is fine
    /// With a few thousand: a busy node has them. Dying cgroups go when memory is needed.
    ///
    /// ## How to fix
    /// Remove what engines left behind, drop caches so that dying cgroups go, and in the end reboot the host.
    /// Kernels from 5.x on leak far less.
    ///
    /// ## References
    /// Kernel `Documentation/admin-guide/cgroup-v2.rst`, `mm/memcontrol.c` (`MEM_CGROUP_ID_MAX`); kind
    /// issues 421 and 759; istio/test-infra issue 1988.
    "cgroup-leak",
    "Left-over cgroups pile up",
    { dockerd: Info, kind: Info },
    ["cannot allocate memory", "no space left on device"]
}

/// Half of the ids of memory cgroups.
const IDS: u32 = 32_768;

/// The ids that the kernel has.
const MAX_IDS: u32 = 65_535;

/// More than a busy node has, and several times what other controllers have.
const MANY: u32 = 8192;

/// Cgroups that are removed and still referred to.
const DYING: u64 = 10_000;

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let v1 = facts.cgroup.version.get()?.is_v1();
    let findings: Vec<Finding> = if v1 {
        let rows = facts.cgroup.controllers.get()?;
        memory(rows).into_iter().collect()
    } else {
        let rows = facts.resources.cgroup.tree.get()?;
        rows.iter().filter_map(tree).collect()
    };
    Ok(Outcome::of(findings))
}

/// Memory cgroups leak, others do not: many more of them than of any other is the sign.
fn memory(rows: &[ControllerRow]) -> Option<Finding> {
    let memory = rows.iter().find(|row| row.name == "memory" && row.hierarchy != 0)?;
    let others = rows.iter().filter(|row| row.name != "memory").map(|row| row.cgroups).max();
    let others = others.unwrap_or(0);
    let leaked = memory.cgroups >= MANY && memory.cgroups / 4 > others;
    if memory.cgroups < IDS && !leaked {
        return None;
    }
    Some(
        Finding::new(
            "memory",
            CHECK.worst,
            format!(
                "{} memory cgroups on this host, of at most {MAX_IDS}; no other controller has more than \
                 {others}",
                memory.cgroups
            ),
        )
        .evidence("/proc/cgroups", format!("memory num_cgroups {}", memory.cgroups))
        .remedy(let_go()),
    )
}

fn tree(row: &TreeCgroup) -> Option<Finding> {
    let descendants = row.descendants.known().copied().unwrap_or(0);
    let dying = row.dying.known().copied().unwrap_or(0);
    let max = row.max.known().copied().flatten();
    let nearly = max.is_some_and(|max| descendants >= max - max / 10);
    if dying < DYING && !nearly {
        return None;
    }
    let limit = max.map_or_else(|| "max".into(), |max| format!("{max}"));
    let finding = Finding::new(
        row.path.as_str(),
        CHECK.worst,
        format!(
            "{descendants} cgroups below (at most {limit}), and {dying} removed that do not go"
        ),
    )
    .evidence(
        format!("{}/cgroup.stat", row.path),
        format!("nr_descendants {descendants}, nr_dying_descendants {dying}"),
    )
    .evidence(format!("{}/cgroup.max.descendants", row.path), limit);
    Some(if nearly {
        finding.remedy(Remedy::tasks(
            Place::Here,
            "lift the limit, where this cgroup may be written",
            [Task::Write {
                path: format!("{}/cgroup.max.descendants", row.path),
                value: "max".into(),
            }],
        ))
    } else {
        finding.remedy(let_go())
    })
}

fn let_go() -> Remedy {
    Remedy::commands(
        Place::Host,
        "drop caches, so that what is charged to removed cgroups goes with them",
        ["sync && echo 3 > /proc/sys/vm/drop_caches"],
    )
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{CgroupVersion, Fact, Why},
        resources::testing::only_finding,
        testing::{healthy_container, healthy_vm},
    };

    fn v1(memory: u32, others: u32) -> Facts {
        let mut facts = healthy_vm();
        let row = |name: &str, hierarchy, cgroups| ControllerRow {
            name: name.into(),
            hierarchy,
            cgroups,
            enabled: true,
        };
        facts.cgroup.version = Fact::Known(CgroupVersion::Hybrid);
        facts.cgroup.controllers =
            Fact::Known(vec![row("cpu", 2, others), row("memory", 3, memory)]);
        facts
    }

    fn v2(descendants: u64, dying: u64, max: Option<u64>) -> Facts {
        let mut facts = healthy_container();
        facts.resources.cgroup.tree = Fact::Known(vec![TreeCgroup {
            path: "/sys/fs/cgroup".into(),
            descendants: Fact::Known(descendants),
            dying: Fact::Known(dying),
            max: Fact::Known(max),
        }]);
        facts
    }

    #[test]
    fn memory_cgroups_that_outnumber_the_others_are_found() {
        assert!(only_finding(judged(&v1(20_000, 300))).summary.starts_with("20000 memory"));
        assert_eq!(only_finding(judged(&v1(60_000, 50_000))).severity, CHECK.worst);
        assert_eq!(judged(&v1(9000, 8000)), Ok(Outcome::pass()));
        assert_eq!(judged(&v1(200, 10)), Ok(Outcome::pass()));
    }

    #[test]
    fn dying_cgroups_and_a_limit_that_is_near_are_found() {
        assert!(only_finding(judged(&v2(50, 20_000, None))).summary.contains("20000 removed"));
        let near = only_finding(judged(&v2(95, 0, Some(100))));
        assert!(format!("{:?}", near.remedies).contains("cgroup.max.descendants"));
        assert_eq!(judged(&v2(50, 300, Some(100))), Ok(Outcome::pass()));
    }

    #[test]
    fn without_the_numbers_it_is_unknown() {
        let mut facts = healthy_container();
        facts.resources.cgroup.tree = Fact::missing("cgroup.stat", Why::NotPermitted);
        assert!(judged(&facts).is_err());
        let mut facts = v1(1, 1);
        facts.cgroup.controllers = Fact::missing("/proc/cgroups", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
