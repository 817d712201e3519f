//! kubelet.

mod swap_on;

use crate::Check;

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[&swap_on::CHECK];
