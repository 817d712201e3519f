use dind_doctor_checks::facts::{
    CgroupMount, CpuQuota, EngineProcess, InotifyUse, InotifyUser, Membership,
};

use super::*;
use crate::source::{ask, fixed::Fixed};

const LIMITS: &str =
    "Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max processes             7711                 unlimited            processes 
Max open files            1024                 524288               files     
";

fn cgroup(hierarchy: &dind_doctor_checks::facts::Hierarchy, at: &str, own: &str) -> Cgroup {
    Cgroup {
        memberships: Fact::Known(vec![Membership {
            hierarchy: hierarchy.clone(),
            path: own.into(),
        }]),
        mounts: Fact::Known(vec![CgroupMount {
            hierarchy: hierarchy.clone(),
            mount_point: at.into(),
            root: "/".into(),
            read_only: false,
            super_options: vec![],
        }]),
        ..Cgroup::default()
    }
}

fn read(fixed: &Fixed, cgroup: &Cgroup) -> Resources {
    probe(&Reader::new(fixed), cgroup, &Engines::default())
}

#[test]
fn limits_of_version_2_are_read_along_the_ancestors() {
    let fixed = Fixed::new()
        .file("/sys/fs/cgroup/a/pids.max", "max\n")
        .file("/sys/fs/cgroup/pids.max", "2048\n")
        .file("/sys/fs/cgroup/pids.current", "40\n")
        .file("/sys/fs/cgroup/pids.events", "max 3\n")
        .file("/sys/fs/cgroup/memory.max", "1073741824\n")
        .file("/sys/fs/cgroup/memory.events", "low 0\noom 2\noom_kill 1\n")
        .file("/sys/fs/cgroup/cpu.max", "150000 100000\n")
        .file("/sys/fs/cgroup/cpu.stat", "usage_usec 1\nnr_periods 100\nnr_throttled 20\n")
        .file("/sys/fs/cgroup/cgroup.stat", "nr_descendants 5\nnr_dying_descendants 2\n")
        .file("/sys/fs/cgroup/cgroup.max.descendants", "max\n");
    let hierarchy = dind_doctor_checks::facts::Hierarchy::Unified;
    let found = read(&fixed, &cgroup(&hierarchy, "/sys/fs/cgroup", "/a")).cgroup;
    let pids = found.pids.known().unwrap();
    assert_eq!(pids[0].max, Fact::Known(None));
    assert_eq!(
        (pids[1].max.clone(), pids[1].current.clone()),
        (Fact::Known(Some(2048)), Fact::Known(40))
    );
    assert_eq!(pids[1].refused, Fact::Known(3));
    let memory = &found.memory.known().unwrap()[1];
    assert_eq!(memory.max, Fact::Known(Some(1 << 30)));
    assert_eq!(memory.oom_kills, Fact::Known(1));
    let cpu = &found.cpu.known().unwrap()[1];
    assert_eq!(cpu.quota, Fact::Known(Some(CpuQuota { quota: 150_000, period: 100_000 })));
    assert_eq!(cpu.throttled, Fact::Known(20));
    let tree = &found.tree.known().unwrap()[1];
    assert_eq!((tree.dying.clone(), tree.max.clone()), (Fact::Known(2), Fact::Known(None)));
}

#[test]
fn limits_of_version_1_are_read_where_the_controller_is_mounted() {
    let fixed = Fixed::new()
        .file("/sys/fs/cgroup/m/memory.limit_in_bytes", "9223372036854771712\n")
        .file("/sys/fs/cgroup/m/memory.stat", "cache 1\nhierarchical_memory_limit 536870912\n")
        .file("/sys/fs/cgroup/m/memory.oom_control", "oom_kill_disable 0\noom_kill 4\n");
    let memory = dind_doctor_checks::facts::Hierarchy::Controllers(vec!["memory".into()]);
    let found = read(&fixed, &cgroup(&memory, "/sys/fs/cgroup/m", "/")).cgroup;
    let row = &found.memory.known().unwrap()[0];
    assert_eq!(row.max, Fact::Known(None));
    assert_eq!(row.inherited, Fact::Known(Some(512 << 20)));
    assert_eq!(row.oom_kills, Fact::Known(4));
    assert_eq!(found.tree.why(), Some(Why::NotFound));
    let cpu = dind_doctor_checks::facts::Hierarchy::Controllers(vec!["cpu".into()]);
    let fixed = Fixed::new()
        .file("/c/cpu.cfs_quota_us", "50000\n")
        .file("/c/cpu.cfs_period_us", "100000\n");
    let found = read(&fixed, &cgroup(&cpu, "/c", "/")).cgroup;
    assert_eq!(found.cpu.known().unwrap()[0].quota.known().unwrap().unwrap().millicpus(), 500);
    let fixed = Fixed::new().file("/c/cpu.cfs_quota_us", "-1\n");
    let found = read(&fixed, &cgroup(&cpu, "/c", "/")).cgroup;
    assert_eq!(found.cpu.known().unwrap()[0].quota, Fact::Known(None));
}

