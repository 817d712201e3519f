//! Programs of others, executed for what they do.

use std::{
    convert::Infallible,
    ffi::{CStr, CString, OsStr},
    fs::{File, OpenOptions},
    io::{self, Read},
    os::{fd::AsRawFd, unix::ffi::OsStrExt},
    path::Path,
};

use nix::{
    fcntl::{AtFlags, OFlag},
    sys::{
        signal::{Signal, raise},
        stat::{Mode, umask},
        wait::{WaitStatus, waitpid},
    },
    unistd::{chdir, dup2_stderr, dup2_stdin, dup2_stdout, execveat, pipe2},
};

use super::{
    steps::Failure,
    trust::{self, FILE, Reached},
};
use crate::sys::fork;

/// Bytes of what a program says that are read.
const SAID: u64 = 4096;

/// All that a program learns from its environment. `PATH` is for helpers of its own.
const ENVIRONMENT: [&CStr; 3] = [c"PATH=/usr/sbin:/usr/bin:/sbin:/bin", c"HOME=/", c"LC_ALL=C"];

/// Where only a package manager makes anything, so that a program by another name is a wrapper of it.
const STORES: [&str; 2] = ["/nix/store", "/gnu/store"];

/// iptables is one program for all names, whose own name says which interface of the kernel it talks to; before
/// 1.8 there was one, for both families or for one.
const IPTABLES: [&str; 6] = [
    "xtables-nft-multi",
    "xtables-legacy-multi",
    "xtables-multi",
    "iptables-multi",
    "iptables-nft",
    "iptables-legacy",
];

/// A program that nobody else can have put there, and that is what it is called; it is opened once, and executed
/// as often as it takes.
#[derive(Debug)]
pub(crate) struct Program(Reached);

impl Program {
    /// The program `name` at `path`, which may be a link to it.
    pub(crate) fn open(path: &Path, name: &str) -> io::Result<Self> {
        let reached = trust::program(path)?;
        let refused = |what: &str| io::Error::other(format!("{} {what}", reached.path.display()));
        if !reached.is(FILE) {
            return Err(refused("is no file"));
        }
        if !is_called(&reached.path, name) {
            return Err(refused(&format!("is not {name}")));
        }
        let mut magic = [0; 4];
        // The one way to read what is open already.
        let mut file = File::open(format!("/proc/self/fd/{}", reached.fd.as_raw_fd()))?;
        if file.read_exact(&mut magic).is_err() || magic != *b"\x7fELF" {
            return Err(refused("is a script, and not the program itself"));
        }
        Ok(Self(reached))
    }

    /// Becomes it, with these arguments, the name first; returns only if it fails.
    pub(crate) fn become_it(&self, arguments: &[CString], environment: &[CString]) -> nix::Error {
        let Err(errno) = execveat(&self.0.fd, c"", arguments, environment, AtFlags::AT_EMPTY_PATH);
        errno
    }

