//! Capabilities, seccomp, LSMs, device nodes.

use alloc::{string::String, vec::Vec};
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::{Fact, Text};

/// A Linux capability by its number (`include/uapi/linux/capability.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Capability(pub u8);

const CAPABILITY_NAMES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

impl Capability {
    /// Read whatever the permissions, and open files by their handles.
    pub const DAC_READ_SEARCH: Self = Self(2);
    /// Change group ids.
    pub const SETGID: Self = Self(6);
    /// Change user ids.
    pub const SETUID: Self = Self(7);
    /// Configure networks.
    pub const NET_ADMIN: Self = Self(12);
    /// Raw sockets.
    pub const NET_RAW: Self = Self(13);
    /// Load kernel modules.
    pub const SYS_MODULE: Self = Self(16);
    /// Trace processes.
    pub const SYS_PTRACE: Self = Self(19);
    /// Mount, and much else.
    pub const SYS_ADMIN: Self = Self(21);
    /// Exceed resource limits.
    pub const SYS_RESOURCE: Self = Self(24);
    /// Make device nodes.
    pub const MKNOD: Self = Self(27);
    /// Set file capabilities, and map root into a user namespace.
    pub const SETFCAP: Self = Self(31);
    /// Load LSM policy.
    pub const MAC_ADMIN: Self = Self(33);
    /// Read the kernel log under `dmesg_restrict`.
    pub const SYSLOG: Self = Self(34);
    /// Performance monitoring; Linux 5.8.
    pub const PERFMON: Self = Self(38);
    /// BPF; Linux 5.8.
    pub const BPF: Self = Self(39);
    /// Checkpoint and restore; Linux 5.9.
    pub const CHECKPOINT_RESTORE: Self = Self(40);

    /// Without the `CAP_` prefix, as `docker run --cap-add` and Kubernetes write it.
    pub fn short_name(self) -> String {
        CAPABILITY_NAMES
            .get(usize::from(self.0))
            .map_or_else(|| alloc::format!("{}", self.0), |name| (*name).into())
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CAP_{}", self.short_name())
    }
}

/// A set of capabilities, as in the hexadecimal masks of `/proc/PID/status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CapabilitySet(pub u64);

impl CapabilitySet {
    /// Every capability up to `last`.
    pub const fn up_to(last: u8) -> Self {
        Self(if last >= 63 { u64::MAX } else { (1 << (last + 1)) - 1 })
    }

    /// Whether the set has `capability`.
    pub const fn has(self, capability: Capability) -> bool {
        self.0 & (1 << capability.0) != 0
    }

    /// What is in this set and not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The capabilities in the set, by number.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        (0..64).map(Capability).filter(move |c| self.has(*c))
    }
}

impl FromIterator<Capability> for CapabilitySet {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Self {
        Self(capabilities.into_iter().fold(0, |mask, c| mask | 1 << c.0))
    }
}

impl Serialize for CapabilitySet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:016x}", self.0))
    }
}

impl<'de> Deserialize<'de> for CapabilitySet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mask = String::deserialize(deserializer)?;
        u64::from_str_radix(&mask, 16).map(Self).map_err(D::Error::custom)
    }
}

/// Capabilities of the doctor's own process.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Capabilities {
    /// `CapEff`.
    pub effective: Fact<CapabilitySet>,
    /// `CapPrm` of `/proc/self/status`: what it may make effective.
    #[serde(default)]
    pub permitted: Fact<CapabilitySet>,
    /// `CapBnd`: what a child can still get.
    pub bounding: Fact<CapabilitySet>,
    /// `/proc/sys/kernel/cap_last_cap`: the highest capability that this kernel knows.
    pub last: Fact<u8>,
}

/// `Seccomp:` of `/proc/self/status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Seccomp {
    /// 0.
    Disabled,
    /// 1.
    Strict,
    /// 2: a filter; whether it denies anything is not visible.
    Filter,
}

/// Devices that engines need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// `/dev/fuse` (10:229): fuse-overlayfs.
    Fuse,
    /// `/dev/net/tun` (10:200): slirp4netns, pasta.
    Tun,
    /// `/dev/kmsg` (1:11): kubelet.
    Kmsg,
}

