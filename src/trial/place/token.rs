//! Tokens: by one, what a run has left where others may write is told from what others have put there.
//!
//! It is a file in the place, which is 0700, and the same in a directory that is this user's alone. It goes with
//! the place, and the directory with the last one.

use std::{
    ffi::{OsStr, OsString},
    fmt::Write as _,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

use nix::{
    fcntl::{OFlag, openat},
    sys::stat::Mode,
    unistd::geteuid,
};

use super::Owner;
use crate::trial::trust;

/// Its name in the place.
const FILE: &str = ".token";

/// Hexadecimal digits.
const LENGTH: usize = 32;

/// Bytes of a record: a token, and a path.
const RECORD: u64 = 8192;

const READ: OFlag =
    OFlag::O_RDONLY.union(OFlag::O_NOFOLLOW).union(OFlag::O_NONBLOCK).union(OFlag::O_CLOEXEC);

/// Entries that are looked at for tokens of the dead.
const TOKENS: usize = 1000;

pub(super) struct Token(String);

impl Token {
    /// A new one, kept for the place; `None` where it cannot be kept: what is left there is told to the
    /// user then.
    pub(super) fn keep(place: &Path) -> Option<Self> {
        let mut random = [0_u8; LENGTH / 2];
        File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut random)).ok()?;
        let token = random.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        homes().into_iter().find_map(|home| kept(&home, place, &token).ok())?;
        Some(Self(token))
    }

    /// Into the place.
    pub(super) fn put(&self, place: &File) -> io::Result<()> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
        let file = openat(place, FILE, flags, Mode::S_IRUSR | Mode::S_IWUSR)?;
        File::from(file).write_all(self.0.as_bytes())
    }

    #[expect(clippy::unused_self, reason = "only who has one has something to forget")]
    pub(super) fn forget(&self, name: &str) {
        forget(name);
    }
}

/// Directories that are this user's alone.
fn homes() -> Vec<PathBuf> {
    if geteuid().is_root() {
        return vec!["/var/lib/dind-doctor".into(), "/run/dind-doctor".into()];
    }
    let variable = |name: &str| std::env::var_os(name);
    let runtime = absolute(variable, "XDG_RUNTIME_DIR").map(|home| home.join("dind-doctor"));
    state_home(variable).into_iter().chain(runtime).collect()
}

/// Where this user's doctor keeps what outlives a run: root's place, or that of the XDG base directories.
pub(crate) fn state_home(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    if geteuid().is_root() {
        return Some("/var/lib/dind-doctor".into());
    }
    let state = absolute(&variable, "XDG_STATE_HOME")
        .or_else(|| Some(absolute(&variable, "HOME")?.join(".local/state")))?;
    Some(state.join("dind-doctor"))
}

fn absolute(variable: impl Fn(&str) -> Option<OsString>, name: &str) -> Option<PathBuf> {
    variable(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// Nobody else could have put another directory there.
fn is_safe(home: &Path) -> bool {
    trust::directory(home).is_ok_and(|reached| reached.shared.is_none())
}

/// The file says the token, and for which place it is.
fn kept(home: &Path, place: &Path, token: &str) -> io::Result<()> {
    let name = place.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    // Another run may remove it at the same time, when its last token is gone.
    for _ in 0..3 {
        match DirBuilder::new().mode(0o700).create(home) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        if !is_safe(home) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(home.join(name));
        match file {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            file => {
                let content = [token.as_bytes(), b"\n", place.as_os_str().as_bytes()].concat();
                return file?.write_all(&content);
            }
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// Whether the token in the place is the one that was kept for it.
pub(super) fn matches(name: &str, place: &File) -> bool {
    let found = openat(place, FILE, READ, Mode::empty()).ok().and_then(|file| read(file.into()));
    let Some(found) = found.filter(|found| found.len() == LENGTH) else { return false };
    let homes = homes().into_iter().filter(|home| is_safe(home));
    homes.into_iter().any(|home| record(&home, name).is_some_and(|(token, _)| token == found))
}

/// The token that is kept for `name`, and where that place is.
fn record(home: &Path, name: &str) -> Option<(Vec<u8>, PathBuf)> {
    let file =
        OpenOptions::new().read(true).custom_flags(READ.bits()).open(home.join(name)).ok()?;
    let content = read(file)?;
    let (token, place) = content.split_at_checked(LENGTH)?;
    Some((token.to_vec(), OsStr::from_bytes(place.strip_prefix(b"\n")?).into()))
}

fn read(file: File) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    file.take(RECORD).read_to_end(&mut content).ok()?;
    Some(content)
}

/// The place is gone.
pub(super) fn forget(name: &str) {
    for home in homes().into_iter().filter(|home| is_safe(home)) {
        let _ = fs::remove_file(home.join(name));
        // It fails if there are others.
        let _ = fs::remove_dir(home);
    }
}

/// Forgets the tokens of guardians that are gone, and that have left nothing.
pub(in crate::trial) fn abandoned() {
    for home in homes().into_iter().filter(|home| is_safe(home)) {
        let Ok(entries) = fs::read_dir(&home) else { continue };
        for entry in entries.flatten().take(TOKENS) {
            let name = entry.file_name().to_string_lossy().into_owned();
            let dead = Owner::in_name(&name).is_some_and(|owner| !owner.is_alive());
            let is_gone = |place: PathBuf| {
                fs::symlink_metadata(place).is_err_and(|e| e.kind() == io::ErrorKind::NotFound)
            };
            if dead && record(&home, &name).is_none_or(|(_, place)| is_gone(place)) {
                forget(&name);
            }
        }
    }
}
