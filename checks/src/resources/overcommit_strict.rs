use alloc::format;

use super::limits::size;
use crate::{
    facts::{Facts, Why},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{Place, Remedy, Task},
    target::{Severity, Target},
};

check! {
    /// ## What it looks at
    /// Whether `vm.overcommit_memory` is 2, and then how much memory may still be reserved: `CommitLimit` less
    /// `Committed_AS` in `/proc/meminfo`. All three are the machine's, in a container too.
    ///
    /// ## Why it matters
    /// With 2 the kernel counts every page that a process reserves, used or not, and refuses beyond the limit, which by
    /// default is half of the memory and the swap. Go programs reserve much and use little: dockerd and its containerd 290
    /// MiB, every container's shim 140 MiB, runc while it starts one 200 MiB. So containers fail while most of the
    /// memory is free, with `broken pipe` or a crash of the Go runtime, and no OOM kill shows.
    ///
    /// ## When it is fine
    /// With 0, the default, and 1, which kubelet sets. With 2 where there is room for more containers than will run.
    ///
    /// ## How to fix
    /// `sysctl -w vm.overcommit_memory=0`, and no file in `/etc/sysctl.d` that sets it back.
    ///
    /// ## References
    /// Kernel `Documentation/mm/overcommit-accounting.rst`; moby#31834; bgpeer/nodekit#154. The figures were measured with
    /// Docker 20.10, containerd 1.6, runc 1.1 and podman 4.3: pages that the kernel accounts (`ac` in
    /// `/proc/PID/smaps`).
    "overcommit-strict",
    "Strict overcommit leaves too little memory to reserve",
    { dockerd: Error, kind: Error, rootless: Error, buildkit: Error },
    [
        "write init-p: broken pipe",
        "fork/exec /proc/self/exe: cannot allocate memory",
        "runtime: cannot allocate memory",
        "__vm_enough_memory: pid:",
        "not enough memory for the allocation",
    ]
}

/// What is reserved for containers, in bytes.
struct Reserved {
    /// By the daemon, before the first container.
    daemon: u64,
    /// While a container starts.
    start: u64,
    /// By each that runs.
    each: u64,
}

impl Reserved {
    fn of(target: Target) -> Self {
        match target {
            Target::Podman => Self { daemon: 0, start: 190 << 20, each: 1 << 20 },
            Target::Buildkit => Self { daemon: 160 << 20, start: 200 << 20, each: 110 << 20 },
            _ => Self { daemon: 290 << 20, start: 335 << 20, each: 140 << 20 },
        }
    }
}

/// With room for fewer containers than this, it is worth a word.
const SOME: u64 = 10;

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    let settings = &facts.kernel.kubelet_settings;
    let setting = settings.iter().find(|setting| setting.name == "vm/overcommit_memory");
    let mode = setting.map_or(Ok(None), |setting| setting.value.told())?;
    if mode != Some(&2) {
        return Ok(Outcome::pass());
    }
    let memory = facts.resources.memory.get()?;
    let (Some(limit), Some(committed)) = (memory.commit_limit, memory.committed) else {
        return Err(Unknown::new("/proc/meminfo: CommitLimit", Why::NotFound));
    };
    let left = limit.saturating_sub(committed);
    let reserved = Reserved::of(plan.target);
    let runs = daemon(plan.target).is_some_and(|name| facts.engines.here(name).next().is_some());
    let needed = if runs { reserved.start } else { reserved.daemon + reserved.start };
    let engine = plan.engine();
    let (severity, consequence) = if left >= needed + SOME * reserved.each {
        return Ok(Outcome::pass());
    } else if left >= needed {
        let others = 1 + (left - needed) / reserved.each;
        (Severity::Warning, format!("enough for about {others} more containers"))
    } else if runs {
        // What runs goes on.
        (Severity::Warning, format!("no further container starts, which takes {}", size(needed)))
    } else {
        (Severity::Error, format!("{engine} takes {} to run a container", size(needed)))
    };
    Ok(Finding::new(
        "vm.overcommit_memory",
        crate::target::Severities::NONE.with(plan.target, Some(severity)),
        format!(
            "vm.overcommit_memory is 2 and {} can still be reserved, however much is free: {consequence}",
            size(left)
        ),
    )
    .evidence("/proc/sys/vm/overcommit_memory", "2")
    .evidence(
        "/proc/meminfo",
        format!("CommitLimit {}, Committed_AS {}", size(limit), size(committed)),
    )
    .remedy(Remedy::tasks(
        Place::Host,
        "let memory be reserved that is not used, which is the kernel's default, now and at every boot",
        [Task::sysctl("vm.overcommit_memory", "0", "zz-overcommit.conf")],
    ))
    .into())
}

