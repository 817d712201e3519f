//! kubelet and pods.

mod kubelet_rootfs_info;

use crate::Check;

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[&kubelet_rootfs_info::CHECK];
