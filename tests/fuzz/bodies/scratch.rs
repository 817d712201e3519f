//! A directory for what has to be a file.

use std::{cell::OnceCell, fs, path::PathBuf};

use tempfile::TempDir;

thread_local! {
    static DIRECTORY: OnceCell<TempDir> = const { OnceCell::new() };
}

/// The path of this name in it.
pub(super) fn path(name: &str) -> PathBuf {
    // In memory, where there is such a place: everything is written for one input.
    let directory = || {
        let mut builder = tempfile::Builder::new();
        let named = builder.prefix("doctor-fuzz-");
        named.tempdir_in("/dev/shm").or_else(|_| named.tempdir()).unwrap()
    };
    DIRECTORY.with(|cell| cell.get_or_init(directory).path().join(name))
}

/// A file of this name and content.
pub(super) fn file(name: &str, content: &[u8]) -> PathBuf {
    let path = path(name);
    fs::write(&path, content).unwrap();
    path
}

/// An empty directory of this name.
pub(super) fn directory(name: &str) -> PathBuf {
    let path = path(name);
    if path.exists() {
        fs::remove_dir_all(&path).unwrap();
    }
    fs::create_dir(&path).unwrap();
    path
}
