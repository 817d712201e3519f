//! System calls that cannot succeed, to see who refuses them: the kernel or a seccomp filter.

use nix::errno::Errno;

use crate::source::SystemCall;

/// The error number; 0 if the call went through after all. For the helper alone: a filter may kill.
#[expect(unsafe_code, reason = "calls with arguments that wrappers do not pass")]
pub(super) fn errno(call: SystemCall) -> u32 {
    let status = match call {
        SystemCall::CloneNewUser => {
            let flags = libc::CLONE_NEWUSER | libc::CLONE_FS;
            // SAFETY: no stack and no pointers; the kernel refuses the pair of flags before it makes
            // anything. Should one not, the child has a copy of this memory and leaves at once.
            let status = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
            if status == 0 {
                // SAFETY: _exit takes no pointers.
                unsafe { libc::_exit(0) }
            }
            status
        }
        SystemCall::Clone3 => {
            // SAFETY: a size of 0 is refused before the pointer is looked at.
            unsafe { libc::syscall(libc::SYS_clone3, std::ptr::null::<u8>(), 0_usize) }
        }
        SystemCall::Keyctl => {
            // SAFETY: the operation does not exist, so no argument is looked at.
            unsafe { libc::syscall(libc::SYS_keyctl, libc::c_int::MAX, 0, 0, 0, 0) }
        }
    };
    if status == -1 { (Errno::last_raw()).unsigned_abs() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_succeeds() {
        for call in [SystemCall::CloneNewUser, SystemCall::Clone3, SystemCall::Keyctl] {
            assert_ne!(errno(call), 0, "{call:?}");
        }
    }
}
