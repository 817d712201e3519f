//! Capabilities, devices and what else an engine must be allowed to do.

use crate::Check;

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[];
