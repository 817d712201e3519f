//! Who PID 1 is and what it does with signals and orphans.

mod init_flag_conflict;
mod pid1_no_reaper;
mod pid1_swallows_sigterm;
mod share_process_namespace;

use crate::Check;

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[
    &share_process_namespace::CHECK,
    &init_flag_conflict::CHECK,
    &pid1_swallows_sigterm::CHECK,
    &pid1_no_reaper::CHECK,
];
