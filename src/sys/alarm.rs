//! The end of the whole run, whatever it is at: a timer of the kernel, and a signal handler that says so and leaves.
//!
//! Deadlines within the run let it report what it has; this is for what has none: a parser that takes for ever, a
//! reader of the output that does not read. Only the program itself has the timer, since tests run several at once
//! in one process.

use std::{
    io,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    time::Duration,
};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

/// What is written when the time is over; the handler can put nothing together.
const MESSAGE: &[u8] = b"doctor: not finished within --timeout: given up\n";

/// The exit code of a doctor that could not do its job.
const FAILURE: libc::c_int = 2;

/// Seconds for taking back what was begun to be written.
const SECONDS_TO_CLEAR: libc::c_uint = 1;

static ENABLED: AtomicBool = AtomicBool::new(false);
static WRITING: AtomicBool = AtomicBool::new(false);
static EXPIRED: AtomicBool = AtomicBool::new(false);

/// Lets [`set`] set something.
pub(crate) fn enable() {
    ENABLED.store(true, SeqCst);
}

/// Ends the process with 2 after so long, in place of what was set before; with `None` never.
#[expect(unsafe_code, reason = "a signal handler, and a timer that nix does not have")]
pub(crate) fn set(after: Option<Duration>) {
    if !ENABLED.load(SeqCst) {
        return;
    }
    let action = SigAction::new(SigHandler::Handler(ring), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler calls only what signal-safety(7) allows, and touches nothing but atomics.
    let installed = unsafe { sigaction(Signal::SIGALRM, &action) };
    // Whoever started the doctor may have blocked it.
    let unblocked = SigSet::from(Signal::SIGALRM).thread_unblock();
    let after = after.unwrap_or_default();
    let timer = libc::itimerval {
        it_interval: libc::timeval { tv_sec: 0, tv_usec: 0 },
        it_value: libc::timeval {
            tv_sec: libc::time_t::try_from(after.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_usec: after.subsec_micros().into(),
        },
    };
    if installed.is_ok() && unblocked.is_ok() {
        // SAFETY: `timer` lives over the call, which keeps no pointer to it; the old value is not asked for. Without
        // a timer, which cannot be refused for these arguments, the other deadlines remain.
        unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) };
    }
}

/// What is begun to be written is taken back by who writes it, if that does not take long.
#[expect(unsafe_code, reason = "what a signal handler may call")]
extern "C" fn ring(_: libc::c_int) {
    if !EXPIRED.swap(true, SeqCst) && WRITING.load(SeqCst) {
        // SAFETY: alarm(2) takes a number.
        unsafe { libc::alarm(SECONDS_TO_CLEAR) };
        return;
    }
    let mut stderr = libc::pollfd { fd: libc::STDERR_FILENO, events: libc::POLLOUT, revents: 0 };
    // SAFETY: all of these are async-signal-safe, and get pointers to what lives over the call. Standard error is
    // written only if that does not wait. _exit runs no handlers: the process is in the middle of something.
    unsafe {
        if libc::poll(&raw mut stderr, 1, 0) == 1 {
            libc::write(libc::STDERR_FILENO, MESSAGE.as_ptr().cast(), MESSAGE.len());
        }
        libc::_exit(FAILURE);
    }
}

/// As long as it lives, somebody writes who asks [`in_time`] now and then.
pub(crate) struct Writing(());

impl Writing {
    pub(crate) fn begin() -> Self {
        WRITING.store(true, SeqCst);
        Self(())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        WRITING.store(false, SeqCst);
    }
}

/// Fails once the time is over.
pub(crate) fn in_time() -> io::Result<()> {
    if EXPIRED.load(SeqCst) {
        return Err(io::Error::new(io::ErrorKind::TimedOut, "not finished within --timeout"));
    }
    Ok(())
}
