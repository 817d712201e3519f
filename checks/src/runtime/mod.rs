//! Sandboxes in place of plain Linux, systemd, engines side by side.

mod sandboxed_kernel;

use crate::Check;

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[&sandboxed_kernel::CHECK];
