//! MTU, routes, subnets, name resolution.

mod mtu_bridge_exceeds_path;
mod mtu_user_network_not_inherited;
mod path;

use crate::Check;

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] =
    &[&mtu_bridge_exceeds_path::CHECK, &mtu_user_network_not_inherited::CHECK];
