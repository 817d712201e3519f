//! System calls with arguments that the kernel refuses, so that nothing happens. Sources: `fs/`, `kernel/` and
//! `mm/` of Linux 4.19 to 6.18, where each of these errors is found before anything is done.
//!
//! That a call is harmless is a property of its arguments, so both stand in this file, and nobody else can make
//! a [`Call`].
#![expect(unsafe_code, reason = "calls with arguments that wrappers do not pass")]

use dind_doctor_checks::facts::Capability;
use libc::{CLONE_FS, CLONE_NEWNS, CLONE_NEWUSER, CLONE_PARENT};
use nix::errno::Errno;

/// Whether an engine can do without it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Need {
    Always,
    /// With ENOSYS, libc and runc do without it; with any other answer they do not.
    UnlessAbsent,
    /// For the device filter of cgroup v2.
    Version2,
    No,
}

/// When the kernel is sure not to answer EPERM itself.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sure {
    Always,
    /// Where this process may do what it wants with its mounts and its host name.
    InOwnNamespace,
    /// With this capability in the initial user namespace.
    With(Capability),
}

/// A system call.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) name: &'static str,
    number: libc::c_long,
    arguments: [libc::c_long; 6],
    pub(crate) need: Need,
    pub(crate) sure: Sure,
    /// It is a question, which the kernel answers.
    pub(crate) succeeds: bool,
}

impl Call {
    /// Makes it: the error number, 0 for success. A filter may kill who makes it.
    pub(crate) fn errno(&self) -> i32 {
        let [first, second, third, fourth, fifth, sixth] = self.arguments;
        // SAFETY: no argument is an address of this process: pointers are null or in the page 0, which is never
        // mapped. The kernel refuses all of the table but `personality`, which is a question there.
        let status =
            unsafe { libc::syscall(self.number, first, second, third, fourth, fifth, sixth) };
        if status == 0 && self.number == libc::SYS_clone {
            // SAFETY: a second process, where none should be, must not go on; _exit takes no pointers.
            unsafe { libc::_exit(0) }
        }
        if status == -1 { Errno::last_raw() } else { 0 }
    }
}

/// No descriptor; as flags, bits that do not exist.
const NONE: libc::c_long = -1;
/// An address that is never mapped: EFAULT.
const BAD: libc::c_long = 1;

/// `name`, number, the arguments, whether it is needed and when it is sure.
const fn call(
    name: &'static str,
    number: libc::c_long,
    arguments: [libc::c_long; 6],
    need: Need,
    sure: Sure,
) -> Call {
    Call { name, number, arguments, need, sure, succeeds: false }
}

/// One that engines and libc do without, or that is only worth knowing.
const fn extra(name: &'static str, number: libc::c_long, arguments: [libc::c_long; 6]) -> Call {
    call(name, number, arguments, Need::No, Sure::Always)
}

/// Flags of `clone(2)` and `unshare(2)` that exclude each other.
const fn flags(one: libc::c_int, other: libc::c_int) -> libc::c_long {
    (one | other) as libc::c_long
}

/// EINVAL since 3.9.
pub(crate) const CLONE_NEW_USER: Call = call(
    "clone(CLONE_NEWUSER)",
    libc::SYS_clone,
    [flags(CLONE_NEWUSER, CLONE_FS), 0, 0, 0, 0, 0],
    Need::No,
    Sure::Always,
);

/// An operation that does not exist: EOPNOTSUPP.
pub(crate) const KEYCTL: Call = call(
    "keyctl",
    libc::SYS_keyctl,
    [libc::c_int::MAX as libc::c_long, 0, 0, 0, 0, 0],
    Need::UnlessAbsent,
    Sure::Always,
);

/// A size of 0 is refused before the pointer is looked at: EINVAL.
pub(crate) const CLONE3: Call =
    call("clone3", libc::SYS_clone3, [0, 0, 0, 0, 0, 0], Need::UnlessAbsent, Sure::Always);

