//! Databases of rpm, in the three formats that it has had: SQLite, ndb and Berkeley DB. They are read as
//! files: rpm is not executed, no lock is taken, and of each package only the first pages are looked at.

mod bdb;
mod header;
mod input;
mod ndb;
mod sqlite;
#[cfg(test)]
mod tests;

use std::time::Instant;

use self::input::Input;
use crate::source::{Package, Refusal};

/// Bytes of a database. That of a workstation with 3000 packages has 150 MiB.
const LIMIT: u64 = 1024 * 1024 * 1024;

/// Packages that are looked at.
const PACKAGES: u32 = 100_000;

/// Those of `names` that are installed, sorted; several where several versions are.
pub(in crate::source) fn packages(
    path: &str,
    names: &[String],
    deadline: Instant,
) -> Result<Vec<Package>, Refusal> {
    let file = super::file::open(path)?;
    let input = Input::new(&file, LIMIT, deadline)?;
    let mut seen = 0;
    let mut found = Vec::new();
    // One header that cannot be understood costs one package; one that cannot be read, the answer.
    let mut visit = |blob: &mut dyn input::Blob| {
        seen += 1;
        if seen > PACKAGES {
            return Err(Refusal::TooLarge);
        }
        match header::package(blob) {
            Ok(package) if names.contains(&package.name) => found.push(package),
            Ok(_) | Err(Refusal::Malformed) => {}
            Err(refusal) => return Err(refusal),
        }
        Ok(())
    };
    let magic = input.at(0, 16)?;
    if magic == sqlite::MAGIC {
        let log = super::file::open(&format!("{path}-wal"));
        let log = match &log {
            Ok(file) => Some(Input::new(file, LIMIT, deadline)?),
            Err(Refusal::Errno(libc::ENOENT)) => None,
            Err(refusal) => return Err(*refusal),
        };
        sqlite::headers(&input, log.as_ref(), &mut visit)?;
    } else if magic.starts_with(ndb::MAGIC) {
        ndb::headers(&input, &mut visit)?;
    } else {
        bdb::headers(&input, &mut visit)?;
    }
    found.sort();
    Ok(found)
}
