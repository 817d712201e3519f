//! All that is `unsafe` in the doctor: system calls that neither the standard library nor nix nor rustix have a
//! safe form of, each in a function that is safe to call whatever it is given.
//!
//! | file | wraps | because |
//! | --- | --- | --- |
//! | [`alarm`] | `setitimer`, a signal handler, `alarm` | the end of the whole run, whatever it is at |
//! | [`fork`] | `fork`, `_exit`, `close` | a process that can be abandoned, or killed, costs nothing else; and only if one thread is verified, is it safe |
//! | [`socket`] | `getsockopt`, `setsockopt` | options that have no type anywhere: path MTU, legacy tables, filters |
//! | [`clock`] | `adjtimex` | whether the clock is synchronised |
//! | [`xfs`] | `ioctl(XFS_IOC_FSGEOMETRY_V1)` | whether xfs knows types of entries |
//! | [`calls`] | `syscall` | calls that the kernel refuses, to see whether somebody else does |
//! | [`bpf`], [`keyring`] | `bpf`, `keyctl`, `add_key` | what `--active` tries as runtimes do it |
//!
//! The lint `unsafe_code` is denied everywhere else, and `tests/unsafe_code.rs` reads that nobody lifts it.

pub(crate) mod alarm;
pub(crate) mod bpf;
pub(crate) mod calls;
pub(crate) mod clock;
pub(crate) mod fork;
pub(crate) mod keyring;
pub(crate) mod socket;
pub(crate) mod xfs;
