//! The filesystem under each data root.

use crate::Check;

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[];