/// In the order in which they are made.
pub(crate) const CALLS: &[Call] = &[
    // What every container is made with.
    call(
        "clone(CLONE_NEWNS)",
        libc::SYS_clone,
        [flags(CLONE_NEWNS, CLONE_FS), 0, 0, 0, 0, 0],
        Need::Always,
        Sure::Always,
    ),
    CLONE_NEW_USER,
    call(
        "unshare(CLONE_NEWNS)",
        libc::SYS_unshare,
        [flags(CLONE_NEWNS, CLONE_PARENT), 0, 0, 0, 0, 0],
        Need::Always,
        Sure::Always,
    ),
    call(
        "unshare(CLONE_NEWUSER)",
        libc::SYS_unshare,
        [flags(CLONE_NEWUSER, CLONE_PARENT), 0, 0, 0, 0, 0],
        Need::No,
        Sure::Always,
    ),
    call(
        "setns",
        libc::SYS_setns,
        [NONE, CLONE_NEWNS as libc::c_long, 0, 0, 0, 0],
        Need::Always,
        Sure::Always,
    ),
    call("mount", libc::SYS_mount, [0, 0, BAD, 0, 0, 0], Need::Always, Sure::Always),
    call("umount2", libc::SYS_umount2, [0, NONE, 0, 0, 0, 0], Need::Always, Sure::Always),
    call(
        "pivot_root",
        libc::SYS_pivot_root,
        [BAD, BAD, 0, 0, 0, 0],
        Need::Always,
        Sure::InOwnNamespace,
    ),
    call("chroot", libc::SYS_chroot, [BAD, 0, 0, 0, 0, 0], Need::Always, Sure::Always),
    call(
        "sethostname",
        libc::SYS_sethostname,
        [0, NONE, 0, 0, 0, 0],
        Need::Always,
        Sure::InOwnNamespace,
    ),
    call("seccomp", libc::SYS_seccomp, [NONE, 0, 0, 0, 0, 0], Need::Always, Sure::Always),
    call(
        "bpf",
        libc::SYS_bpf,
        [NONE, BAD, NONE, 0, 0, 0],
        Need::Version2,
        Sure::With(Capability::SYS_ADMIN),
    ),
    KEYCTL,
    extra("add_key", libc::SYS_add_key, [0, 0, 0, NONE, 0, 0]),
    // What libc, runc and systemd try first, and do without where it is absent.
    CLONE3,
    extra("faccessat2", libc::SYS_faccessat2, [NONE, BAD, NONE, NONE, 0, 0]),
    extra("statx", libc::SYS_statx, [NONE, BAD, NONE, NONE, 0, 0]),
    extra("fchmodat2", 452, [NONE, BAD, 0, NONE, 0, 0]),
    extra("openat2", libc::SYS_openat2, [NONE, 0, 0, 0, 0, 0]),
    extra("close_range", libc::SYS_close_range, [BAD, 0, NONE, 0, 0, 0]),
    extra("rseq", libc::SYS_rseq, [0, 0, NONE, 0, 0, 0]),
    extra("pidfd_open", libc::SYS_pidfd_open, [NONE, NONE, 0, 0, 0, 0]),
    extra("pidfd_getfd", libc::SYS_pidfd_getfd, [NONE, NONE, NONE, 0, 0, 0]),
    extra("memfd_create", libc::SYS_memfd_create, [BAD, NONE, 0, 0, 0, 0]),
    extra("epoll_pwait2", libc::SYS_epoll_pwait2, [NONE, 0, 0, BAD, 0, 0]),
    extra("name_to_handle_at", libc::SYS_name_to_handle_at, [NONE, BAD, 0, 0, NONE, 0]),
    extra("futex_waitv", libc::SYS_futex_waitv, [0, 0, NONE, 0, 0, 0]),
    // Mounts by descriptor: read-only volumes of Docker 25 and later, id-mapped mounts.
    extra("mount_setattr", libc::SYS_mount_setattr, [NONE, BAD, NONE, 0, 0, 0]),
    extra("open_tree", libc::SYS_open_tree, [NONE, BAD, NONE, 0, 0, 0]),
    extra("fsconfig", libc::SYS_fsconfig, [NONE, NONE, 0, 0, 0, 0]),
    call(
        "move_mount",
        libc::SYS_move_mount,
        [NONE, BAD, NONE, BAD, NONE, 0],
        Need::No,
        Sure::InOwnNamespace,
    ),
    call("fsopen", libc::SYS_fsopen, [BAD, NONE, 0, 0, 0, 0], Need::No, Sure::InOwnNamespace),
    call("fsmount", libc::SYS_fsmount, [NONE, NONE, 0, 0, 0, 0], Need::No, Sure::InOwnNamespace),
    extra("statmount", 457, [0, 0, 0, NONE, 0, 0]),
    extra("listmount", 458, [0, 0, 0, NONE, 0, 0]),
    // What filters are about otherwise.
    extra("process_madvise", libc::SYS_process_madvise, [NONE, 0, 0, 0, NONE, 0]),
    extra("perf_event_open", libc::SYS_perf_event_open, [BAD, 0, NONE, NONE, NONE, 0]),
    // io_uring_setup has a sysctl (kernel.io_uring_disabled) that says EPERM; filters have both or none.
    extra("io_uring_enter", libc::SYS_io_uring_enter, [NONE, 0, 0, NONE, 0, 0]),
    extra("landlock_create_ruleset", libc::SYS_landlock_create_ruleset, [0, 0, NONE, 0, 0, 0]),
    extra("quotactl", libc::SYS_quotactl, [NONE, 0, 0, 0, 0, 0]),
    extra("cachestat", 451, [NONE, 0, 0, NONE, 0, 0]),
    extra("map_shadow_stack", 453, [0, 0, NONE, 0, 0, 0]),
    Call {
        succeeds: true,
        ..extra("personality", libc::SYS_personality, [0xffff_ffff, 0, 0, 0, 0, 0])
    },
    call(
        "open_by_handle_at",
        libc::SYS_open_by_handle_at,
        [NONE, BAD, 0, 0, 0, 0],
        Need::No,
        Sure::With(Capability::DAC_READ_SEARCH),
    ),
    call(
        "userfaultfd",
        libc::SYS_userfaultfd,
        [NONE, 0, 0, 0, 0, 0],
        Need::No,
        Sure::With(Capability::SYS_PTRACE),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_refuses_what_a_run_without_active_asks() {
        for call in [CLONE_NEW_USER, CLONE3, KEYCTL] {
            assert_ne!(call.errno(), 0, "{}", call.name);
        }
    }
}
