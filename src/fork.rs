//! Processes made by fork alone: for what could block for ever, and for what must not outlive a trial.
//!
//! The doctor has one thread (tokio runs on the current one), and so do the processes that are made
//! here: a child may use all of the standard library, locks and allocator too.

use std::{
    io,
    os::{fd::AsRawFd, unix::net::UnixStream},
    panic::{AssertUnwindSafe, catch_unwind},
};

use nix::unistd::{ForkResult, Pid, fork};

/// A child that runs `child`, with a stream between the two.
pub(crate) fn with_stream(child: impl FnOnce(UnixStream)) -> io::Result<(Pid, UnixStream)> {
    let (ours, theirs) = UnixStream::pair()?;
    let mut ours = Some(ours);
    let pid = spawn(|| {
        // As long as it were open here, the child would not see the parent's end.
        ours.take();
        child(theirs);
    })?;
    ours.map(|stream| (pid, stream)).ok_or_else(|| io::ErrorKind::NotConnected.into())
}

/// A child that runs `child` and ends: with 0, or with 1 if it panicked.
#[expect(unsafe_code, reason = "a process that can be abandoned is made by fork only")]
pub(crate) fn spawn(child: impl FnOnce()) -> io::Result<Pid> {
    // SAFETY: there is one thread, so the child may use all of the standard library. It leaves by _exit
    // and never returns into the caller's frames, whatever happens.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            let result = catch_unwind(AssertUnwindSafe(child));
            // SAFETY: _exit takes no pointers; the parent's exit handlers must not run here.
            unsafe { libc::_exit(i32::from(result.is_err())) }
        }
    }
}

/// Closes all descriptors but `keep`, so that nobody who reads the doctor's output waits for this process.
/// Not by `close_range`, for which some seccomp filters kill.
#[expect(
    unsafe_code,
    reason = "descriptors of others are closed, whoever owns them in this process"
)]
pub(crate) fn close_others(keep: &impl AsRawFd) {
    let listed = std::fs::read_dir("/proc/self/fd").map(|entries| {
        let names = entries.flatten().map(|entry| entry.file_name());
        names.filter_map(|name| name.to_str()?.parse().ok()).collect::<Vec<i32>>()
    });
    for fd in listed.unwrap_or_else(|_| vec![0, 1, 2]) {
        if fd != keep.as_raw_fd() {
            // SAFETY: closes descriptors of this process only, which uses none of them from here on; that of
            // the list itself is closed already (EBADF).
            unsafe { libc::close(fd) };
        }
    }
}
