//! System calls that nix has no safe form of.

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;

/// `getsockopt(2)` with a value that is bytes: the kernel reads `value` where the option takes an
/// argument, and writes the answer over it. Returns how many bytes the answer has.
pub(crate) fn getsockopt(
    socket: BorrowedFd<'_>,
    level: libc::c_int,
    option: libc::c_int,
    value: &mut [u8],
) -> Result<usize, Errno> {
    let mut length = libc::socklen_t::try_from(value.len()).map_err(|_| Errno::EINVAL)?;
    // SAFETY: `value` is borrowed mutably and initialised, and the kernel writes at most `length`
    // bytes, which is its size; every pattern of bits is a valid u8; the descriptor is borrowed, so it
    // is open.
    let status = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            level,
            option,
            value.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    Errno::result(status)?;
    usize::try_from(length).map_err(|_| Errno::EOVERFLOW)
}

/// Whether the kernel takes its clock to be synchronised (`adjtimex(2)`). Nothing is adjusted: no mode is
/// set, and that needs no privilege.
pub(super) fn clock_is_synchronized() -> Result<bool, Errno> {
    // SAFETY: timex is a struct of integers, for which zeroes are valid.
    let mut state: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: `state` is a valid timex that the call writes to and does not keep.
    let clock = unsafe { libc::adjtimex(&raw mut state) };
    Errno::result(clock)?;
    Ok(state.status & libc::STA_UNSYNC == 0)
}