/// The daemon that would be running.
const fn daemon(target: Target) -> Option<&'static str> {
    match target {
        Target::Dockerd | Target::Docker | Target::Kind => Some("dockerd"),
        Target::Rootless => Some("rootlesskit"),
        Target::Buildkit => Some("buildkitd"),
        Target::Systemd | Target::Podman | Target::Sandbox => None,
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{EngineProcess, Fact, Fact::Known, KernelSetting, Memory},
        testing::{healthy_vm, severity_for},
    };

    fn with(mode: i64, left: u64) -> Facts {
        let mut facts = healthy_vm();
        let name = "vm/overcommit_memory".into();
        facts.kernel.kubelet_settings = vec![KernelSetting { name, value: Known(mode), wanted: 1 }];
        facts.resources.memory = Known(Memory {
            total: 4 << 30,
            available: Some(3 << 30),
            commit_limit: Some(2 << 30),
            committed: Some((2 << 30) - left),
        });
        facts
    }

    fn severity(facts: &Facts, target: Target) -> Option<Severity> {
        severity_for(&CHECK, facts, target)
    }

    #[test]
    fn without_room_for_the_daemon_nothing_starts() {
        let facts = with(2, 500 << 20);
        assert_eq!(severity(&facts, Target::Dockerd), Some(Severity::Error));
        assert_eq!(severity(&facts, Target::Podman), None, "it needs less, and keeps nothing");
        assert_eq!(severity(&with(2, 100 << 20), Target::Podman), Some(Severity::Error));
        let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
        assert!(
            found[0].summary.contains("500.0 MiB can still be reserved"),
            "{}",
            found[0].summary
        );
    }

    #[test]
    fn what_runs_goes_on_and_the_next_container_does_not_start() {
        let mut facts = with(2, 200 << 20);
        facts.engines.running = Known(vec![EngineProcess {
            name: "dockerd".into(),
            pid: 7,
            arguments: Known(vec![]),
            same_mount_namespace: Some(true),
        }]);
        assert_eq!(severity(&facts, Target::Dockerd), Some(Severity::Warning));
    }

    #[test]
    fn with_room_for_some_it_is_a_warning_and_for_many_nothing() {
        assert_eq!(severity(&with(2, 1 << 30), Target::Dockerd), Some(Severity::Warning));
        let mut facts = with(2, 2 << 30);
        facts.resources.memory = Known(Memory {
            total: 64 << 30,
            available: None,
            commit_limit: Some(32 << 30),
            committed: Some(4 << 30),
        });
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn the_default_and_what_kubelet_sets_pass() {
        for mode in [0, 1] {
            assert_eq!(judged(&with(mode, 0)), Ok(Outcome::pass()));
        }
    }

    #[test]
    fn without_the_facts_it_is_unknown() {
        let mut facts = with(2, 0);
        facts.resources.memory = Fact::missing("/proc/meminfo", Why::NotPermitted);
        assert!(judged(&facts).is_err());
        facts.kernel.kubelet_settings[0].value = Fact::missing("vm", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
