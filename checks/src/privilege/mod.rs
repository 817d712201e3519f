//! Capabilities, devices and what else an engine must be allowed to do.

mod privilege_missing;
mod vector;

pub use vector::{Privileged, missing_privileges};

use crate::Check;

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[&privilege_missing::CHECK];
