//! What separates this environment from a privileged container, piece by piece.

use alloc::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec::Vec,
};

use serde::Serialize;

use crate::facts::{
    Capability, CapabilitySet, Device, Facts, Hierarchy, Mount, Seccomp, Security, Tri, Why,
};

/// Whether this environment has what a privileged container has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Privileged {
    /// Nothing is missing.
    Yes,
    /// An ordinary container: not even `CAP_SYS_ADMIN`.
    No,
    /// `CAP_SYS_ADMIN` is there, something else is not.
    Partly,
    /// A part could not be read, and nothing that was read is missing; or capabilities are not known.
    Unknown,
}

impl Privileged {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Partly => "partly",
            Self::Unknown => "unknown",
        }
    }
}

/// The capabilities without which no rootful engine runs a container: the fourteen that Docker and
/// containerd give to an ordinary one (runc fails with "unable to apply caps" if one of them cannot be
/// given), and `CAP_SYS_ADMIN` and `CAP_NET_ADMIN` for the engine's own mounts and bridges.
pub(crate) const NEEDED: CapabilitySet = CapabilitySet(0xa804_25fb | 1 << 21 | 1 << 12);

/// The highest capability that counts. Those after it (PERFMON, BPF, CHECKPOINT_RESTORE) are parts of
/// `CAP_SYS_ADMIN`, and a privileged container made by Docker 20.10 does not have them.
const HIGHEST: u8 = 37;

/// Whether this environment is privileged, and what is missing: `capability:CAP_SYS_ADMIN`, `seccomp`,
/// `lsm:docker-default`, `mount:/sys`, `user-namespace`, and in an unprivileged container also
/// `device:/dev/fuse`.
///
/// Capabilities are those of the bounding set, which is what a daemon that is started here can get; the
/// doctor itself may be an ordinary user.
pub fn missing_privileges(facts: &Facts) -> (Privileged, Vec<String>) {
    let capabilities = capabilities(facts);
    let mut items: Vec<String> = capabilities
        .into_iter()
        .flat_map(CapabilitySet::iter)
        .map(|capability| format!("capability:{capability}"))
        .collect();
    if has_seccomp_filter(facts) {
        items.push("seccomp".into());
    }
    items.extend(confinement(&facts.security).map(|name| format!("lsm:{name}")));
    items.extend(read_only_mounts(facts).into_iter().map(|place| format!("mount:{place}")));
    if facts.identity.namespaces.user_is_private().is_yes() {
        items.push("user-namespace".into());
    }
    let ordinary = capabilities.is_some_and(|missing| missing.has(Capability::SYS_ADMIN));
    if ordinary {
        items.extend(missing_devices(facts).map(|device| format!("device:{}", device.path())));
    }
    let is = match capabilities {
        Some(_) if ordinary => Privileged::No,
        Some(_) if !items.is_empty() => Privileged::Partly,
        Some(_) if is_all_known(facts) => Privileged::Yes,
        None | Some(_) => Privileged::Unknown,
    };
    (is, items)
}

/// The capabilities that a privileged container would have and this environment cannot give.
pub(super) fn capabilities(facts: &Facts) -> Option<CapabilitySet> {
    let bounding = facts.capabilities.bounding.known()?;
    let last = facts.capabilities.last.known().map_or(HIGHEST, |last| (*last).min(HIGHEST));
    Some(CapabilitySet::up_to(last).without(*bounding))
}

pub(super) fn has_seccomp_filter(facts: &Facts) -> bool {
    facts.security.seccomp.is_known_and(|mode| *mode != Seccomp::Disabled)
}

/// The AppArmor profile or the SELinux type that confines a container here.
pub(crate) fn confinement(security: &Security) -> Option<String> {
    if let Some(profile) = security.apparmor_profile() {
        return Some(profile.to_owned());
    }
    let kind = security.label.known()?.split(':').nth(2)?;
    let confined = kind.starts_with("svirt_")
        || kind.starts_with("container_")
            && !matches!(kind, "container_engine_t" | "container_runtime_t");
    confined.then(|| kind.to_string())
}

/// Whether Docker, containerd, CRI-O or podman gives this AppArmor profile to containers.
pub(crate) fn is_container_profile(profile: &str) -> bool {
    matches!(profile, "docker-default" | "cri-containerd.apparmor.d" | "crio-default")
        || profile.starts_with("containers-default-")
}

/// Profiles that container engines write from one template, which denies every mount, and those of LXC without
/// nesting, under which `/` cannot be remounted or made private (tried with LXC 5.0: dockerd starts, and
/// then no image can be unpacked).
pub(super) fn denies_mounts(profile: &str) -> bool {
    is_container_profile(profile)
        || matches!(profile, "lxc-container-default" | "lxc-container-default-cgns")
}

/// What engines write to, and what is mounted read-only here.
pub(super) fn read_only_mounts(facts: &Facts) -> Vec<&'static str> {
    let mut places = Vec::new();
    if let Some(table) = facts.mounts.known() {
        if table.at("/sys").is_some_and(Mount::read_only) {
            places.push("/sys");
        }
        if is_read_only_proc(facts, "/proc/sys") {
            places.push("/proc/sys");
        }
    }
    // Under version 1, /sys/fs/cgroup itself is a tmpfs that systemd keeps read-only on every host.
    let v1 = facts.cgroup.version.is_known_and(|version| version.is_v1());
    let mut trees = facts.cgroup.mounts.known().into_iter().flatten().filter(|mount| {
        let engines_use = match mount.hierarchy {
            Hierarchy::Unified => !v1,
            Hierarchy::Controllers(_) => v1,
            Hierarchy::Named(_) => false,
        };
        engines_use && mount.mount_point.starts_with("/sys/fs/cgroup")
    });
    if trees.next().is_some_and(|first| first.read_only) && trees.all(|mount| mount.read_only) {
        places.push("/sys/fs/cgroup");
    }
    places
}

