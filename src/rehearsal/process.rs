//! Programs that a rehearsal starts, and the little of what they write that is kept.

use std::{
    ffi::{CString, OsStr},
    fs::OpenOptions,
    io::{self, Read},
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    time::{Duration, Instant},
};

use dind_doctor_checks::facts::Text;
use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{Signal, kill, raise},
        stat::{Mode, umask},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::{Pid, chdir, dup2_stderr, dup2_stdin, dup2_stdout, pipe2},
};

use crate::{
    sys::fork,
    trial::{program::Program, steps::Failure, trust},
};

/// Bytes of each stream that are kept: of what comes first, and of what comes last.
const KEPT: usize = 64 * 1024;

/// Lines of a log that are told, and characters of one.
const LINES: usize = 16;
const COLUMNS: usize = 400;

/// How the first line of a crash begins.
const CRASHES: [&[u8]; 2] = [b"fatal error: ", b"panic: "];

/// Where programs look for helpers of theirs, as far as nobody else may write there.
const DIRECTORIES: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// How long a program may keep its streams open after its end.
const LINGER: Duration = Duration::from_millis(200);

/// How long a program may take to end that was asked to: an emulated machine takes more than five seconds.
const PATIENCE: Duration = Duration::from_secs(15);

/// A program that has ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: WaitStatus,
    pub(super) out: Vec<u8>,
    pub(super) err: Vec<u8>,
}

impl Ended {
    /// Whether it ended with 0; if not, how it ended, and the last line that it wrote.
    pub(super) fn well(&self) -> Result<(), Failure> {
        if matches!(self.status, WaitStatus::Exited(_, 0)) {
            return Ok(());
        }
        let last = last_words(&self.err).map(|line| format!(": {line}")).unwrap_or_default();
        Err(Failure::seen(how(self.status) + &last))
    }
}

/// `exit status 1`.
pub(super) fn how(status: WaitStatus) -> String {
    match status {
        WaitStatus::Exited(_, code) => format!("exit status {code}"),
        WaitStatus::Signaled(_, signal, _) => format!("killed by {signal}"),
        _ => "it had not ended in time".to_owned(),
    }
}

/// The last lines of what was written. Of a program of Go that crashed, what it crashed of comes first: hundreds of lines
/// follow, of where it was.
pub(super) fn last_lines(written: &[u8]) -> Vec<Text> {
    let lines = written.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
    let tail = lines.len().saturating_sub(LINES);
    let crash = lines.iter().position(|line| CRASHES.iter().any(|word| line.starts_with(word)));
    let all = match crash.filter(|at| *at < tail) {
        Some(at) => [&lines[at..=at], &lines[tail + 1..]].concat(),
        None => lines[tail..].to_vec(),
    };
    all.into_iter().map(bounded).collect()
}

/// What it most likely ended of, in one line.
pub(super) fn last_words(written: &[u8]) -> Option<Text> {
    let lines = last_lines(written);
    let is_crash = |line: &&Text| CRASHES.iter().any(|word| line.as_bytes().starts_with(word));
    lines.iter().find(is_crash).or(lines.last()).cloned()
}

fn bounded(line: &[u8]) -> Text {
    let line = Text::from_bytes(line);
    match line.char_indices().nth(COLUMNS) {
        Some((at, _)) => format!("{}…", &line[..at]).into(),
        None => line,
    }
}

/// Those of them that are there.
pub(super) fn directories() -> Vec<&'static str> {
    let trusted = |directory: &&str| trust::program(directory.as_ref()).is_ok();
    DIRECTORIES.into_iter().filter(trusted).collect()
}

/// The environment of all programs, and `more`: nothing is inherited.
pub(super) fn environment(more: &[(&str, &OsStr)]) -> Vec<CString> {
    let path = format!("PATH={}", directories().join(":"));
    let given = |name: &str| more.iter().any(|(other, _)| *other == name);
    let mut all: Vec<Vec<u8>> = vec![path.into(), b"LC_ALL=C".to_vec()];
    if !given("HOME") {
        all.push(b"HOME=/".to_vec());
    }
    all.extend(more.iter().map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat()));
    all.into_iter().filter_map(|variable| CString::new(variable).ok()).collect()
}

/// The name and the arguments, as the kernel takes them.
pub(super) fn arguments<'a>(
    name: &'a str,
    rest: impl IntoIterator<Item = &'a OsStr>,
) -> io::Result<Vec<CString>> {
    let all = std::iter::once(OsStr::new(name)).chain(rest);
    all.map(|argument| CString::new(argument.as_bytes()).map_err(Into::into)).collect()
}

/// Starts a program that writes there, and that ends with this process.
pub(super) fn start(
    program: &Program,
    arguments: &[CString],
    environment: &[CString],
    out: &impl AsFd,
    err: &impl AsFd,
) -> io::Result<Pid> {
    let null = OpenOptions::new().read(true).open("/dev/null")?;
    fork::spawn(|| {
        let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
        let prepared = dup2_stdin(&null)
            .and_then(|()| dup2_stdout(out))
            .and_then(|()| dup2_stderr(err))
            .and_then(|()| chdir("/"));
        umask(Mode::from_bits_truncate(0o022));
        let errno = match prepared {
            Ok(()) => program.become_it(arguments, environment),
            Err(errno) => errno,
        };
        let _ = nix::unistd::write(io::stderr(), format!("not executed: {errno:?}\n").as_bytes());
        // It must not look like a program that ended well.
        let _ = raise(Signal::SIGKILL);
    })
}

