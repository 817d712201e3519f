//! Modules and features of the kernel.

mod br_netfilter;
mod kernel_modules_unloadable;

use crate::Check;

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[&kernel_modules_unloadable::CHECK, &br_netfilter::CHECK];
