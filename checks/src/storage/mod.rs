//! The filesystem under each data root.

mod data_roots;
mod driver;

mod dataroot_on_overlay;
mod dataroot_on_tmpfs;
mod storage_fs_unsupported;

pub(crate) use driver::fuse_overlayfs;

use crate::Check;

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] =
    &[&dataroot_on_overlay::CHECK, &storage_fs_unsupported::CHECK, &dataroot_on_tmpfs::CHECK];
