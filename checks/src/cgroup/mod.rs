//! cgroup versions, namespaces, delegation, stray directories.

use crate::Check;

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[];
