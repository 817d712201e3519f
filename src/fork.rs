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
#[expect(unsafe_code, reason = "close_range has no safe wrapper")]
pub(crate) fn close_others(keep: &impl AsRawFd) {
    let keep = u32::try_from(keep.as_raw_fd()).unwrap_or(0);
    for (first, last) in [(0, keep.saturating_sub(1)), (keep + 1, u32::MAX)] {
        // SAFETY: closes descriptors of this process only; nothing in it uses them from here on. Where the
        // kernel (before 5.9) or a filter refuses, the first three are closed one by one.
        if unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } != 0 && first == 0 {
            for fd in (0..3).filter(|fd| *fd != keep) {
                // SAFETY: as above.
                unsafe { libc::close(fd.cast_signed()) };
            }
        }
    }
}
