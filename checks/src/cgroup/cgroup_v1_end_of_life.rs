use alloc::{format, string::String, vec::Vec};

use super::cgroup2_not_delegated::is_on_rootless;
use crate::{
    facts::{CgroupMount, CgroupVersion, Facts, Hierarchy, Sandbox},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{Language, Place, Remedy, Snippet},
    target::{Severity, Target},
    version::{Component, KnownVersion, Version},
};

check! {
    /// ## What it looks at
    /// Which cgroup version engines find at `/sys/fs/cgroup`, and the versions of Kubernetes and
    /// systemd that are going to run here. Version 1 with a unified hierarchy beside it
    /// (`/sys/fs/cgroup/unified`, "hybrid") counts as version 1, as it does for runc, Docker and kubelet.
    ///
    /// ## Why it matters
    /// The software above the kernel has left cgroup v1. kubelet 1.35 and later refuses to start unless
    /// told otherwise, 1.31 to 1.34 warn; systemd 258 and later has no v1 code at all, in a container
    /// neither, and 256 and 257 warn of it for half a minute before they start, for which WSL 2 does not wait; kind on a
    /// rootless engine refuses v1 whatever the versions; Docker 29 calls v1 deprecated; rootless engines cannot limit memory or CPU on it. crun, which is
    /// podman's own choice, starts nothing on a hybrid host as soon as one controller is on version 2 (tried with
    /// crun 1.8, and hugetlb there). It is the host's choice: nothing inside a container changes it.
    ///
    /// ## When it is fine
    /// On cgroup v2. With v1, as long as the node image is older than Kubernetes 1.31 (kind's default up
    /// to 0.23) and systemd in the image is older than 256. `cgroup2` in `/proc/filesystems` says nothing:
    /// it only means that the kernel could.
    ///
    /// ## How to fix
    /// Boot the host with `systemd.unified_cgroup_hierarchy=1 cgroup_no_v1=all`; on WSL 2 set
    /// `kernelCommandLine = cgroup_no_v1=all` in `.wslconfig`. Until then use a node image of Kubernetes 1.34
    /// or older, or set kubelet's `failCgroupV1: false`. On a hybrid host have podman use runc.
    ///
    /// ## References
    /// `cgroups(7)`; Kubernetes KEP-4569 and KEP-5573; systemd's NEWS for 256 to 258; moby issue 51111; kind
    /// issue 3433; minikube issue 22315; microsoft/WSL#11857; k3d#1439.
    "cgroup-v1-end-of-life",
    "cgroup v1: current kubelet and systemd refuse it",
    { dockerd: Info, kind: Error, rootless: Warning, systemd: Error, buildkit: Info, podman: Error },
    [
        "kubelet is configured to not run on a host using cgroup v1",
        "running kind with rootless provider requires cgroup v2",
        "Legacy cgroup v1 support selected. This is no longer supported",
        "Refusing to run under cgroup v1",
        "Cgroup v1 support is in maintenance mode",
        "Support for cgroup v1 is deprecated",
        "WARN: cgroup v1",
        "cannot determine cgroup we are running in",
        "kubelet isn't running or healthy",
        "kubelet is not healthy after",
        "cgroups in hybrid mode not supported",
    ]
}

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    let version = *facts.cgroup.version.get()?;
    match version {
        CgroupVersion::V2 => return Ok(Outcome::pass()),
        CgroupVersion::None => {
            return Ok(Outcome::not_applicable("no cgroup filesystem is mounted"));
        }
        CgroupVersion::V1 | CgroupVersion::Hybrid => {}
    }
    if matches!(plan.target, Target::Podman | Target::Rootless) {
        return without_a_node(facts, version);
    }
    let kubernetes = node_version(facts)?;
    let systemd = facts.versions.sure(Component::Systemd)?;
    let kind = match kubernetes.version {
        v if v.at_least(1, 35) => Some(Severity::Error),
        v if v.at_least(1, 31) => Some(Severity::Warning),
        _ => Some(Severity::Info),
    };
    let rootless = plan.target == Target::Kind && on_rootless(facts, plan);
    let kind = if rootless { Some(Severity::Error) } else { kind };
    let in_image = match systemd.version {
        v if v.at_least(258, 0) => Some(Severity::Error),
        // It waits for half a minute, and WSL for ten seconds.
        v if v.at_least(256, 0) && facts.runtime.sandbox == Sandbox::Wsl2 => Some(Severity::Error),
        v if v.at_least(256, 0) => Some(Severity::Warning),
        _ => None,
    };
    let severity = severities!(dockerd: Info, buildkit: Info)
        .with(Target::Kind, kind)
        .with(Target::Systemd, in_image);
    let mut finding = Finding::new(
        "/sys/fs/cgroup",
        severity,
        format!(
            "cgroups are {}: kubelet {} {}, systemd {} {}",
            version.name(),
            kubernetes.version,
            match kind {
                _ if rootless => "would run, and kind on a rootless engine refuses",
                Some(Severity::Error) => "refuses to start",
                Some(Severity::Warning) => "warns",
                _ => "still runs",
            },
            systemd.version,
            match in_image {
                Some(Severity::Error) if !systemd.version.at_least(258, 0) =>
                    "starts after half a minute, which WSL does not wait",
                Some(Severity::Error) => "cannot use it",
                Some(_) => "starts after half a minute",
                None => "still runs",
            },
        ),
    )
    .evidence("statfs and mounts below /sys/fs/cgroup", version.name())
    .rests_on(Component::Kubernetes, &kubernetes)
    .rests_on(Component::Systemd, &systemd)
    .remedy(unified(facts));
    if kind == Some(Severity::Error) && !rootless {
        finding = finding
            .remedy(Remedy::kind_config(
                "until the host has cgroup v2, use a node image whose kubelet still accepts v1",
                serde_json::json!({
                    "nodes": [{"role": "control-plane", "image": "kindest/node:v1.34.0"}],
                }),
            ))
            .remedy(Remedy::kind_config(
                "let the newer kubelet run on v1 all the same; upstream is removing this too",
                serde_json::json!({"kubeadmConfigPatches": [
                    "apiVersion: kubelet.config.k8s.io/v1beta1\n\
                     kind: KubeletConfiguration\n\
                     failCgroupV1: false\n",
                ]}),
            ));
    }
    Ok(finding.into())
}

