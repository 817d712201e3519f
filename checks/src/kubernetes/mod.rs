//! kubelet, kube-proxy and what a node runs.

mod conntrack_sysctl_denied;
mod kubelet_in_userns_sysctl;
mod kubelet_rootfs_info;
mod swap_on;

use crate::Check;

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[
    &kubelet_in_userns_sysctl::CHECK,
    &kubelet_rootfs_info::CHECK,
    &conntrack_sysctl_denied::CHECK,
    &swap_on::CHECK,
];
