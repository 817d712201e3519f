use alloc::format;

use crate::{
    facts::{CgroupVersion, Fact, Facts, Sandbox},
    outcome::{Finding, Outcome, Verdict},
    remedy::{Place, Remedy},
};

check! {
    /// ## What it looks at
    /// Under cgroup v2: the kernel release, and whether the kernel has `bpf(2)`
    /// (`/proc/sys/kernel/unprivileged_bpf_disabled` exists).
    ///
    /// ## Why it matters
    /// Version 2 has no devices controller. Runtimes attach a BPF program to each container's cgroup
    /// instead (`BPF_CGROUP_DEVICE`, Linux 4.15), and start nothing where the kernel cannot.
    ///
    /// ## When it is fine
    /// Under version 1 there is a controller. In a user namespace runc and crun attach no filter: that of
    /// the container around it goes on to hold. Kernels with `bpf(2)` from 4.15 on have the program type
    /// unless they were built without `CONFIG_CGROUP_BPF`, which nothing passive shows.
    ///
    /// ## How to fix
    /// A kernel from 4.15 on with `CONFIG_BPF_SYSCALL` and `CONFIG_CGROUP_BPF`, or cgroup v1.
    ///
    /// ## References
    /// Kernel `Documentation/admin-guide/cgroup-v2.rst`, "Device controller"; runc#2366, runc#2766,
    /// runc#2792, runc#3867.
    "bpf-device-filter",
    "The kernel cannot filter devices for cgroup v2 containers",
    "B/B/-/-/B",
    [
        "bpf_prog_query(BPF_CGROUP_DEVICE) failed",
        "error while loading device filter",
        "failed to call BPF_PROG_ATTACH (BPF_CGROUP_DEVICE",
    ]
}

fn run(facts: &Facts) -> Verdict {
    if facts.runtime.sandbox == Sandbox::Gvisor {
        return Ok(Outcome::not_applicable("gVisor is its own kernel: see sandboxed-kernel"));
    }
    match facts.cgroup.version.get()? {
        CgroupVersion::V2 => {}
        CgroupVersion::V1 | CgroupVersion::Hybrid => {
            return Ok(Outcome::not_applicable("cgroup v1 has a devices controller"));
        }
        CgroupVersion::None => {
            return Ok(Outcome::not_applicable("no cgroup filesystem is mounted"));
        }
    }
    if facts.identity.namespaces.user_is_private().is_yes() {
        return Ok(Outcome::not_applicable("in a user namespace runtimes attach no device filter"));
    }
    let kernel = &facts.kernel;
    let release = kernel.release.known().map_or("", |release| release.as_str());
    let remedy = Remedy::advice(
        Place::Host,
        "use a kernel from 4.15 on with CONFIG_BPF_SYSCALL and CONFIG_CGROUP_BPF, or boot with cgroup v1",
    );
    if kernel.version.is_known_and(|version| !version.at_least(4, 15)) {
        let summary = format!(
            "kernel {release} cannot filter devices for cgroup v2 (4.15): runtimes start no container"
        );
        return Ok(Finding::new("cgroup v2", CHECK.worst, summary)
            .evidence("uname", release)
            .remedy(remedy)
            .into());
    }
    if kernel.bpf == Fact::Known(false) {
        return Ok(Finding::new(
            "bpf(2)",
            CHECK.worst,
            "the kernel has no bpf(2): runtimes cannot filter devices, and start no container",
        )
        .evidence("/proc/sys/kernel/unprivileged_bpf_disabled", "does not exist")
        .remedy(remedy)
        .into());
    }
    kernel.version.get()?;
    kernel.bpf.get()?;
    Ok(Outcome::pass())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact::Known, Why},
        testing::{healthy_container, healthy_vm, private},
        version::Version,
    };

    #[test]
    fn todays_kernels_pass() {
        assert_eq!(run(&healthy_container()), Ok(Outcome::pass()));
        assert_eq!(run(&healthy_vm()), Ok(Outcome::pass()));
    }

    #[test]
    fn old_kernels_and_those_without_bpf_are_found() {
        let mut facts = healthy_vm();
        facts.kernel.version = Known(Version::new(4, 14, 0));
        assert!(matches!(run(&facts), Ok(Outcome::Found(_))));
        let mut facts = healthy_vm();
        facts.kernel.bpf = Known(false);
        assert!(matches!(run(&facts), Ok(Outcome::Found(_))));
    }

    #[test]
    fn version_1_and_user_namespaces_need_no_filter() {
        let mut facts = healthy_container();
        facts.kernel.bpf = Known(false);
        facts.cgroup.version = Known(CgroupVersion::Hybrid);
        assert!(matches!(run(&facts), Ok(Outcome::NotApplicable(_))));
        facts.cgroup.version = Known(CgroupVersion::V2);
        facts.identity.namespaces.user = private(4_026_532_600);
        assert!(matches!(run(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn without_the_facts_it_is_unknown() {
        let mut facts = healthy_container();
        facts.kernel.bpf = Fact::missing("/proc/sys/kernel", Why::NotRecorded);
        assert!(run(&facts).is_err());
        facts.cgroup.version = Fact::missing("/sys/fs/cgroup", Why::NotPermitted);
        assert!(run(&facts).is_err());
    }
}
