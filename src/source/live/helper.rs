//! The process that asks in the doctor's place, and how the two speak.

use std::{
    io::{self, Read, Write},
    os::{fd::AsFd, unix::net::UnixStream},
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        resource::{Resource, setrlimit},
        signal::{Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};
use serde::{Deserialize, Serialize};

use super::Within;
use crate::{
    source::{Answer, Limits, Question, Refusal},
    sys::fork,
};

/// A message is never larger than the largest file that is read, and its frame.
const MESSAGE_LIMIT: usize = 64 * 1024 * 1024;

/// How long a process that hung up may take to have ended.
const REAPING: Duration = Duration::from_millis(200);

pub(super) struct Helper {
    pid: Pid,
    stream: UnixStream,
}

/// Why there is no answer and no helper any more.
#[derive(Debug)]
pub(super) enum Lost {
    /// Nothing came before the deadline.
    Late,
    /// The process has ended.
    Died(Refusal),
}

/// What the helper answers; the bytes of a file follow in a frame of their own.
#[derive(Serialize, Deserialize)]
enum Reply {
    Bytes,
    Answer(Answer),
    Refusal(Refusal),
}

impl Helper {
    pub(super) fn start(limits: Limits) -> io::Result<Self> {
        let (pid, stream) = fork::with_stream(|stream| serve(stream, limits))?;
        Ok(Self { pid, stream })
    }

    pub(super) fn ask(
        &mut self,
        question: &Question,
        deadline: Instant,
    ) -> Result<Result<Answer, Refusal>, Lost> {
        let left = deadline.saturating_duration_since(Instant::now()).as_millis();
        let mut request = u32::try_from(left).unwrap_or(u32::MAX).to_ne_bytes().to_vec();
        let told = serde_json::to_writer(&mut request, question)
            .map_err(io::Error::from)
            .and_then(|()| send(&mut self.stream, &request));
        told.map_err(|_| self.fate())?;
        let reply = self.receive(deadline)?;
        let reply = serde_json::from_slice(&reply).map_err(|_| Lost::Died(Refusal::Malformed))?;
        Ok(match reply {
            Reply::Bytes => Ok(Answer::bytes(self.receive(deadline)?)),
            Reply::Answer(answer) => Ok(answer),
            Reply::Refusal(refusal) => Err(refusal),
        })
    }

    fn receive(&mut self, deadline: Instant) -> Result<Vec<u8>, Lost> {
        let result = receive(&mut Awaited { stream: &self.stream, deadline });
        result.map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => Lost::Late,
            _ => self.fate(),
        })
    }

    /// How the process has ended that does not speak any more. A filter kills by SIGSYS; what panics exits.
    fn fate(&self) -> Lost {
        let end = Instant::now() + REAPING;
        loop {
            match waitpid(self.pid, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) if Instant::now() < end => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Ok(WaitStatus::Signaled(_, Signal::SIGSYS, _)) => {
                    return Lost::Died(Refusal::Killed);
                }
                Ok(WaitStatus::Exited(..)) => return Lost::Died(Refusal::Malformed),
                _ => return Lost::Died(Refusal::Errno(libc::EIO)),
            }
        }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // Both fail only if it is gone already.
        let _ = kill(self.pid, Signal::SIGKILL);
        let _ = waitpid(self.pid, Some(WaitPidFlag::WNOHANG));
    }
}

/// The child: answers until the parent is gone. It keeps no descriptor but its end of the pair, so that
/// whoever reads the doctor's output does not wait for a child that is stuck.
fn serve(mut stream: UnixStream, limits: Limits) {
    fork::close_others(&stream);
    // SIGSYS dumps core, which would stay as a file; a program that takes cores is not started for 1 byte.
    let _ = setrlimit(Resource::RLIMIT_CORE, 1, 1);
    while let Ok(request) = receive(&mut stream) {
        let Some((left, question)) = request.split_first_chunk::<4>() else { return };
        let Ok(question) = serde_json::from_slice::<Question>(question) else { return };
        let left = Duration::from_millis(u32::from_ne_bytes(*left).into());
        let (reply, bytes) = match question.live(Within { deadline: Instant::now() + left, limits })
        {
            Ok(Answer::Bytes(bytes)) => (Reply::Bytes, Some(bytes)),
            Ok(answer) => (Reply::Answer(answer), None),
            Err(refusal) => (Reply::Refusal(refusal), None),
        };
        let Ok(reply) = serde_json::to_vec(&reply) else { return };
        let sent = send(&mut stream, &reply)
            .and_then(|()| bytes.map_or(Ok(()), |bytes| send(&mut stream, &bytes)));
        if sent.is_err() {
            return;
        }
    }
}

/// The helper's end of the stream, read until a deadline.
struct Awaited<'a> {
    stream: &'a UnixStream,
    deadline: Instant,
}

impl Read for Awaited<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            // Rounded up: a poll of 0 ms would be repeated many times.
            let timeout = PollTimeout::try_from(left + Duration::from_millis(1));
            let mut ready = [PollFd::new(self.stream.as_fd(), PollFlags::POLLIN)];
            match poll(&mut ready, timeout.unwrap_or(PollTimeout::MAX)) {
                _ if left.is_zero() => return Err(io::ErrorKind::TimedOut.into()),
                Ok(0) | Err(Errno::EINTR) => {}
                Ok(_) => return self.stream.read(buffer),
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

/// A message behind its length, at once: the other end is woken once.
fn send(stream: &mut UnixStream, message: &[u8]) -> io::Result<()> {
    let length = u32::try_from(message.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_ne_bytes(), message].concat())
}

fn receive(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_ne_bytes(length) as usize;
    if length > MESSAGE_LIMIT {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message)?;
    Ok(message)
}
