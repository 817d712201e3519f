//! Keyrings (`keyrings(7)`).
#![expect(unsafe_code, reason = "neither libc nor nix wraps keyctl")]

use std::ffi::CStr;

use libc::c_long;
use nix::errno::Errno;

/// The serial number of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key(pub(crate) i32);

fn key(status: c_long) -> Result<Key, Errno> {
    Errno::result(status).and_then(|key| i32::try_from(key).map(Key).map_err(|_| Errno::ERANGE))
}

/// A session keyring without a name, for this process alone.
pub(crate) fn join_session_keyring() -> Result<Key, Errno> {
    // SAFETY: no name is given, so there is no pointer.
    key(unsafe { libc::syscall(libc::SYS_keyctl, libc::KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0) })
}

/// A keyring in another one.
pub(crate) fn add_keyring(name: &CStr, parent: Key) -> Result<Key, Errno> {
    let payload = std::ptr::null::<u8>();
    // SAFETY: both names end with a NUL and live through the call; there is no payload.
    key(unsafe {
        libc::syscall(
            libc::SYS_add_key,
            c"keyring".as_ptr(),
            name.as_ptr(),
            payload,
            0_usize,
            parent.0,
        )
    })
}

/// Takes everything out of a keyring.
pub(crate) fn clear_keyring(key: Key) -> Result<(), Errno> {
    // SAFETY: there is no pointer.
    let status = unsafe { libc::syscall(libc::SYS_keyctl, libc::KEYCTL_CLEAR, key.0, 0, 0, 0) };
    Errno::result(status).map(drop)
}

/// Whether there still is such a key.
pub(crate) fn is_there(key: Key) -> bool {
    // SAFETY: with a length of 0 nothing is written.
    let status = unsafe { libc::syscall(libc::SYS_keyctl, libc::KEYCTL_DESCRIBE, key.0, 0, 0, 0) };
    Errno::result(status) != Err(Errno::ENOKEY)
}
