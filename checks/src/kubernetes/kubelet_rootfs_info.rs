use alloc::{format, vec::Vec};

use serde_json::json;

use crate::{
    facts::{DataRoot, DataRootOwner, Fact, Facts, Mount},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, Place, Remedy},
    version::Component,
};

check! {
    /// ## What it looks at
    /// Whether dockerd's data root, on which the nodes of kind live, or the directory of a kubelet right
    /// here is on btrfs, and whether the device that the mount names (`/dev/mapper/luks-1`) exists in this `/dev`.
    ///
    /// ## Why it matters
    /// kubelet asks for the device of `/var/lib/kubelet`. On btrfs `stat(2)` answers with a number that
    /// is no disk's (major 0), so cAdvisor looks at the device node by its name. Where that is missing, kubelet
    /// stops with `could not find device with major: 0`. A node of kind has the devices that this `/dev`
    /// has, but not the links below `/dev/mapper`; kind mounts that directory into its nodes, from here.
    ///
    /// ## When it is fine
    /// On ext4 and xfs, encrypted or not, the numbers agree. On btrfs where the device is in `/dev` here, as
    /// on any host; kind before 0.11 forgets `/dev/mapper` where Docker uses overlay2. zfs needs no device node.
    ///
    /// ## How to fix
    /// Pass the host's `/dev/mapper` into this container, put the data root on ext4 or xfs, or let
    /// kubelet do without: `localStorageCapacityIsolation: false`, before Kubernetes 1.25 the feature gate of
    /// that name. For k3d: `--volume /dev/mapper:/dev/mapper`.
    ///
    /// ## References
    /// cAdvisor `fs/fs.go`; kind `mountDevMapper`; <https://github.com/kubernetes-sigs/kind/issues/2411>,
    /// <https://github.com/k3d-io/k3d/issues/493>.
    "kubelet-rootfs-info",
    "kubelet cannot find the device of its directory (btrfs)",
    { kind: Error },
    [
        "failed to get rootfs info",
        "in cached partitions map",
        "failed to get device for dir",
        "stat failed on /dev/mapper/",
        "Failed to start ContainerManager",
        "kubelet isn't running or healthy",
        "kubelet is not healthy after",
    ]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let mut on_btrfs = false;
    let mut findings: Vec<Finding> = Vec::new();
    let mut missing = Vec::new();
    for root in facts.storage.data_roots.iter().filter(|root| is_judged(facts, root)) {
        match judge(facts, root) {
            Ok(Judged::Elsewhere) => {}
            Ok(Judged::Found) => on_btrfs = true,
            Ok(Judged::Lost(finding)) => findings.push(*finding),
            Err(unknown) => missing.extend(unknown.missing),
        }
    }
    if !findings.is_empty() {
        return Ok(Outcome::Found(findings));
    }
    if !missing.is_empty() {
        return Err(Unknown { missing, remedy: None });
    }
    Ok(if on_btrfs {
        Outcome::pass()
    } else {
        Outcome::not_applicable("neither dockerd's nor a kubelet's directory is on btrfs")
    })
}

/// The nodes of kind are on dockerd's data root; a kubelet is here if its directory is.
fn is_judged(facts: &Facts, root: &DataRoot) -> bool {
    match root.owner {
        DataRootOwner::Docker => true,
        DataRootOwner::Kubelet => root.exists && facts.engines.here("kubelet").next().is_some(),
        _ => false,
    }
}

enum Judged {
    /// Not on btrfs, or not on a device.
    Elsewhere,
    /// On btrfs, and its device is found.
    Found,
    Lost(alloc::boxed::Box<Finding>),
}

fn judge(facts: &Facts, root: &DataRoot) -> Result<Judged, Unknown> {
    let filesystem = root.filesystem.get()?;
    let Some(mount) = filesystem.mount.as_ref().filter(|m| m.fstype == "btrfs") else {
        return Ok(Judged::Elsewhere);
    };
    let source = mount.source.as_str();
    let Some(device) = facts.storage.source_devices.iter().find(|device| device.path == source)
    else {
        return Ok(Judged::Elsewhere);
    };
    let lost = if *device.exists.get()? {
        let kind = facts.versions.of(Component::Kind);
        let forgets = !kind.is_assumed() && !kind.version.at_least(0, 11);
        (forgets && root.owner == DataRootOwner::Docker && source.starts_with("/dev/mapper/"))
            .then(|| finding(facts, root, mount, &format!("kind {} does not pass", kind.version)))
    } else {
        Some(finding(facts, root, mount, "this /dev does not have"))
    };
    Ok(lost.map_or(Judged::Found, |finding| Judged::Lost(finding.into())))
}

