//! iptables and nftables.

mod backend;
mod iptables_backend_unusable;
mod iptables_mixed_backends;

use crate::Check;

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] =
    &[&iptables_backend_unusable::CHECK, &iptables_mixed_backends::CHECK];
