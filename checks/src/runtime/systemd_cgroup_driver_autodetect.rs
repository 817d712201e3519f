use alloc::format;

use crate::{
    facts::{CgroupVersion, Facts, Role},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{DaemonOption, Remedy},
};

check! {
    /// ## What it looks at
    /// On cgroup v2: whether `/run/systemd/system` is a directory although PID 1 is not systemd, and whether
    /// dockerd is told a cgroup driver (`native.cgroupdriver` in daemon.json or on its command line).
    ///
    /// ## Why it matters
    /// dockerd takes the systemd driver if and only if it finds cgroup v2 and that directory. With the
    /// host's `/run` mounted into the container it asks the *host's* systemd to make its cgroups, or finds
    /// nobody to ask, and no container starts. A kubelet beside it that was told `cgroupfs` refuses the
    /// mismatch.
    ///
    /// ## When it is fine
    /// Where PID 1 is systemd. On cgroup v1, where dockerd takes cgroupfs. With a driver that is configured.
    ///
    /// ## How to fix
    /// `dockerd --exec-opt native.cgroupdriver=cgroupfs`, or do not mount the host's `/run`.
    ///
    /// ## References
    /// moby `daemon/daemon_unix.go`, `UsingSystemd`; runc `libcontainer/cgroups/systemd`, `IsRunningSystemd`;
    /// aws-controllers-k8s/test-infra pull request 903.
    "systemd-cgroup-driver-autodetect",
    "dockerd takes the systemd driver, and there is no systemd",
    Docker,
    { dockerd: Warning, kind: Warning, rootless: Warning },
    [
        "dial unix /run/systemd/private",
        "Interactive authentication required",
        "is different from docker cgroup driver",
    ]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    if *facts.cgroup.version.get()? != CgroupVersion::V2 {
        return Ok(Outcome::not_applicable("not cgroup v2: dockerd takes cgroupfs"));
    }
    if facts.pid1.known_role()? == Role::Systemd {
        return Ok(Outcome::pass());
    }
    if !*facts.leftovers.systemd_directory.get()? {
        return Ok(Outcome::pass());
    }
    if is_configured(facts) {
        return Ok(Outcome::pass());
    }
    // Only its name or executable tells that PID 1 is not systemd.
    if facts.pid1.exe.known().is_none() {
        facts.pid1.comm.get()?;
    }
    let mounted = facts.mounts.known().and_then(|table| table.holding("/run/systemd/system"));
    let place = mounted.map_or("unknown", |mount| mount.mount_point.as_str());
    let option = DaemonOption {
        argument: "--exec-opt=native.cgroupdriver=cgroupfs".into(),
        keys: ["exec-opts"].into(),
        value: ["native.cgroupdriver=cgroupfs"].as_slice().into(),
    };
    Ok(Finding::new(
        "/run/systemd/system",
        CHECK.worst,
        format!("/run/systemd/system is there, but PID 1 is {}: not systemd", facts.pid1.name()),
    )
    .evidence("stat: /run/systemd/system", "a directory")
    .evidence("/proc/self/mountinfo: /run/systemd/system", format!("on the mount at {place}"))
    .evidence("/proc/1/comm", facts.pid1.name())
    .remedy(Remedy::daemon("tell dockerd to make its cgroups itself", [option]))
    .into())
}

fn is_configured(facts: &Facts) -> bool {
    const NAME: &str = "native.cgroupdriver=";
    let in_file =
        facts.engines.configured(&["exec-opts"]).and_then(serde_json::Value::as_array).is_some_and(
            |options| {
                options.iter().any(|option| option.as_str().is_some_and(|o| o.starts_with(NAME)))
            },
        );
    let mut daemons = facts.engines.here("dockerd");
    in_file || daemons.any(|d| d.flag("exec-opt").is_some_and(|value| value.starts_with(NAME)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        facts::{DaemonConfig, Fact, Fact::Known, Why},
        testing::{healthy_container, healthy_vm},
    };

    fn with_directory() -> Facts {
        let mut facts = healthy_container();
        facts.leftovers.systemd_directory = Known(true);
        facts
    }

    #[test]
    fn the_directory_without_systemd_is_found() {
        assert!(matches!(judged(&with_directory()), Ok(Outcome::Found(_))));
    }

    #[test]
    fn systemd_itself_and_no_directory_pass() {
        assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
        assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
    }

    #[test]
    fn a_configured_driver_passes() {
        let mut facts = with_directory();
        facts.engines.daemon_json = Known(DaemonConfig {
            path: "/etc/docker/daemon.json".into(),
            content: json!({"exec-opts": ["native.cgroupdriver=cgroupfs"]}),
        });
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn cgroup_v1_is_not_judged() {
        let mut facts = with_directory();
        facts.cgroup.version = Known(CgroupVersion::V1);
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn without_the_directory_or_the_name_it_is_unknown() {
        let missing = || Why::NotPermitted;
        let mut facts = healthy_container();
        facts.leftovers.systemd_directory = Fact::missing("/run/systemd/system", missing());
        assert!(judged(&facts).is_err());
        let mut facts = with_directory();
        facts.pid1.exe = Fact::missing("/proc/1/exe", missing());
        facts.pid1.comm = Fact::missing("/proc/1/comm", missing());
        assert!(judged(&facts).is_err());
    }
}
