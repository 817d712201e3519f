//! Whether a path is in the hands of this user and root alone.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use nix::unistd::geteuid;

/// Fails if somebody else could put another file or directory in the place of `path`, which is to be
/// executed or written to as this user: one that belongs to another user, or that all may write to, on the
/// way there. The path has no links left.
pub(super) fn check(path: &Path) -> io::Result<()> {
    let mine = geteuid().as_raw();
    for part in path.ancestors() {
        let found = fs::symlink_metadata(part)?;
        let mode = found.permissions().mode();
        // In a sticky directory nobody replaces what is another's.
        let open_to_all = mode & 0o002 != 0 && mode & 0o1000 == 0;
        if ![0, mine].contains(&found.uid()) || open_to_all || found.is_symlink() {
            let part = part.display();
            return Err(io::Error::other(format!("{part} is in the hands of other users")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_may_write_to_is_not_trusted() {
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().join("below");
        fs::create_dir(&below).unwrap();
        check(&below).unwrap();
        let set = |mode| fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
        set(0o777);
        assert!(check(&below).is_err_and(|e| e.to_string().contains("other users")));
        set(0o1777);
        check(&below).unwrap();
        assert!(check(&dir.path().join("absent")).is_err());
    }
}
