//! Files, directories and mounts of the live machine.

use std::{
    fs::{self, File, OpenOptions},
    io::Read,
    os::{
        fd::AsFd,
        unix::{ffi::OsStrExt, fs::OpenOptionsExt},
    },
    path::Path,
    sync::OnceLock,
    time::Instant,
};

use nix::{
    dir::{Dir, Type},
    errno::Errno,
    fcntl::{AT_FDCWD, AtFlags, OFlag},
    sys::stat::{FileStat, Mode, SFlag},
    unistd::{AccessFlags, access as real_access, faccessat},
};

use crate::{
    source::{
        Access, Entry, EntryKind, Listing, Refusal, Stat, StatFs,
        path::{decode, encode},
    },
    sys::xfs,
};

const XFS_MAGIC: u64 = 0x5846_5342;

pub(in crate::source) fn refusal(error: &std::io::Error) -> Refusal {
    Refusal::Errno(error.raw_os_error().unwrap_or(libc::EIO))
}

fn errno(errno: Errno) -> Refusal {
    Refusal::Errno(errno as i32)
}

/// Whether the file has the attribute; an empty buffer asks for its size alone.
pub(in crate::source) fn attribute(path: &str, name: &str) -> Result<(), Refusal> {
    let size = rustix::fs::getxattr(&*decode(path), name, &mut [0_u8; 0]);
    size.map(|_| ()).map_err(|e| Refusal::Errno(e.raw_os_error()))
}

/// Opens a regular file. Anything else is refused before it is opened: opening a device can start it,
/// and opening a pipe can wait.
pub(in crate::source) fn open(path: &str) -> Result<File, Refusal> {
    let path = decode(path);
    match kind(&look(&path)?) {
        SFlag::S_IFREG => {}
        SFlag::S_IFDIR => return Err(Refusal::Errno(libc::EISDIR)),
        _ => return Err(Refusal::Errno(libc::EINVAL)),
    }
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(&path)
        .map_err(|e| refusal(&e))
}

/// `stat(2)`, links followed; not `statx(2)`, which the standard library prefers and filters kill for.
fn look(path: &Path) -> Result<FileStat, Refusal> {
    nix::sys::stat::stat(path).map_err(errno)
}

fn kind(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT
}

/// Reads a regular file.
pub(in crate::source) fn read(
    path: &str,
    limit: u32,
    deadline: Instant,
) -> Result<Vec<u8>, Refusal> {
    let mut file = open(path)?;
    let limit = limit as usize;
    let mut content = Vec::new();
    let mut chunk = [0; 16 * 1024];
    loop {
        let read = file.read(&mut chunk).map_err(|e| refusal(&e))?;
        if read == 0 {
            return Ok(content);
        }
        content.extend_from_slice(&chunk[..read]);
        if content.len() > limit {
            return Err(Refusal::TooLarge);
        }
        if Instant::now() >= deadline {
            return Err(Refusal::TimedOut);
        }
    }
}

pub(in crate::source) fn read_link(path: &str) -> Result<String, Refusal> {
    let target = fs::read_link(decode(path)).map_err(|e| refusal(&e))?;
    Ok(encode(target.as_os_str().as_bytes()))
}

pub(in crate::source) fn resolve(path: &str) -> Result<String, Refusal> {
    let target = fs::canonicalize(decode(path)).map_err(|e| refusal(&e))?;
    Ok(encode(target.as_os_str().as_bytes()))
}

pub(in crate::source) fn list(path: &str, limit: u32) -> Result<Listing, Refusal> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
    let mut dir = Dir::open(&decode(path), flags, Mode::empty()).map_err(errno)?;
    let mut listing = Listing::default();
    for entry in dir.iter() {
        let entry = entry.map_err(errno)?;
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        if listing.entries.len() >= limit as usize {
            listing.truncated = true;
            break;
        }
        let kind = match entry.file_type() {
            Some(Type::Directory) => EntryKind::Directory,
            Some(Type::File) => EntryKind::File,
            Some(Type::Symlink) => EntryKind::Link,
            Some(_) => EntryKind::Other,
            None => EntryKind::Unknown,
        };
        listing.entries.push(Entry { name: encode(name), kind });
    }
    listing.entries.sort();
    Ok(listing)
}

pub(in crate::source) fn stat(path: &str) -> Result<Stat, Refusal> {
    let found = look(&decode(path))?;
    let split = |device| (libc::major(device), libc::minor(device));
    Ok(Stat {
        mode: found.st_mode,
        uid: found.st_uid,
        gid: found.st_gid,
        dev: split(found.st_dev),
        rdev: split(found.st_rdev),
        ino: found.st_ino,
    })
}

pub(in crate::source) fn statfs(path: &str) -> Result<StatFs, Refusal> {
    let fs = nix::sys::statfs::statfs(&decode(path)).map_err(errno)?;
    // Magic numbers are 32 bits wide; the field is signed.
    let magic = fs.filesystem_type().0.cast_unsigned() & 0xffff_ffff;
    Ok(StatFs {
        magic,
        d_type: (magic == XFS_MAGIC).then(|| xfs_d_type(path)).flatten(),
        block_size: u64::try_from(fs.block_size()).unwrap_or(0),
        blocks: fs.blocks(),
        available: fs.blocks_available(),
        files: fs.files(),
        files_free: fs.files_free(),
    })
}

/// What xfs says of its geometry: an empty directory shows no entry by which to tell.
fn xfs_d_type(path: &str) -> Option<bool> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_NONBLOCK;
    let directory = OpenOptions::new().read(true).custom_flags(flags.bits()).open(decode(path));
    xfs::has_entry_types(directory.ok()?.as_fd())
}

pub(in crate::source) fn access(path: &str, access: Access) -> Result<(), Refusal> {
    let mode = match access {
        Access::ReadWrite => AccessFlags::R_OK | AccessFlags::W_OK,
        Access::Write => AccessFlags::W_OK,
        Access::Execute => AccessFlags::X_OK,
    };
    let path = decode(path);
    match faccessat(AT_FDCWD, &path, mode, AtFlags::AT_EACCESS) {
        // Seccomp profiles from before faccessat2 answer EPERM to it, whatever the file.
        Err(Errno::EPERM) if faccessat2_is_filtered() => real_access(&path, mode).map_err(errno),
        result => result.map_err(errno),
    }
}

fn faccessat2_is_filtered() -> bool {
    static FILTERED: OnceLock<bool> = OnceLock::new();
    *FILTERED.get_or_init(|| {
        let root = faccessat(AT_FDCWD, Path::new("/"), AccessFlags::F_OK, AtFlags::AT_EACCESS);
        root == Err(Errno::EPERM)
    })
}