/// Whether kind's nodes are made by a rootless engine, with which kind insists on cgroup v2.
fn on_rootless(facts: &Facts, plan: &Plan) -> bool {
    facts.identity.euid.is_known_and(|euid| *euid != 0) && is_on_rootless(facts, plan)
}

/// What is true of podman and of rootless Docker alike; no kubelet and no systemd is started.
fn without_a_node(facts: &Facts, version: CgroupVersion) -> Verdict {
    let name = version.name();
    let finding = Finding::new(
        "/sys/fs/cgroup",
        severities!(dockerd: Info, rootless: Warning),
        format!("cgroups are {name}: containers of an ordinary user get no limits, and newer podman drops v1"),
    )
    .evidence("statfs and mounts below /sys/fs/cgroup", name)
    .remedy(unified(facts));
    let (beside, missing) = match crun(facts, version) {
        Ok(beside) => (beside, Vec::new()),
        Err(unknown) => (None, unknown.missing),
    };
    Outcome::settled(beside.into_iter().chain([finding]).collect(), missing, Outcome::pass)
}

/// Controllers that nothing has mounted are on version 2, where that is mounted.
fn crun(facts: &Facts, version: CgroupVersion) -> Result<Option<Finding>, Unknown> {
    let mounts = facts.cgroup.mounts.get()?;
    let beside = |mount: &CgroupMount| {
        mount.hierarchy == Hierarchy::Unified && mount.mount_point == "/sys/fs/cgroup/unified"
    };
    if version != CgroupVersion::Hybrid || !mounts.iter().any(beside) {
        return Ok(None);
    }
    let rows = facts.cgroup.controllers.get()?.iter();
    let told = facts.resources.podman_defaults.known().map(|told| told.runtime.as_str());
    if told.is_some_and(|runtime| runtime.rsplit('/').next() == Some("runc")) {
        return Ok(None);
    }
    let on_v2: Vec<&str> =
        rows.filter(|row| row.enabled && row.hierarchy == 0).map(|row| row.name.as_str()).collect();
    if on_v2.is_empty() {
        return Ok(None);
    }
    let summary = format!(
        "{} on version 2 of a hybrid host: crun starts no container, runc does",
        on_v2.join(", ")
    );
    Ok(Some(
        Finding::new(
            "/sys/fs/cgroup/unified",
            severities!(rootless: Warning, podman: Error),
            summary,
        )
        .evidence("/proc/cgroups", format!("hierarchy 0: {}", on_v2.join(", ")))
        .remedy(Remedy::containers_conf(
            format!("have podman use runc: put this into {}", facts.containers_conf()),
            serde_json::json!({"engine": {"runtime": "runc"}}),
        )),
    ))
}

