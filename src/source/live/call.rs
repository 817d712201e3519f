//! System calls that cannot succeed, to see who refuses them: the kernel or a seccomp filter.

use crate::{source::SystemCall, sys::calls};

/// The error number; 0 if the call went through after all. For the helper alone: a filter may kill.
pub(in crate::source) fn errno(call: SystemCall) -> u32 {
    let call = match call {
        SystemCall::CloneNewUser => calls::CLONE_NEW_USER,
        SystemCall::Clone3 => calls::CLONE3,
        SystemCall::Keyctl => calls::KEYCTL,
    };
    call.errno().unsigned_abs()
}
