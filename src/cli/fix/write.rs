//! The artefacts as files of a directory.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use crate::{cli::Trouble, file, fix::Fix, text};

/// Writes them, and says what is left to people.
pub(super) fn all(directory: &Path, fix: &Fix, err: &mut dyn Write) -> Result<(), Trouble> {
    let failed = |path: &Path, error| Trouble::File(path.to_owned(), error);
    match fs::create_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made.map_err(|error| failed(directory, error))?,
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