/// The kubelet that will run: where only kind's version is known, that of its default node image. 0.31
/// brought Kubernetes 1.35, 0.24 brought 1.31 (kind's release notes).
fn node_version(facts: &Facts) -> Result<KnownVersion, Unknown> {
    let kubernetes = facts.versions.sure(Component::Kubernetes)?;
    let kind = facts.versions.of(Component::Kind);
    if !kubernetes.is_assumed() || kind.is_assumed() || kind.version.at_least(0, 31) {
        return Ok(kubernetes);
    }
    let minor = if kind.version.at_least(0, 24) { 34 } else { 30 };
    Ok(KnownVersion { version: Version::new(1, minor, 0), ..kubernetes })
}

fn unified(facts: &Facts) -> Remedy {
    if facts.runtime.sandbox == Sandbox::Wsl2 {
        return Remedy::file(
            Place::Host,
            "put this into %UserProfile%\\.wslconfig, then run wsl --shutdown",
            Snippet::Lines(
                Language::Ini,
                String::from("[wsl2]\nkernelCommandLine = cgroup_no_v1=all"),
            ),
        );
    }
    Remedy::advice(
        Place::Host,
        "boot the host with cgroup v2: add systemd.unified_cgroup_hierarchy=1 cgroup_no_v1=all to the \
         kernel command line",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cgroup::testing::{findings, hybrid_vm, v1_container},
        facts::{Fact, PodmanDefaults, Why},
        testing::{healthy_container, healthy_vm},
    };

    fn severity(kubernetes: Option<&str>, kind: Option<&str>, target: Target) -> Option<Severity> {
        let mut facts = v1_container();
        for (component, version) in [(Component::Kubernetes, kubernetes), (Component::Kind, kind)] {
            if let Some(version) = version {
                facts.versions.give(component, version.parse().unwrap());
            }
        }
        findings(judged(&facts))[0].severity.get(target)
    }

    #[test]
    fn with_nothing_known_the_newest_releases_are_assumed() {
        let found = findings(judged(&v1_container()));
        let of_nodes = severities!(dockerd: Info, kind: Error, systemd: Error, buildkit: Info);
        assert_eq!(found[0].severity, of_nodes);
        assert_eq!(found[1].severity, severities!(rootless: Warning), "in words of its own");
        assert_eq!(found[0].assumed.len(), 2);
    }

    #[test]
    fn a_hybrid_host_counts_as_v1_and_need_not_be_a_container() {
        assert!(findings(judged(&hybrid_vm()))[0].summary.contains("hybrid"));
    }

    #[test]
    fn crun_refuses_a_hybrid_host_with_a_controller_on_version_2() {
        let mut facts = hybrid_vm();
        let Fact::Known(mounts) = &mut facts.cgroup.mounts else { panic!("no mounts") };
        mounts.push(CgroupMount {
            hierarchy: Hierarchy::Unified,
            mount_point: "/sys/fs/cgroup/unified".into(),
            ..mounts[0].clone()
        });
        let Fact::Known(rows) = &mut facts.cgroup.controllers else { panic!("no controllers") };
        for row in rows.iter_mut() {
            row.hierarchy = 3;
        }
        let podman =
            |facts: &Facts| findings(crate::testing::said_of(&CHECK, facts, Target::Podman));
        assert_eq!(podman(&facts).len(), 1);
        let Fact::Known(rows) = &mut facts.cgroup.controllers else { panic!("no controllers") };
        rows[0].hierarchy = 0;
        let name = rows[0].name.clone();
        let found = podman(&facts);
        assert_eq!(found[0].severity, severities!(rootless: Warning, podman: Error));
        assert!(found[0].summary.starts_with(name.as_str()), "{}", found[0].summary);
        let told = facts.resources.podman_defaults.clone();
        facts.resources.podman_defaults = Fact::Known(PodmanDefaults {
            runtime: "/usr/bin/runc".into(),
            ..PodmanDefaults::default()
        });
        assert_eq!(podman(&facts).len(), 1, "podman was told what to do, and does it");
        facts.resources.podman_defaults = told;
        facts.cgroup.controllers = Fact::missing("/proc/cgroups", Why::NotFound);
        assert_eq!(podman(&facts).len(), 1);
    }

    #[test]
    fn older_nodes_warn_and_still_older_ones_run() {
        assert_eq!(severity(Some("1.35"), None, Target::Kind), Some(Severity::Error));
        assert_eq!(severity(Some("1.34.2"), None, Target::Kind), Some(Severity::Warning));
        assert_eq!(severity(Some("1.30"), None, Target::Kind), Some(Severity::Info));
    }

    #[test]
    fn the_version_of_kind_tells_its_default_node() {
        assert_eq!(severity(None, Some("0.11"), Target::Kind), Some(Severity::Info));
        assert_eq!(severity(None, Some("0.30"), Target::Kind), Some(Severity::Warning));
        assert_eq!(severity(None, Some("0.31"), Target::Kind), Some(Severity::Error));
        assert_eq!(severity(Some("1.36"), Some("0.11"), Target::Kind), Some(Severity::Error));
    }

    #[test]
    fn systemd_before_256_is_not_hurt_and_until_258_it_waits() {
        let mut facts = v1_container();
        let of = |facts: &Facts| findings(judged(facts))[0].severity.get(Target::Systemd);
        facts.versions.give(Component::Systemd, Version::new(255, 0, 0));
        assert_eq!(of(&facts), None);
        for version in [256, 257] {
            facts.versions.give(Component::Systemd, Version::new(version, 0, 0));
            facts.runtime.sandbox = Sandbox::None;
            assert_eq!(of(&facts), Some(Severity::Warning));
            facts.runtime.sandbox = Sandbox::Wsl2;
            assert_eq!(of(&facts), Some(Severity::Error));
        }
    }

    #[test]
    fn kind_on_a_rootless_engine_refuses_v1_with_any_kubelet() {
        let mut facts = v1_container();
        facts.versions.give(Component::Kubernetes, Version::new(1, 26, 4));
        facts.identity.euid = Fact::Known(1000);
        let of = |facts: &Facts| {
            findings(crate::testing::said_of(&CHECK, facts, Target::Kind))[0].clone()
        };
        assert_eq!(of(&facts).severity.get(Target::Kind), Some(Severity::Info));
        let set = |name: &str, value: &str| Fact::Known([(name.into(), value.into())].into());
        facts.runtime.variables = set("KIND_EXPERIMENTAL_PROVIDER", "podman");
        let refused = of(&facts);
        assert_eq!(refused.severity.get(Target::Kind), Some(Severity::Error));
        assert_eq!(refused.remedies.len(), 1, "no node image helps");
        facts.runtime.variables = set("DOCKER_HOST", "unix:///run/user/1000/docker.sock");
        assert_eq!(of(&facts).severity.get(Target::Kind), Some(Severity::Error));
        facts.identity.euid = Fact::Known(0);
        assert_eq!(of(&facts).severity.get(Target::Kind), Some(Severity::Info));
    }

    #[test]
    fn wsl_is_configured_on_the_windows_side() {
        let mut facts = v1_container();
        facts.runtime.sandbox = Sandbox::Wsl2;
        assert!(findings(judged(&facts))[0].remedies[0].text.contains(".wslconfig"));
    }

    #[test]
    fn v2_passes_and_without_cgroups_the_question_does_not_arise() {
        assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
        assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
        let mut facts = healthy_container();
        facts.cgroup.version = Fact::Known(CgroupVersion::None);
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn without_the_version_it_is_unknown() {
        let mut facts = v1_container();
        facts.cgroup.version = Fact::missing("/sys/fs/cgroup", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
