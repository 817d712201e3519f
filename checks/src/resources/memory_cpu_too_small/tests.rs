use alloc::vec;

use super::*;
use crate::{
    facts::{CpuCgroup, CpuQuota, Fact, Memory, MemoryCgroup},
    resources::testing::only_finding,
    testing::{healthy_container, healthy_vm},
};

fn memory_row(path: &str, max: u64, oom_kills: u64) -> MemoryCgroup {
    MemoryCgroup {
        path: path.into(),
        max: Fact::Known(Some(max)),
        high: Fact::Known(None),
        inherited: Fact::missing("memory.stat", Why::NotFound),
        oom_kills: Fact::Known(oom_kills),
    }
}

fn memory(total: u64, available: u64) -> Memory {
    Memory { total, available: Some(available), commit_limit: None, committed: None }
}

fn with_memory(max: u64, oom_kills: u64) -> Facts {
    let mut facts = healthy_container();
    if let Fact::Known(rows) = &mut facts.resources.cgroup.memory {
        rows.push(memory_row("/sys/fs/cgroup", max, oom_kills));
    }
    facts
}

fn with_cpu(quota: u64, throttled: u64) -> Facts {
    let mut facts = healthy_container();
    facts.resources.cgroup.cpu = Fact::Known(vec![CpuCgroup {
        path: "/sys/fs/cgroup".into(),
        quota: Fact::Known(Some(CpuQuota { quota, period: 100_000 })),
        periods: Fact::Known(1000),
        throttled: Fact::Known(throttled),
    }]);
    facts
}

#[test]
fn the_least_limit_of_the_ancestors_counts() {
    let finding = only_finding(judged(&with_memory(1280 << 20, 0)));
    assert_eq!(finding.severity, severities!(kind: Warning));
    assert!(finding.summary.contains("1.2 GiB"));
    assert_eq!(only_finding(judged(&with_memory(200 << 20, 0))).severity, CHECK.worst);
}

#[test]
fn the_control_plane_is_complete_in_640_mib_and_not_in_512() {
    let kind =
        |mib: u64| only_finding(judged(&with_memory(mib << 20, 0))).severity.get(Target::Kind);
    assert_eq!((kind(640), kind(512)), (Some(Severity::Warning), Some(Severity::Error)));
    assert_eq!(judged(&with_memory(1536 << 20, 0)), Ok(Outcome::pass()));
}

#[test]
fn on_version_1_limits_out_of_sight_count_too() {
    let mut facts = healthy_container();
    facts.resources.cgroup.memory = Fact::Known(vec![MemoryCgroup {
        inherited: Fact::Known(Some(512 << 20)),
        max: Fact::Known(None),
        ..memory_row("/sys/fs/cgroup/memory", 0, 0)
    }]);
    let kind = only_finding(judged(&facts)).severity.get(Target::Kind);
    assert_eq!(kind, Some(Severity::Error));
}

#[test]
fn a_machine_of_two_gib_passes_and_one_that_is_full_does_not() {
    let mut facts = healthy_vm();
    facts.resources.memory = Fact::Known(memory(1950 << 20, 1700 << 20));
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    facts.resources.memory = Fact::Known(memory(8 << 30, 300 << 20));
    assert_eq!(
        only_finding(judged(&facts)).severity,
        severities!(dockerd: Info, kind: Warning, rootless: Info, buildkit: Warning)
    );
}

#[test]
fn one_cpu_and_a_small_quota_are_found() {
    let finding = only_finding(judged(&with_cpu(150_000, 0)));
    assert!(finding.summary.starts_with("1.5 CPUs"));
    let mut facts = healthy_vm();
    facts.resources.cpus = Fact::Known(1);
    assert_eq!(only_finding(judged(&facts)).severity.get(Target::Kind), Some(Severity::Warning));
}

#[test]
fn limits_that_were_met_are_told() {
    let killed = only_finding(judged(&with_memory(4 << 30, 2)));
    assert!(killed.summary.starts_with("2 processes were killed"));
    let throttled = only_finding(judged(&with_cpu(400_000, 300)));
    assert!(throttled.summary.contains("300 of 1000"));
    assert_eq!(judged(&with_cpu(400_000, 50)), Ok(Outcome::pass()));
}

#[test]
fn a_session_on_a_host_does_not_limit_a_node() {
    let mut facts = healthy_vm();
    facts.resources.cgroup.memory =
        Fact::Known(vec![memory_row("/sys/fs/cgroup/user.slice/user-0.slice", 1 << 20, 0)]);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn without_any_number_it_is_unknown_and_without_cgroups_the_machine_counts() {
    let mut facts = healthy_container();
    facts.resources.memory = Fact::missing("/proc/meminfo", Why::NotPermitted);
    facts.resources.cgroup.memory = Fact::missing("a mount", Why::NotFound);
    assert!(judged(&facts).is_err());
    let mut facts = healthy_container();
    facts.resources.cgroup.memory = Fact::missing("a mount", Why::NotFound);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    facts.resources.cgroup.memory = Fact::missing("memory.max", Why::NotPermitted);
    assert!(judged(&facts).is_err());
}
