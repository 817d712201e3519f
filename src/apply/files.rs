//! Files that are replaced: regular ones, in directories that nobody else may write to, and never by a link.

use std::{
    fs::{self, File, Permissions},
    io::{self, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown},
    path::Path,
};

use rustix::fs::{Access, XattrFlags, access, lgetxattr, lsetxattr};

use crate::{file, trial::trust};

/// No file that is changed here was ever a tenth of it.
const LIMIT: u64 = 1024 * 1024;

/// SELinux's label of a file.
const LABEL: &str = "security.selinux";

fn refused(path: &str, why: &str) -> io::Error {
    io::Error::other(format!("{path} {why}"))
}

/// What is known of a file that may be replaced; `None` where there is none.
pub(super) struct Found {
    pub(super) content: String,
    pub(super) mode: u32,
    pub(super) owner: (u32, u32),
}

/// Looks at a file that is to be replaced, and refuses what the doctor must not touch.
pub(super) fn find(path: &str) -> io::Result<Option<Found>> {
    let directory = own_directory(path)?;
    access(directory, Access::WRITE_OK)
        .map_err(|error| refused(path, &format!("cannot be replaced: {error}")))?;
    let about = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        about => about?,
    };
    if !about.is_file() {
        return Err(refused(path, "is no regular file"));
    }
    if about.nlink() > 1 {
        return Err(refused(path, "has a second name, which would keep what it holds"));
    }
    if ![0, nix::unistd::geteuid().as_raw()].contains(&about.uid()) {
        return Err(refused(path, "belongs to another user"));
    }
    let mode = about.permissions().mode() & 0o7777;
    let content = content(path)?.unwrap_or_default();
    Ok(Some(Found { content, mode, owner: (about.uid(), about.gid()) }))
}

/// The directory of a file, to which nobody else may write, on a way without links.
fn own_directory(path: &str) -> io::Result<&Path> {
    let directory = Path::new(path).parent().ok_or(io::ErrorKind::NotFound)?;
    let reached = trust::directory(directory)
        .map_err(|error| refused(path, &format!("cannot be trusted: {error}")))?;
    match reached.shared {
        Some(_) => Err(refused(path, "is where others may write")),
        None => Ok(directory),
    }
}

/// What a file holds; `None` where there is none.
pub(super) fn content(path: &str) -> io::Result<Option<String>> {
    let opened =
        File::options().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path);
    let file = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut text = String::new();
    file.take(LIMIT + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LIMIT {
        return Err(refused(path, "is too large"));
    }
    Ok(Some(text))
}

/// Lets the file hold this, or be gone. It appears whole; owner, permissions and label are those that are given, or
/// were there.
pub(super) fn put(
    path: &str,
    content: Option<&str>,
    mode: u32,
    owner: (u32, u32),
) -> io::Result<()> {
    let found = find(path)?;
    let Some(content) = content else {
        return match found {
            Some(_) => fs::remove_file(path),
            None => Ok(()),
        };
    };
    let label = label(path);
    file::of_mode(Path::new(path), mode & 0o777, content.as_bytes())?;
    if (owner.0, owner.1) != (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw()) {
        chown(path, Some(owner.0), Some(owner.1))?;
    }
    if let Some(label) = label {
        lsetxattr(path, LABEL, &label, XattrFlags::empty())?;
    }
    Ok(())
}

fn label(path: &str) -> Option<Vec<u8>> {
    let mut label = vec![0; 512];
    let length = lgetxattr(path, LABEL, &mut label[..]).ok()?;
    label.truncate(length);
    Some(label)
}

/// Sets permissions of what is no link.
pub(super) fn set_mode(path: &str, mode: u32) -> io::Result<()> {
    own_directory(path)?;
    if fs::symlink_metadata(path)?.is_symlink() {
        return Err(refused(path, "is a link"));
    }
    fs::set_permissions(path, Permissions::from_mode(mode))
}
