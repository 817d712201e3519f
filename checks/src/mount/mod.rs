//! Mount layout: propagation, read-only and masked mounts.

use crate::Check;

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[];
