//! Questions that could block for ever are asked by a forked process, which is abandoned at the
//! deadline. A thread would not do: one that is stuck in a dead mount keeps its whole process
//! unkillable.

use std::{
    cell::{Cell, RefCell},
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use nix::{
    sys::{
        signal::{Signal, kill},
        wait::{WaitPidFlag, waitpid},
    },
    unistd::Pid,
};
use serde::{Deserialize, Serialize};

use super::{answer, file};
use crate::{
    source::{Answer, Question, Refusal},
    sys::fork,
};

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// After so many abandoned questions nothing further that could block is asked.
const ABANDONED_AT_MOST: u32 = 3;

/// A message is never larger than the largest file that is read, and its frame.
const MESSAGE_LIMIT: usize = 64 * 1024 * 1024;

/// Mounts of filesystems whose server can be gone.
pub(super) struct SlowMounts {
    mount_points: Vec<String>,
    /// Whether one lies outside `/proc`, `/sys` and `/dev`, where a link could lead into it.
    reachable_by_link: bool,
}

impl SlowMounts {
    /// From the mount table, which the kernel answers by itself.
    pub(super) fn read() -> Self {
        let deadline = Instant::now() + PATIENCE;
        let table = file::read("/proc/self/mountinfo", 16 * 1024 * 1024, deadline);
        let Ok(table) = table else {
            // Without a mount table nothing is known to be quick.
            return Self { mount_points: vec!["/".to_owned()], reachable_by_link: true };
        };
        Self::parse(&String::from_utf8_lossy(&table))
    }

    fn parse(table: &str) -> Self {
        let mount_points: Vec<String> = table
            .lines()
            .filter_map(|line| {
                let (mount, filesystem) = line.split_once(" - ")?;
                let fstype = filesystem.split(' ').next()?;
                is_slow(fstype).then(|| mount.split(' ').nth(4).map(str::to_owned))?
            })
            .collect();
        let reachable_by_link = mount_points.iter().any(|at| !is_kernel_path(at));
        Self { mount_points, reachable_by_link }
    }

    /// Whether looking at `path` could wait for a server.
    pub(super) fn can_block(&self, path: &str) -> bool {
        let below = |at: &String| {
            path.strip_prefix(at.trim_end_matches('/'))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if is_kernel_path(path) {
            self.mount_points.iter().filter(|at| is_kernel_path(at)).any(below)
        } else {
            self.reachable_by_link
        }
    }
}

/// Filesystems that a process or another machine serves.
fn is_slow(fstype: &str) -> bool {
    const SLOW: [&str; 13] = [
        "9p",
        "afs",
        "autofs",
        "ceph",
        "cifs",
        "coda",
        "glusterfs",
        "lustre",
        "nfs",
        "nfs4",
        "smb3",
        "smbfs",
        "virtiofs",
    ];
    SLOW.contains(&fstype) || fstype == "fuse" || fstype.starts_with("fuse.") || fstype == "fuseblk"
}

fn is_kernel_path(path: &str) -> bool {
    ["/proc", "/sys", "/dev"].iter().any(|root| {
        path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// The forked process and how often one had to be abandoned.
#[derive(Default)]
pub(super) struct Guard {
    helper: RefCell<Option<Helper>>,
    abandoned: Cell<u32>,
}

struct Helper {
    pid: Pid,
    stream: UnixStream,
}

/// What the helper answers; the bytes of a file follow in a frame of their own.
#[derive(Serialize, Deserialize)]
enum Reply {
    Bytes,
    Answer(Answer),
    Refusal(Refusal),
}

impl Guard {
    pub(super) fn ask(&self, question: &Question, deadline: Instant) -> Result<Answer, Refusal> {
        if self.abandoned.get() >= ABANDONED_AT_MOST {
            return Err(Refusal::TimedOut);
        }
        let mut slot = self.helper.borrow_mut();
        if slot.is_none() {
            *slot = Some(Helper::start().map_err(|e| refusal(&e))?);
        }
        let Some(helper) = slot.as_mut() else { return Err(Refusal::Malformed) };
        let deadline = deadline.min(Instant::now() + PATIENCE);
        let Ok(result) = helper.ask(question, deadline) else {
            self.abandoned.set(self.abandoned.get() + 1);
            // Dropping it kills it, as soon as the kernel lets it die; nobody waits for that.
            *slot = None;
            return Err(Refusal::TimedOut);
        };
        result
    }
}

fn refusal(error: &io::Error) -> Refusal {
    Refusal::Errno(error.raw_os_error().unwrap_or(libc::EIO))
}

impl Helper {
    fn start() -> io::Result<Self> {
        let (pid, stream) = fork::with_stream(serve)?;
        Ok(Self { pid, stream })
    }

    fn ask(
        &mut self,
        question: &Question,
        deadline: Instant,
    ) -> io::Result<Result<Answer, Refusal>> {
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        self.stream.set_read_timeout(Some(left))?;
        self.stream.set_write_timeout(Some(left))?;
        send(&mut self.stream, &serde_json::to_vec(question)?)?;
        let reply = serde_json::from_slice(&receive(&mut self.stream)?)?;
        Ok(match reply {
            Reply::Bytes => Ok(Answer::Bytes(receive(&mut self.stream)?)),
            Reply::Answer(answer) => Ok(answer),
            Reply::Refusal(refusal) => Err(refusal),
        })
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
fn serve(mut stream: UnixStream) {
    fork::close_others(&stream);
    let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
    while let Ok(message) = receive(&mut stream) {
        let Ok(question) = serde_json::from_slice(&message) else { return };
        let result = answer(&question, Instant::now() + PATIENCE);
        let (reply, bytes) = match result {
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

fn send(stream: &mut UnixStream, message: &[u8]) -> io::Result<()> {
    let length = u32::try_from(message.len()).map_err(io::Error::other)?;
    stream.write_all(&length.to_ne_bytes())?;
    stream.write_all(message)
}

fn receive(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
        20 1 254:0 / / rw - ext4 /dev/vda rw\n\
        21 20 0:5 / /proc rw - proc proc rw\n\
        22 21 0:6 / /proc/meminfo rw - fuse.lxcfs lxcfs rw\n\
        23 20 0:7 / /mnt/share rw shared:1 - nfs4 server:/x rw\n";

    #[test]
    fn below_a_served_mount_and_by_link_everything_outside_the_kernel_can_block() {
        let slow = SlowMounts::parse(TABLE);
        assert!(slow.can_block("/mnt/share/data"));
        assert!(slow.can_block("/etc/docker/daemon.json"), "it could be a link into the share");
        assert!(slow.can_block("/proc/meminfo"));
        assert!(!slow.can_block("/proc/self/status"));
        assert!(!slow.can_block("/sys/fs/cgroup/cgroup.procs"));
    }

    #[test]
    fn without_served_mounts_nothing_can_block() {
        let (quick, _) = TABLE.split_once("22 ").unwrap();
        assert!(!SlowMounts::parse(quick).can_block("/mnt/share/data"));
    }

    #[test]
    fn the_helper_answers_as_the_process_itself_would() {
        fork::alone(answers);
    }

    fn answers() {
        let guard = Guard::default();
        let deadline = Instant::now() + Duration::from_secs(10);
        let read = Question::Read { path: "/proc/self/comm".to_owned(), limit: 100 };
        assert!(matches!(guard.ask(&read, deadline), Ok(Answer::Bytes(_))));
        let absent = Question::Stat { path: "/nowhere".to_owned() };
        assert_eq!(guard.ask(&absent, deadline), Err(Refusal::Errno(libc::ENOENT)));
    }
}
