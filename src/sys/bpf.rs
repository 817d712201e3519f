//! Filters of devices, by `bpf(2)`.
#![expect(unsafe_code, reason = "neither libc nor nix wraps bpf")]

use std::{
    ffi::CStr,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
};

use libc::c_long;
use nix::errno::Errno;

const BPF_PROG_LOAD: c_long = 5;
const BPF_PROG_ATTACH: c_long = 8;
const BPF_PROG_QUERY: c_long = 16;
const BPF_PROG_TYPE_CGROUP_DEVICE: u32 = 15;
const BPF_CGROUP_DEVICE: u32 = 6;
const BPF_F_ALLOW_MULTI: u32 = 2;

/// Two instructions of eight bytes: `r0 = 1; exit`.
const ALLOW: [u8; 16] = {
    let [a, b, c, d] = 1_i32.to_ne_bytes();
    [0xb7, 0, 0, 0, a, b, c, d, 0x95, 0, 0, 0, 0, 0, 0, 0]
};
const INSTRUCTIONS: u32 = 2;

/// What the program may call depends on it; it calls nothing.
const LICENSE: &CStr = c"Apache";

/// `union bpf_attr`, larger than that of any kernel: the kernel takes a longer one if the rest is zero, and
/// writes only to fields that it knows.
struct Attributes([u8; 256]);

impl Attributes {
    /// Fields one after the other from the beginning.
    fn new(fields: &[u32]) -> Self {
        let mut bytes = [0; 256];
        for (field, value) in bytes.chunks_exact_mut(4).zip(fields) {
            field.copy_from_slice(&value.to_ne_bytes());
        }
        Self(bytes)
    }
}

fn descriptor(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd().unsigned_abs()
}

/// SAFETY: pointers in `attributes` must be those that the command reads, and valid.
unsafe fn bpf(command: c_long, attributes: &mut Attributes) -> Result<c_long, Errno> {
    // SAFETY: the kernel reads and writes within the given size; what pointers lead to is the caller's.
    let status = unsafe {
        libc::syscall(libc::SYS_bpf, command, attributes.0.as_mut_ptr(), attributes.0.len())
    };
    Errno::result(status)
}

/// Asks which device filters the cgroup has.
pub(crate) fn query_device_filters(cgroup: BorrowedFd<'_>) -> Result<(), Errno> {
    // No flags, and room for no program: they are counted only. It is ENOSPC then if there are any.
    let mut attributes = Attributes::new(&[descriptor(cgroup), BPF_CGROUP_DEVICE]);
    // SAFETY: there is no pointer in it.
    match unsafe { bpf(BPF_PROG_QUERY, &mut attributes) } {
        Ok(_) | Err(Errno::ENOSPC) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// A filter that allows every device; it goes when it is closed and no cgroup has it.
pub(crate) fn load_device_filter() -> Result<OwnedFd, Errno> {
    let mut attributes = Attributes::new(&[BPF_PROG_TYPE_CGROUP_DEVICE, INSTRUCTIONS]);
    for (at, pointer) in [(8, ALLOW.as_ptr().addr()), (16, LICENSE.as_ptr().addr())] {
        attributes.0[at..at + 8].copy_from_slice(&(pointer as u64).to_ne_bytes());
    }
    // SAFETY: the program has as many instructions as it says, the licence ends with a NUL, and both are
    // constants.
    let fd = unsafe { bpf(BPF_PROG_LOAD, &mut attributes) }?;
    let fd = i32::try_from(fd).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel has just made the descriptor, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Adds the filter to those of the cgroup.
pub(crate) fn attach_device_filter(
    cgroup: BorrowedFd<'_>,
    filter: BorrowedFd<'_>,
) -> Result<(), Errno> {
    let (cgroup, filter) = (descriptor(cgroup), descriptor(filter));
    let mut attributes = Attributes::new(&[cgroup, filter, BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI]);
    // SAFETY: there is no pointer in it.
    unsafe { bpf(BPF_PROG_ATTACH, &mut attributes) }.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_in_the_order_of_the_kernel() {
        let attributes = Attributes::new(&[7, u32::MAX]);
        assert_eq!(attributes.0[..8], [7_u32.to_ne_bytes(), [255; 4]].concat());
        assert_eq!(attributes.0[8..], [0; 248]);
    }
}
