//! MTU, routes, subnets, name resolution.

use crate::Check;

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[];
