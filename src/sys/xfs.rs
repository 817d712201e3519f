//! What xfs says of itself.
#![expect(unsafe_code, reason = "no crate has this request")]

use std::os::fd::{AsRawFd, BorrowedFd};

/// Whether directory entries carry their type, by the geometry of the filesystem that `directory` lies on
/// (`XFS_IOC_FSGEOMETRY_V1` of `fs/xfs/libxfs/xfs_fs.h`, which every kernel has and nobody needs a privilege for);
/// `None` if it is no xfs.
pub(crate) fn has_entry_types(directory: BorrowedFd<'_>) -> Option<bool> {
    /// `_IOR('X', 100, struct xfs_fsop_geom_v1)`.
    const GEOMETRY: libc::c_ulong = 0x8070_5864;
    /// Bytes of that structure, and where its `flags` are.
    const SIZE: usize = 112;
    const FLAGS: usize = 92;
    /// `XFS_FSOP_GEOM_FLAGS_FTYPE`.
    const FTYPE: u32 = 1 << 16;
    let mut geometry = [0_u8; SIZE];
    // SAFETY: the number of the request holds the size of the buffer, which is all that the kernel writes to,
    // and which lives over the call. Another filesystem answers ENOTTY: the number is one of xfs alone.
    let result =
        unsafe { libc::ioctl(directory.as_raw_fd(), GEOMETRY as _, geometry.as_mut_ptr()) };
    let flags = geometry.get(FLAGS..)?.first_chunk()?;
    (result == 0).then(|| u32::from_ne_bytes(*flags) & FTYPE != 0)
}
