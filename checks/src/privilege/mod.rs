//! Capabilities, devices and what else an engine must be allowed to do.

mod dev_nodes_missing;
mod privilege_missing;
mod subid_mapping_broken;
mod unexpected_capabilities;
mod vector;

pub(crate) use vector::{NEEDED, confinement, is_container_profile};
pub use vector::{Privileged, missing_privileges};

use crate::Check;

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[
    &privilege_missing::CHECK,
    &dev_nodes_missing::CHECK,
    &subid_mapping_broken::CHECK,
    &unexpected_capabilities::CHECK,
];
