//! The filesystem under each data root.

mod data_roots;
mod driver;
mod tried;

mod dataroot_locked_mount_flags;
mod dataroot_on_overlay;
mod dataroot_on_tmpfs;
mod image_store_nested_snapshotter;
mod shared_docker_root;
mod storage_fs_unsupported;
mod userns_overlay_without_userxattr;
mod vfs_fallback;

pub(crate) use driver::fuse_overlayfs;

use crate::Check;

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[
    &dataroot_on_overlay::CHECK,
    &storage_fs_unsupported::CHECK,
    &dataroot_locked_mount_flags::CHECK,
    &dataroot_on_tmpfs::CHECK,
    &userns_overlay_without_userxattr::CHECK,
    &vfs_fallback::CHECK,
    &image_store_nested_snapshotter::CHECK,
    &shared_docker_root::CHECK,
];
