//! The state of the system's clock.
#![expect(unsafe_code, reason = "nix has no adjtimex")]

use nix::errno::Errno;

/// Whether the kernel takes its clock to be synchronised (`adjtimex(2)`). Nothing is adjusted: no mode is
/// set, and that needs no privilege.
pub(crate) fn is_synchronized() -> Result<bool, Errno> {
    // SAFETY: timex is a struct of integers, for which zeroes are valid.
    let mut state: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: `state` is a valid timex that the call writes to and does not keep.
    let clock = unsafe { libc::adjtimex(&raw mut state) };
    Errno::result(clock)?;
    Ok(state.status & libc::STA_UNSYNC == 0)
}
