//! What a trial did, as lines of JSON on the way to the doctor.

use std::{
    io::{self, Write},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use dind_doctor_checks::facts::{Action, Ending, Learned, Refused, Step, Text};
use nix::{
    errno::Errno,
    sys::{
        signal::{Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};
use serde::{Deserialize, Serialize};

use crate::sys::fork;

/// One line.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Line {
    /// For whoever watches.
    Begins(Action),
    Step(Step),
    /// What was measured so far; the last word counts.
    Learned(Learned),
    /// The last line, from the guardian: everything is removed but this.
    End {
        ending: Ending,
        left_behind: Vec<Text>,
    },
}

/// Why a step failed.
#[derive(Debug, Clone)]
pub(crate) struct Failure(Refused);

impl Failure {
    /// Not a system call: what should have been there is not.
    pub(crate) fn seen(what: impl Into<Text>) -> Self {
        Self(Refused { errno: None, what: what.into() })
    }

    /// A system call that worked this often before it failed.
    pub(crate) fn after(count: usize, errno: Errno) -> Self {
        Self(Refused { errno: Some(errno as i32), what: format!("{errno:?} after {count}").into() })
    }

    /// Whether this was seen.
    pub(crate) fn is(&self, what: &str) -> bool {
        self.0.errno.is_none() && self.0.what == what
    }
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        Self(Refused { errno: Some(errno as i32), what: format!("{errno:?}").into() })
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(errno) => Errno::from_raw(errno).into(),
            None => Self::seen(error.to_string()),
        }
    }
}

/// An answer of the kernel that is none.
pub(crate) fn invalid(_: netlink_packet_core::DecodeError) -> Failure {
    io::Error::from(io::ErrorKind::InvalidData).into()
}

/// Where steps are recorded.
pub(crate) struct Steps {
    stream: UnixStream,
    /// What the steps that follow are about.
    object: String,
    needed: bool,
}

impl Steps {
    pub(crate) const fn new(stream: UnixStream) -> Self {
        Self { stream, object: String::new(), needed: true }
    }

    /// What follows is about `object`, and an engine needs it or not.
    pub(crate) fn about(&mut self, object: &str, needed: bool) {
        object.clone_into(&mut self.object);
        self.needed = needed;
    }

    /// Does something and records how it went; `None` if it failed.
    pub(crate) fn step<T, E: Into<Failure>>(
        &mut self,
        action: Action,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Option<T> {
        self.send(&Line::Begins(action));
        let result = work().map_err(Into::into);
        let refused = result.as_ref().err().map(|failure| failure.0.clone());
        self.record(Step {
            action,
            object: self.object.as_str().into(),
            needed: self.needed,
            refused,
        });
        result.ok()
    }

    pub(crate) fn record(&mut self, step: Step) {
        self.send(&Line::Step(step));
    }

    /// What was measured so far.
    pub(crate) fn learned(&mut self, learned: Learned) {
        self.send(&Line::Learned(learned));
    }

    /// The guardian's last word.
    pub(crate) fn end(&mut self, ending: Ending, left_behind: Vec<Text>) {
        self.send(&Line::End { ending, left_behind });
    }

    pub(crate) const fn stream(&self) -> &UnixStream {
        &self.stream
    }

    fn send(&mut self, line: &Line) {
        let Ok(mut line) = serde_json::to_vec(line) else { return };
        line.push(b'\n');
        // Who cannot be told is gone, and the guardian sees that too.
        let _ = self.stream.write_all(&line);
    }

    /// Does something in a process of its own, which may enter namespaces and give up privileges; whether
    /// it came to its end.
    pub(crate) fn in_child(&mut self, work: impl FnOnce(&mut Self)) -> bool {
        let child = fork::spawn(|| {
            let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
            work(self);
        });
        let ended = child.map(|pid| waitpid(pid, None));
        matches!(ended, Ok(Ok(WaitStatus::Exited(_, 0))))
    }
}

/// Whether the process has ended by `deadline`; it is reaped then.
pub(crate) fn wait_until(pid: Pid, deadline: Instant) -> Option<WaitStatus> {
    loop {
        match waitpid(pid, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Ok(WaitStatus::StillAlive) => return None,
            Ok(status) => return Some(status),
            // Somebody else has reaped it.
            Err(_) => return Some(WaitStatus::Exited(pid, 1)),
        }
    }
}

/// Ends the group of the process, and waits a moment for it.
pub(crate) fn end_group(pid: Pid) -> Option<WaitStatus> {
    // It fails if all are gone already.
    let _ = kill(Pid::from_raw(-pid.as_raw()), Signal::SIGKILL);
    wait_until(pid, Instant::now() + Duration::from_secs(1))
}
