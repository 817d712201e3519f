//! iptables and nftables.

mod backend;
mod forward_drop_or_firewalld;
pub(crate) mod ip6tables;
mod iptables_backend_unusable;
mod iptables_mixed_backends;
mod kernel;
mod kind_nft_backend_dns;
mod mark6;
mod netfilter_extension_missing;
mod nftables;
mod parts;

use crate::Check;

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[
    &iptables_backend_unusable::CHECK,
    &netfilter_extension_missing::CHECK,
    &iptables_mixed_backends::CHECK,
    &forward_drop_or_firewalld::CHECK,
    &kind_nft_backend_dns::CHECK,
];
