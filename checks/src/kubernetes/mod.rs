//! kubelet, kube-proxy and what a node runs.

mod conntrack_sysctl_denied;

use crate::Check;

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[&conntrack_sysctl_denied::CHECK];
