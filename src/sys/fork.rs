//! Processes made by fork alone: for what could block for ever or be killed, and for what must not outlive a
//! trial.
//!
//! After a fork a child of several threads may do next to nothing: a lock that another thread held stays locked
//! in it, that of the allocator first. A child of *one* thread may use all of the standard library. So a
//! process is forked only if it has one thread, by the count of the kernel; where `/proc` does not tell, by the
//! word of `main` ([`begins_alone`]). Tests, which run on threads, do it in a process of their own ([`alone`]).
#![expect(unsafe_code, reason = "a process that can be abandoned is made by fork only")]

use std::{
    io,
    os::{fd::AsRawFd, unix::net::UnixStream},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicBool, Ordering},
};

use nix::{
    sys::stat::stat,
    unistd::{ForkResult, Pid, fork},
};

/// Where the kernel has a directory for each thread of this process.
const TASKS: &str = "/proc/self/task";

static BEGAN_ALONE: AtomicBool = AtomicBool::new(false);

/// `main` says so when it begins: the program has one thread then, and starts no other; the lint
/// `disallowed_methods` refuses what would. It counts only where the kernel cannot be asked.
pub(crate) fn begins_alone() {
    BEGAN_ALONE.store(true, Ordering::Relaxed);
}

/// How many threads this process has: a directory has two links more than directories in it.
#[expect(clippy::useless_conversion, reason = "nlink_t is narrower on some targets")]
fn threads() -> Option<u64> {
    // Something else may be mounted over /proc, or the /proc of another PID namespace.
    let own = std::fs::read_link("/proc/self").ok()?;
    if own.to_str() != Some(std::process::id().to_string().as_str()) {
        return None;
    }
    let links = u64::from(stat(TASKS).ok()?.st_nlink);
    links.checked_sub(2).filter(|threads| *threads > 0)
}

fn has_one_thread() -> bool {
    #[cfg(test)]
    if testing::other_sleeps() {
        return true;
    }
    match threads() {
        Some(threads) => threads == 1,
        None => BEGAN_ALONE.load(Ordering::Relaxed),
    }
}

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

/// A child that runs `child` and ends: with 0, or with 1 if it panicked. Refused to a process with several
/// threads.
pub(crate) fn spawn(child: impl FnOnce()) -> io::Result<Pid> {
    if !has_one_thread() {
        return Err(io::Error::other("a process with several threads is not forked"));
    }
    // SAFETY: this is the only thread, so no lock is held by another one, and the child may use all of the
    // standard library. It leaves by _exit and never returns into the caller's frames, whatever happens.
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
/// For a child that [`spawn`] made, which uses none of them from here on. Not by `close_range`, for which some
/// seccomp filters kill.
pub(crate) fn close_others(keep: &impl AsRawFd) {
    let listed = std::fs::read_dir("/proc/self/fd").map(|entries| {
        let names = entries.flatten().map(|entry| entry.file_name());
        names.filter_map(|name| name.to_str()?.parse().ok()).collect::<Vec<i32>>()
    });
    for fd in listed.unwrap_or_else(|_| vec![0, 1, 2]) {
        if fd != keep.as_raw_fd() {
            // SAFETY: closes descriptors of this process only, whose owners are frames that the child never
            // returns to; that of the list itself is closed already (EBADF).
            unsafe { libc::close(fd) };
        }
    }
}

#[cfg(test)]
pub(crate) use self::testing::alone;

/// Tests that fork.
#[cfg(test)]
mod testing {
    use std::{env, fs, io::Read, process, thread, time::Duration};

    use super::threads;

    /// Set in a process that is there for one test.
    const ALONE: &str = "DOCTOR_TEST_ALONE";

    /// Runs `test` in a process of its own: the test program is executed again, for this test only. There are
    /// two threads in it, for the harness runs every test on one that its main thread waits for; the other
    /// sleeps, so it holds no lock that this one needs, and a fork is as safe as from one thread.
    pub(crate) fn alone(test: impl FnOnce()) {
        if env::var_os(ALONE).is_some() {
            for _ in 0..1000 {
                if other_sleeps() {
                    return test();
                }
                thread::sleep(Duration::from_millis(1));
            }
            panic!("the main thread does not wait for the test");
        }
        let thread = thread::current();
        let name = thread.name().expect("the test's name");
        let output = process::Command::new(env::current_exe().unwrap())
            .args(["--exact", name, "--test-threads=1", "--nocapture"])
            .env(ALONE, "1")
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(output.status.success() && said.contains("1 passed"), "{name}, alone: {said}");
    }

    /// Whether there is one other thread, and it waits.
    pub(super) fn other_sleeps() -> bool {
        let mut stat = String::new();
        let main = format!("/proc/self/task/{}/stat", process::id());
        let read = fs::File::open(main).and_then(|mut file| file.read_to_string(&mut stat));
        let sleeps = read.is_ok() && stat.rsplit(") ").next().is_some_and(|s| s.starts_with('S'));
        env::var_os(ALONE).is_some() && threads() == Some(2) && sleeps
    }
}

#[cfg(test)]
mod tests {
    use nix::sys::wait::{WaitStatus, waitpid};

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "what must not be forked")]
    fn several_threads_are_not_forked() {
        std::thread::scope(|scope| {
            let (done, wait) = std::sync::mpsc::channel::<()>();
            scope.spawn(move || wait.recv());
            assert!(threads().is_some_and(|threads| threads > 1));
            assert!(spawn(|| ()).is_err() && with_stream(drop).is_err());
            drop(done);
        });
    }

    #[test]
    fn one_thread_is_forked_and_its_panic_stays_in_the_child() {
        alone(|| {
            let child = spawn(|| panic!("in the child")).unwrap();
            assert_eq!(waitpid(child, None), Ok(WaitStatus::Exited(child, 1)));
            let child = spawn(|| ()).unwrap();
            assert_eq!(waitpid(child, None), Ok(WaitStatus::Exited(child, 0)));
        });
    }
}