fn finding(facts: &Facts, root: &DataRoot, mount: &Mount, reason: &str) -> Finding {
    let source = mount.source.as_str();
    let kubernetes = facts.versions.of(Component::Kubernetes);
    let (patch, since) = if kubernetes.version.at_least(1, 25) {
        (
            "localStorageCapacityIsolation: false\n",
            "without it, pods have no limits on local storage",
        )
    } else {
        ("featureGates:\n  LocalStorageCapacityIsolation: false\n", "by the feature gate")
    };
    let mut finding = Finding::new(
        root.path.as_str(),
        CHECK.worst,
        format!("{} is on btrfs on {source}, which {reason}: kubelet does not start", root.path),
    )
    .evidence(format!("/proc/self/mountinfo: {}", mount.mount_point), format!("btrfs on {source}"))
    .rests_on(Component::Kubernetes, &kubernetes);
    if let Some(device) = facts.storage.source_devices.iter().find(|d| d.path == source)
        && let Fact::Known(exists) = &device.exists
    {
        finding = finding
            .evidence(format!("stat {source}"), if *exists { "exists" } else { "not found" });
    }
    finding
        .remedy(Remedy::kind_config(
            format!("let kubelet do without the size of its filesystem ({since})"),
            json!({"kubeadmConfigPatches": [format!(
                "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n{patch}"
            )]}),
        ))
        .remedy(Remedy::container(
            "put dockerd's data root on a volume whose filesystem is ext4 or xfs",
            [ContainerSetting::Volume(root.path.as_str().into())],
        ))
        .remedy(Remedy::advice(
            Place::Container,
            format!("make {source} visible here: mount the host's /dev/mapper to /dev/mapper"),
        ))
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{Filesystem, SourceDevice, Why},
        testing::{healthy_container, healthy_vm, mount},
        version::Version,
    };

    const LUKS: &str = "/dev/mapper/luks-1";

    fn on(fstype: &str, source: &str, exists: Fact<bool>) -> Facts {
        let mut facts = healthy_container();
        let mount = Mount { source: source.into(), ..mount("/var/lib/docker", fstype, &["rw"]) };
        facts.storage.data_roots[0].filesystem =
            Fact::Known(Filesystem { magic: 0, mount: Some(mount), d_type: Some(true) });
        facts.storage.source_devices = vec![SourceDevice { path: source.into(), exists }];
        facts
    }

    fn found(facts: &Facts) -> Finding {
        match judged(facts) {
            Ok(Outcome::Found(mut found)) if found.len() == 1 => found.remove(0),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn btrfs_on_a_device_that_is_not_here_is_found() {
        let finding = found(&on("btrfs", LUKS, Fact::Known(false)));
        assert_eq!(finding.severity, CHECK.worst);
        assert!(finding.summary.contains(LUKS));
    }

    #[test]
    fn an_older_kind_forgets_dev_mapper() {
        let mut facts = on("btrfs", LUKS, Fact::Known(true));
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
        facts.versions.give(Component::Kind, Version::new(0, 10, 0));
        assert!(found(&facts).summary.contains("kind 0.10.0"));
        let mut plain = on("btrfs", "/dev/sda2", Fact::Known(true));
        plain.versions.give(Component::Kind, Version::new(0, 10, 0));
        assert_eq!(judged(&plain), Ok(Outcome::pass()));
    }

    #[test]
    fn encrypted_ext4_zfs_and_healthy_environments_are_not_judged() {
        for facts in [
            on("ext4", LUKS, Fact::Known(false)),
            on("zfs", "tank/docker", Fact::Known(false)),
            healthy_container(),
            healthy_vm(),
        ] {
            assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
        }
    }

    #[test]
    fn without_the_filesystem_or_the_device_it_is_unknown() {
        assert!(judged(&on("btrfs", LUKS, Fact::missing(LUKS, Why::NotPermitted))).is_err());
        let mut facts = healthy_container();
        facts.storage.data_roots[0].filesystem = Fact::missing("statfs", Why::TimedOut);
        assert!(judged(&facts).is_err());
    }
}
