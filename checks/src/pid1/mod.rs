//! Who PID 1 is and what it does with signals and orphans.

mod pid1_swallows_sigterm;
mod share_process_namespace;

use crate::Check;

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[
    &share_process_namespace::CHECK,
    &pid1_swallows_sigterm::CHECK,
];