    /// Executes it under `name`, and waits; what it said first if it did not end well.
    pub(crate) fn execute(
        &self,
        name: &OsStr,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Result<(), Failure> {
        let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
        let (ours, theirs) = pipe2(OFlag::O_CLOEXEC)?;
        let mut all = vec![CString::new(name.as_bytes()).map_err(io::Error::from)?];
        for argument in arguments {
            all.push(CString::new(argument.as_ref().as_bytes()).map_err(io::Error::from)?);
        }
        let child = fork::spawn(|| {
            let become_it = || -> nix::Result<Infallible> {
                dup2_stdin(&null)?;
                dup2_stdout(&null)?;
                dup2_stderr(&theirs)?;
                chdir("/")?;
                umask(Mode::from_bits_truncate(0o077));
                execveat(&self.0.fd, c"", &all, &ENVIRONMENT, AtFlags::AT_EMPTY_PATH)
            };
            let Err(errno) = become_it();
            let _ = nix::unistd::write(&theirs, format!("{errno:?}").as_bytes());
            // It must not look like a program that ended well.
            let _ = raise(Signal::SIGKILL);
        })?;
        drop(theirs);
        let mut said = Vec::new();
        File::from(ours).take(SAID).read_to_end(&mut said)?;
        let status = waitpid(child, None)?;
        if status == WaitStatus::Exited(child, 0) {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&said);
        // Hints follow the error.
        let first = said.lines().map(str::trim).find(|line| !line.is_empty());
        Err(Failure::seen(
            first.map_or_else(|| ended(status), |line| line.chars().take(200).collect::<String>()),
        ))
    }
}

fn ended(status: WaitStatus) -> String {
    match status {
        WaitStatus::Exited(_, code) => format!("exit status: {code}"),
        WaitStatus::Signaled(_, signal, _) => format!("signal: {signal}"),
        other => format!("{other:?}"),
    }
}

/// Whether what a name led to is that program.
fn is_called(resolved: &Path, name: &str) -> bool {
    let file = resolved.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let wrapped = || {
        let plain = file.strip_prefix('.').and_then(|rest| rest.strip_suffix("-wrapped"));
        plain == Some(name) && STORES.iter().any(|store| resolved.starts_with(store))
    };
    file == name || name == "iptables" && IPTABLES.contains(&file) || wrapped()
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{PermissionsExt, symlink},
        path::PathBuf,
    };

    use super::*;

    #[test]
    fn iptables_is_what_it_leads_to() {
        let is = |path: &str, name| is_called(Path::new(path), name);
        for path in [
            "/usr/sbin/iptables",
            "/usr/sbin/xtables-nft-multi",
            "/sbin/xtables-legacy-multi",
            "/nix/store/0a1b-iptables-1.8.10/bin/xtables-nft-multi",
            "/nix/store/0a1b-iptables-1.8.10/bin/.iptables-wrapped",
        ] {
            assert!(is(path, "iptables"), "{path}");
        }
        for path in ["/usr/bin/perl", "/root/cleanup", "/usr/sbin/iptables-wrapper", "/"] {
            assert!(!is(path, "iptables"), "{path}");
        }
        assert!(is("/usr/bin/newuidmap", "newuidmap"));
        assert!(!is("/usr/sbin/xtables-nft-multi", "newuidmap"));
        assert!(!is("/usr/bin/.newuidmap-wrapped", "newuidmap"));
    }

    /// A program of this system, or a script, in a directory that is this user's.
    fn copy(content: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap().join("tool");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        (dir, path)
    }

    #[test]
    fn a_script_is_not_executed_nor_what_is_called_otherwise() {
        let (_dir, path) = copy(b"#!/bin/sh\n");
        let why = |path: &Path, name| Program::open(path, name).unwrap_err().to_string();
        assert!(why(&path, "tool").ends_with("is a script, and not the program itself"));
        let link = path.with_file_name("iptables");
        symlink(&path, &link).unwrap();
        assert!(why(&link, "iptables").ends_with("tool is not iptables"));
        assert!(why(path.parent().unwrap(), "tool").ends_with("is no file"));
    }

    #[test]
    fn what_was_opened_is_executed_whatever_is_at_its_path_by_then() {
        fork::alone(|| {
            let (_dir, path) = copy(&fs::read("/bin/sh").unwrap());
            let program = Program::open(&path, "tool").unwrap();
            assert_eq!(program.0.path, path);
            fs::rename(&path, path.with_extension("away")).unwrap();
            fs::write(&path, "#!/bin/false\n").unwrap();
            let run = |script: &str| program.execute(OsStr::new("sh"), ["-c", script]);
            run("test \"$0$(pwd)$HOME$(umask)\" = sh//0077 && test -z \"$CARGO_PKG_NAME\"")
                .unwrap();
            run("test ! -t 0 && ! read x").unwrap();
            assert!(run("echo why >&2; exit 3").is_err_and(|failure| failure.is("why")));
            assert!(run("exit 3").is_err_and(|failure| failure.is("exit status: 3")));
        });
    }
}
