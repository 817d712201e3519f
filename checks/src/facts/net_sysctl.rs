//! Sysctls of the network namespace.

use serde::{Deserialize, Serialize};

use super::{Fact, Text};

/// What a file sets a kernel parameter to, the last that names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingAtBoot {
    /// The file.
    pub path: Text,
    /// The value.
    pub value: i64,
}

/// Sysctls below `/proc/sys/net`, of this network namespace unless said otherwise.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct NetSysctls {
    /// `net.ipv4.ip_forward`.
    pub ip_forward: Fact<bool>,
    /// What `/etc/sysctl.conf` and the folders `sysctl.d` set it to, whenever they are applied: at boot, and by
    /// `sysctl --system`; `None` if none of them does.
    #[serde(default)]
    pub ip_forward_at_boot: Fact<Option<SettingAtBoot>>,
    /// Whether this network namespace has IPv6 at all: `/proc/net/if_inet6` is there.
    pub ipv6: Fact<bool>,
    /// `net.ipv6.conf.all.disable_ipv6`; not-found without IPv6.
    pub ipv6_disabled: Fact<bool>,
    /// `net.bridge.bridge-nf-call-iptables`; `None` where the module br_netfilter is not in the kernel.
    pub bridge_nf_call_iptables: Fact<Option<bool>>,
    /// `net.netfilter.nf_conntrack_max`, in connections, of the whole machine; `None` where the module
    /// nf_conntrack is not in the kernel.
    pub conntrack_max: Fact<Option<u64>>,
}