impl Device {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Fuse, Self::Tun, Self::Kmsg];

    /// Where the node is.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Fuse => "/dev/fuse",
            Self::Tun => "/dev/net/tun",
            Self::Kmsg => "/dev/kmsg",
        }
    }
}

/// What is at a device's path, links followed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeviceNode {
    /// Which device.
    pub device: Device,
    /// `major:minor` of a character device; not-found if there is nothing, malformed if it is something
    /// else.
    pub number: Fact<Text>,
    /// Whether `faccessat2(R_OK|W_OK, AT_EACCESS)` allows it, device filter included.
    pub usable: Fact<bool>,
    /// Permissions of the node, without its type.
    #[serde(default)]
    pub mode: Fact<u32>,
}

impl DeviceNode {
    /// Whether others than its owner and group are kept out by its permissions.
    pub fn keeps_others_out(&self) -> bool {
        self.mode.is_known_and(|mode| mode & 0o006 != 0o006)
    }
}

/// Whether the seccomp filter refuses calls, tried with arguments that the kernel itself refuses: true for
/// EPERM. Not-probed where there is no filter.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct FilteredCalls {
    /// `clone` with `CLONE_NEWUSER`.
    pub clone_new_user: Fact<bool>,
    /// `clone3`; with ENOSYS libc falls back to `clone`, with EPERM it does not.
    pub clone3: Fact<bool>,
    /// `keyctl`; with ENOSYS runc does without a keyring, with EPERM it fails.
    pub keyctl: Fact<bool>,
}

/// `no_new_privs`, seccomp, LSMs and device nodes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Security {
    /// `NoNewPrivs`.
    pub no_new_privs: Fact<bool>,
    /// Mode of seccomp.
    pub seccomp: Fact<Seccomp>,
    /// What the filter refuses.
    pub filtered: FilteredCalls,
    /// Active LSMs from securityfs, in order; often not mounted in containers.
    pub lsms: Fact<Vec<Text>>,
    /// `/sys/module/apparmor/parameters/enabled`; false where there is no such module.
    pub apparmor_enabled: Fact<bool>,
    /// Whether `/sys/kernel/security/apparmor` is there, by which engines tell that AppArmor is in use.
    pub apparmor_visible: Fact<bool>,
    /// Whether the doctor's user may write `/sys/kernel/security/apparmor/.replace`, which loads profiles.
    pub apparmor_policy_writable: Fact<bool>,
    /// The first `apparmor_parser` on the PATH; `None` if there is none.
    pub apparmor_parser: Fact<Option<Text>>,
    /// AppArmor profiles that are named after a runtime, `runc` or `crun`, and attach to its program: from
    /// `/sys/kernel/security/apparmor/profiles`, else the files in `/etc/apparmor.d`. Sorted.
    #[serde(default)]
    pub runtime_profiles: Fact<Vec<Text>>,
    /// `/sys/fs/selinux/enforce`.
    pub selinux_enforcing: Fact<bool>,
    /// Whether selinuxfs is mounted.
    pub selinux_mounted: Fact<bool>,
    /// The label of the doctor's own process: `unconfined`, `docker-default (enforce)`,
    /// `system_u:system_r:container_t:s0:c1,c2`. Empty where no LSM gives one.
    pub label: Fact<Text>,
    /// Device nodes that engines need.
    pub devices: Vec<DeviceNode>,
}

impl Security {
    /// The node of one device.
    pub fn device(&self, device: Device) -> Option<&DeviceNode> {
        self.devices.iter().find(|d| d.device == device)
    }

    /// The AppArmor profile that confines the doctor, without its mode; `None` if unconfined, in
    /// complain mode, or the label is not AppArmor's.
    pub fn apparmor_profile(&self) -> Option<&str> {
        let label = self.label.known()?.trim();
        if label.is_empty() || label == "unconfined" || label.split(':').count() >= 4 {
            return None;
        }
        match label.rsplit_once(" (") {
            Some((profile, "enforce)")) => Some(profile),
            Some(_) => None,
            None => Some(label),
        }
    }
}
