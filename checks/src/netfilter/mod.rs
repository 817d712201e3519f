//! iptables and nftables.

use crate::Check;

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[];