#[test]
fn limits_of_the_process_and_the_machine_are_read() {
    let in_use =
        InotifyUse { users: vec![InotifyUser { uid: 0, instances: 7 }], ..Default::default() };
    let fixed = Fixed::new()
        .file("/proc/self/limits", LIMITS)
        .file("/proc/self/status", "Name:\tdoctor\nCpus_allowed_list:\t0-2,5\n")
        .file("/proc/sys/fs/inotify/max_user_instances", "128\n")
        .file("/proc/key-users", "    0:    66 65/65 50/1000000 1023/25000000\n 1000: x\n")
        .file(
            "/proc/meminfo",
            "MemTotal:  2048 kB\nMemAvailable:  1024 kB\nCommitLimit: 3 kB\nCommitted_AS: 2 kB\n",
        )
        .file("/proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n/swap\\040a  file 1024 0 -2\n")
        .answer(ask::InotifyInstances, in_use.clone());
    let found = read(&fixed, &Cgroup::default());
    assert_eq!(found.open_files, Fact::Known(Rlimit { soft: Some(1024), hard: Some(524_288) }));
    assert_eq!(found.processes, Fact::Known(Rlimit { soft: Some(7711), hard: None }));
    assert_eq!(found.cpus, Fact::Known(4));
    assert_eq!(found.inotify.instances, Fact::Known(128));
    assert_eq!(found.inotify.in_use, Fact::Known(in_use));
    assert_eq!(found.key_users.known().unwrap().len(), 1);
    assert_eq!(found.key_users.known().unwrap()[0].max_keys, 1_000_000);
    let memory = Memory {
        total: 2 << 20,
        available: Some(1 << 20),
        commit_limit: Some(3 << 10),
        committed: Some(2 << 10),
    };
    assert_eq!(found.memory, Fact::Known(memory));
    assert_eq!(found.swaps, Fact::Known(vec![Swap { name: "/swap\\040a".into(), size: 1024 }]));
}

#[test]
fn hostile_content_is_missing_and_what_is_absent_is_not_found() {
    let fixed = Fixed::new()
        .file("/proc/self/limits", "Max open files \u{1b}[2J lots\n")
        .file("/proc/meminfo", "MemTotal: 99999999999999999999 kB\n")
        .file("/proc/self/status", "Cpus_allowed_list:\t5-2,x\n")
        .file("/proc/key-users", [0xff, b':', b' ', b'1'])
        .file("/proc/swaps", vec![b'x'; 300 * 1024]);
    let found = read(&fixed, &Cgroup::default());
    assert_eq!(found.open_files.why(), Some(Why::Malformed));
    assert_eq!(found.memory.why(), Some(Why::Malformed));
    assert_eq!(found.cpus.why(), Some(Why::Malformed));
    assert_eq!(found.key_users, Fact::Known(vec![]));
    assert_eq!(found.swaps.why(), Some(Why::TooLarge));
    assert_eq!(found.pid_max.why(), Some(Why::NotFound));
    assert_eq!(found.cgroup.pids.why(), Some(Why::NotRecorded));
}

#[test]
fn containers_inherit_the_limits_of_containerd() {
    let containerd = EngineProcess {
        name: "containerd".into(),
        pid: 42,
        arguments: Fact::Known(Vec::new()),
        same_mount_namespace: Some(true),
    };
    let running = Fact::Known(vec![containerd]);
    let engines = Engines { running, ..Engines::default() };
    let fixed = Fixed::new().file("/proc/42/limits", LIMITS);
    let found = probe(&Reader::new(&fixed), &Cgroup::default(), &engines);
    let limit = Rlimit { soft: Some(1024), hard: Some(524_288) };
    assert_eq!(found.containerd_open_files, Some(Fact::Known(limit)));
}

#[test]
fn the_limit_of_dockers_init_script_is_read() {
    let of = |script: &str| {
        let source = Fixed::new().file("/etc/init.d/docker", script);
        init_script(&Reader::new(&source))
    };
    let set = |files, hard_only| Fact::Known(Some(ScriptLimit { files, hard_only }));
    assert_eq!(of("#!/bin/sh\n\tulimit -Hn 524288\n ulimit -u unlimited\n"), set(524_288, true));
    assert_eq!(of("ulimit -n 1048576\n"), set(1_048_576, false));
    assert_eq!(of("# ulimit -n 5\nulimit -n unlimited\nulimit\n"), Fact::Known(None));
    let nothing = Fixed::new();
    assert_eq!(init_script(&Reader::new(&nothing)), Fact::Known(None));
    let closed = nothing.unreadable("/etc/init.d/docker", libc::EACCES);
    assert_eq!(init_script(&Reader::new(&closed)).why(), Some(Why::NotPermitted));
}
