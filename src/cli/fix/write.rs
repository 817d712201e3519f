//! The artefacts as files of a directory.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::Path,
};

use nix::unistd::geteuid;

use crate::{cli::Trouble, file, fix::Fix, text};

/// The names of what was written into a directory: that may be written anew.
const WRITTEN: &str = ".doctor-fix";

/// What others may change is not for root to run, nor for anybody else.
fn is_ones_own(directory: &Path) -> io::Result<()> {
    let found = fs::metadata(directory)?;
    let (own, root) = (geteuid().as_raw(), 0);
    let others = if own == root { 0o022 } else { 0o002 };
    if ![own, root].contains(&found.uid()) || found.mode() & others != 0 {
        return Err(io::Error::other("others may write there: name a directory of your own"));
    }
    Ok(())
}

/// Writes them, and says what is left to people.
pub(super) fn all(directory: &Path, fix: &Fix, err: &mut dyn Write) -> Result<(), Trouble> {
    let failed = |path: &Path, error| Trouble::File(path.to_owned(), error);
    match fs::create_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            is_ones_own(directory).map_err(|error| failed(directory, error))?;
        }
        made => made.map_err(|error| failed(directory, error))?,
    }
    let names: Vec<&str> = fix.artefacts.iter().map(|artefact| artefact.name).collect();
    let earlier = fs::read_to_string(directory.join(WRITTEN)).unwrap_or_default();
    let foreign = |name: &&str| {
        !earlier.lines().any(|line| line == *name)
            && directory.join(name).symlink_metadata().is_ok()
    };
    if let Some(name) = names.iter().copied().find(|name| foreign(name)) {
        let told = "there is such a file already, which doctor fix has not written: name another directory";
        return Err(failed(&directory.join(name), io::Error::other(told)));
    }
    let all: BTreeSet<&str> = earlier.lines().chain(names).collect();
    let list = all.into_iter().fold(String::new(), |list, name| list + name + "\n");
    if !fix.artefacts.is_empty() {
        let path = directory.join(WRITTEN);
        file::of_mode(&path, 0o644, list.as_bytes()).map_err(|error| failed(&path, error))?;
    }
    for artefact in &fix.artefacts {
        let path = directory.join(artefact.name);
        let mode = match (artefact.private, artefact.executable) {
            (true, _) => 0o600,
            (false, true) => 0o755,
            (false, false) => 0o644,
        };
        file::of_mode(&path, mode, artefact.content.as_bytes())
            .map_err(|error| failed(&path, error))?;
        // The files are there; who cannot be told about them is not in trouble.
        let _ = writeln!(err, "doctor: {}: {}", text::path(&path), artefact.what);
    }
    if fix.artefacts.is_empty() {
        let _ = writeln!(err, "doctor: nothing to write");
    }
    let left = fix.by_hand.len();
    if left > 0 {
        let steps = if left == 1 { "1 step is".to_owned() } else { format!("{left} steps are") };
        let _ = writeln!(err, "doctor: {steps} left to you: doctor fix without --write says which");
    }
    Ok(())
}