/// Whether `path` lies on a read-only mount at or below `/proc`.
pub(super) fn is_read_only_proc(facts: &Facts, path: &str) -> bool {
    facts.mounts.known().and_then(|table| table.holding(path)).is_some_and(|mount| {
        (mount.mount_point == "/proc" || mount.mount_point.starts_with("/proc/"))
            && mount.read_only()
    })
}

pub(super) fn missing_devices(facts: &Facts) -> impl Iterator<Item = Device> + '_ {
    facts
        .security
        .devices
        .iter()
        .filter(|node| {
            node.number.why() == Some(Why::NotFound) || node.usable.is_known_and(|usable| !usable)
        })
        .map(|node| node.device)
}

/// Whether the label is known, or could not be read because no LSM gives one.
pub(super) fn is_label_known(security: &Security) -> bool {
    matches!(security.label.why(), None | Some(Why::NotFound | Why::Unsupported))
}

fn is_all_known(facts: &Facts) -> bool {
    facts.security.seccomp.known().is_some()
        && is_label_known(&facts.security)
        && facts.mounts.known().is_some()
        && facts.cgroup.mounts.known().is_some()
        && facts.identity.namespaces.user_is_private() != Tri::Unknown
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{Fact, Fact::Known},
        testing::{healthy_container, healthy_vm, mount, private},
    };

    #[test]
    fn a_privileged_container_and_a_vm_miss_nothing() {
        assert_eq!(missing_privileges(&healthy_container()), (Privileged::Yes, vec![]));
        assert_eq!(missing_privileges(&healthy_vm()), (Privileged::Yes, vec![]));
    }

    #[test]
    fn what_docker_20_10_leaves_out_is_not_missing() {
        let mut facts = healthy_container();
        facts.capabilities.bounding = Known(CapabilitySet(0x3f_ffff_ffff));
        assert_eq!(missing_privileges(&facts), (Privileged::Yes, vec![]));
    }

    #[test]
    fn an_ordinary_container_misses_every_piece() {
        let mut facts = healthy_container();
        facts.capabilities.bounding = Known(CapabilitySet(0xa804_25fb));
        facts.security.seccomp = Known(Seccomp::Filter);
        facts.security.label = Known("docker-default (enforce)".into());
        facts.security.devices[0].usable = Known(false);
        if let Known(table) = &mut facts.mounts {
            table.rows.push(mount("/sys", "sysfs", &["ro"]));
            table.rows.push(mount("/proc/sys", "proc", &["ro"]));
        }
        if let Known(mounts) = &mut facts.cgroup.mounts {
            mounts[0].read_only = true;
        }
        let (is, items) = missing_privileges(&facts);
        assert_eq!(is, Privileged::No);
        for item in [
            "capability:CAP_SYS_ADMIN",
            "capability:CAP_NET_ADMIN",
            "seccomp",
            "lsm:docker-default",
            "mount:/sys",
            "mount:/proc/sys",
            "mount:/sys/fs/cgroup",
            "device:/dev/fuse",
        ] {
            assert!(items.iter().any(|i| i == item), "{item} in {items:?}");
        }
        assert!(!items.iter().any(|i| i.ends_with("CAP_CHOWN") || i.ends_with("CAP_BPF")));
    }

    #[test]
    fn full_capabilities_in_a_user_namespace_are_not_all() {
        let mut facts = healthy_container();
        facts.identity.namespaces.user = private(4_026_532_600);
        assert_eq!(missing_privileges(&facts), (Privileged::Partly, vec!["user-namespace".into()]));
    }

    #[test]
    fn a_read_only_tmpfs_over_writable_controllers_is_how_version_1_looks() {
        let mut facts = healthy_container();
        facts.cgroup.version = Known(crate::facts::CgroupVersion::V1);
        if let Known(mounts) = &mut facts.cgroup.mounts {
            mounts[0].hierarchy = Hierarchy::Controllers(vec!["memory".into()]);
            mounts[0].mount_point = "/sys/fs/cgroup/memory".into();
        }
        if let Known(table) = &mut facts.mounts {
            table.rows.push(mount("/sys/fs/cgroup", "tmpfs", &["ro"]));
        }
        assert_eq!(missing_privileges(&facts), (Privileged::Yes, vec![]));
    }

    #[test]
    fn a_hole_is_partly_and_what_cannot_be_read_is_unknown() {
        let mut facts = healthy_vm();
        facts.capabilities.bounding = Known(CapabilitySet(0x1ff_feff_ffff));
        let hole = "capability:CAP_SYS_RESOURCE".to_string();
        assert_eq!(missing_privileges(&facts), (Privileged::Partly, vec![hole]));
        facts.capabilities.bounding = Fact::missing("/proc/self/status", Why::Malformed);
        assert_eq!(missing_privileges(&facts), (Privileged::Unknown, vec![]));
        let mut facts = healthy_container();
        facts.security.label = Fact::missing("/proc/self/attr/current", Why::NotPermitted);
        assert_eq!(missing_privileges(&facts), (Privileged::Unknown, vec![]));
    }

    #[test]
    fn selinux_types_of_engines_and_hosts_confine_nothing() {
        let mut security = healthy_container().security;
        for (label, want) in [
            ("system_u:system_r:container_t:s0:c1,c2", Some("container_t")),
            ("system_u:system_r:spc_t:s0", None),
            ("system_u:system_r:container_engine_t:s0", None),
            ("unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023", None),
            ("", None),
            ("cri-containerd.apparmor.d (complain)", None),
        ] {
            security.label = Known(label.into());
            assert_eq!(confinement(&security).as_deref(), want, "{label}");
        }
    }
}
