//! MTU, routes, subnets, name resolution.

mod address_pools_exhausted;
mod dns_loopback_resolver;
mod ip_forward_off;
mod ipv6_gaps;
mod mtu_bridge_exceeds_path;
mod mtu_user_network_not_inherited;
mod path;
mod proxy_gaps;
mod registry_reachability;
mod resolver_missing;
mod socketlb_nested_clusterip;
mod subnet_overlap;
mod subnets;
mod tried;

pub use tried::mtus_to_try;

use crate::Check;

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[
    &mtu_bridge_exceeds_path::CHECK,
    &mtu_user_network_not_inherited::CHECK,
    &subnet_overlap::CHECK,
    &address_pools_exhausted::CHECK,
    &resolver_missing::CHECK,
    &dns_loopback_resolver::CHECK,
    &ip_forward_off::CHECK,
    &ipv6_gaps::CHECK,
    &proxy_gaps::CHECK,
    &registry_reachability::CHECK,
    &socketlb_nested_clusterip::CHECK,
];
