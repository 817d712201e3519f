//! Clocks.

mod time_skew;

use crate::Check;

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[&time_skew::CHECK];