/// Runs a program to its end, or to the deadline, when it is killed.
pub(super) fn run(
    program: &Program,
    arguments: &[CString],
    environment: &[CString],
    deadline: Instant,
) -> Result<Ended, Failure> {
    run_until(program, arguments, environment, deadline, &|_| false)
}

/// The same, of a program that is sent SIGTERM when what it has written is enough, and has [`PATIENCE`] to end then.
pub(super) fn run_until(
    program: &Program,
    arguments: &[CString],
    environment: &[CString],
    deadline: Instant,
    is_enough: &dyn Fn(&[u8]) -> bool,
) -> Result<Ended, Failure> {
    let (our_out, out) = pipe2(OFlag::O_CLOEXEC)?;
    let (our_err, err) = pipe2(OFlag::O_CLOEXEC)?;
    let pid = start(program, arguments, environment, &out, &err)?;
    drop((out, err));
    let mut streams = [Stream::new(our_out)?, Stream::new(our_err)?];
    let mut deadline = deadline;
    let (mut status, mut asked) = (None, false);
    loop {
        let open = streams.iter().any(|stream| stream.file.is_some());
        if status.is_none()
            && let Ok(ended) = waitpid(pid, Some(WaitPidFlag::WNOHANG))
            && ended != WaitStatus::StillAlive
        {
            status = Some(ended);
            deadline = deadline.min(Instant::now() + LINGER);
        }
        if (status.is_some() && !open) || Instant::now() >= deadline {
            break;
        }
        for stream in &mut streams {
            stream.take()?;
        }
        if !asked && is_enough(&streams[0].kept) {
            asked = true;
            deadline = deadline.min(Instant::now() + PATIENCE);
            let _ = kill(pid, Signal::SIGTERM);
        }
        wait_for(&streams);
    }
    let status = status.unwrap_or_else(|| {
        let _ = kill(pid, Signal::SIGKILL);
        let _ = waitpid(pid, None);
        WaitStatus::StillAlive
    });
    let [out, err] = streams.map(|stream| stream.kept);
    Ok(Ended { status, out, err })
}

/// Until there is something to read, but for a moment only.
fn wait_for(streams: &[Stream]) {
    let open = streams.iter().filter_map(|stream| stream.file.as_ref());
    let mut all: Vec<_> = open.map(|file| PollFd::new(file.as_fd(), PollFlags::POLLIN)).collect();
    if all.is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    } else {
        let _ = poll(&mut all, PollTimeout::from(20_u8));
    }
}

struct Stream {
    file: Option<std::fs::File>,
    kept: Vec<u8>,
}

impl Stream {
    fn new(fd: OwnedFd) -> nix::Result<Self> {
        fcntl(&fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        Ok(Self { file: Some(fd.into()), kept: Vec::new() })
    }

    /// What is there now.
    fn take(&mut self) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut chunk = [0; 4096];
        loop {
            match file.read(&mut chunk) {
                Ok(0) => {
                    self.file = None;
                    return Ok(());
                }
                Ok(read) => {
                    self.kept.extend_from_slice(&chunk[..read]);
                    let over = self.kept.len().saturating_sub(2 * KEPT);
                    if over > 0 {
                        self.kept.drain(KEPT..KEPT + over);
                    }
                }
                Err(error) if error.raw_os_error() == Some(Errno::EAGAIN as i32) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            // Who writes without end must not keep the deadline away.
            if self.kept.len() >= 2 * KEPT {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;
    use crate::sys::fork::alone;

    fn shell(script: &str, seconds: u64) -> Ended {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap().join("tool");
        fs::copy("/bin/sh", &path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let program = Program::open(&path, "tool").unwrap();
        let arguments = arguments("sh", ["-c", script].map(OsStr::new)).unwrap();
        let deadline = Instant::now() + Duration::from_secs(seconds);
        run(&program, &arguments, &environment(&[]), deadline).unwrap()
    }

    #[test]
    fn what_a_program_writes_is_kept_up_to_a_bound_and_its_end_is_told() {
        alone(|| {
            let ended = shell("echo out; echo one >&2; echo last words >&2; exit 3", 10);
            assert_eq!(ended.out, b"out\n");
            let why = format!("{:?}", ended.well().unwrap_err());
            assert!(why.contains("exit status 3: last words"), "{why}");
            let ended = shell("while :; do echo 0123456789012345678901234567890123456789; done", 1);
            assert_eq!(ended.status, WaitStatus::StillAlive);
            assert!(ended.out.len() <= 2 * KEPT + 4096, "{}", ended.out.len());
            let ended =
                shell("test -z \"$CARGO_PKG_NAME\" && test \"$HOME\" = / && sleep 60 & exit 0", 10);
            ended.well().unwrap();
        });
    }

    #[test]
    fn of_a_log_the_last_lines_are_told_and_of_a_line_the_beginning() {
        let numbers = (0..50).map(|number| format!("\n{number}\r\n\n"));
        let log = "x".repeat(1000) + &numbers.collect::<String>();
        let lines = last_lines(log.as_bytes());
        assert_eq!((lines.len(), &*lines[0], &*lines[LINES - 1]), (LINES, "34", "49"));
        let crashed = [b"time\nfatal error: no memory\n", log.as_bytes()].concat();
        let lines = last_lines(&crashed);
        assert_eq!((lines.len(), &*lines[0], &*lines[1]), (LINES, "fatal error: no memory", "35"));
        assert_eq!(last_words(&crashed).as_deref(), Some("fatal error: no memory"));
        assert_eq!(last_words(b"one\ntwo\n\n").as_deref(), Some("two"));
        assert_eq!(last_lines(&log.as_bytes()[..1000])[0].chars().count(), COLUMNS + 1);
    }
}
