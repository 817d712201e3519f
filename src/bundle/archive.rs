//! A bundle on disk: a directory, or the gzipped tar of one.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read, Write},
    path::Path,
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};

use super::{BundleError, Recording, manifest::Parts};

/// A bundle larger than this, unpacked, is refused.
const LIMIT: u64 = 256 * 1024 * 1024;

const MANIFEST: &str = "manifest.jsonl";

/// Reads a bundle from a directory or a `.tar.gz`.
pub fn read(path: &Path) -> Result<Recording, BundleError> {
    let fail = |error| BundleError::Io(path.to_owned(), error);
    let kind = fs::metadata(path).map_err(fail)?;
    let parts = if kind.is_dir() { read_directory(path) } else { read_archive(path) };
    Recording::from_parts(&parts.map_err(fail)?)
        .map_err(|what| BundleError::Damaged(path.to_owned(), what))
}

/// Writes a bundle, to a `.tar.gz` or `.tgz` if the path ends so, else to a new directory, and returns its
/// size in bytes.
pub fn write(recording: &Recording, path: &Path) -> Result<u64, BundleError> {
    let fail = |error| BundleError::Io(path.to_owned(), error);
    let parts = recording.to_parts().map_err(|e| fail(e.into()))?;
    let name = path.to_string_lossy();
    if name.ends_with(".tar.gz") || name.ends_with(".tgz") {
        write_archive(&parts, path).and_then(|()| Ok(fs::metadata(path)?.len())).map_err(fail)
    } else {
        let bodies: usize = parts.bodies.values().map(Vec::len).sum();
        let size = (parts.manifest.len() + bodies) as u64;
        write_directory(&parts, path).map(|()| size).map_err(fail)
    }
}

fn read_directory(path: &Path) -> io::Result<Parts> {
    let manifest = match fs::File::open(path.join(MANIFEST)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(io::Error::other(format!("not a bundle: there is no {MANIFEST} in it")));
        }
        opened => bounded(opened?)?,
    };
    let mut bodies = BTreeMap::new();
    let files = path.join("files");
    if files.is_dir() {
        for entry in fs::read_dir(files)? {
            let entry = entry?;
            if let Some(name) = entry.file_name().to_str().filter(|name| is_body(name)) {
                bodies.insert(name.to_owned(), bounded(fs::File::open(entry.path())?)?);
            }
        }
    }
    Ok(Parts { manifest: String::from_utf8_lossy(&manifest).into_owned(), bodies })
}

fn read_archive(path: &Path) -> io::Result<Parts> {
    let unpacked = GzDecoder::new(fs::File::open(path)?).take(LIMIT);
    let mut parts = Parts { manifest: String::new(), bodies: BTreeMap::new() };
    let mut archive = tar::Archive::new(unpacked);
    for entry in archive.entries()? {
        let mut entry = entry?;
        // Names are data: nothing is ever written under them, and only two shapes are read.
        let name = entry.path()?.to_string_lossy().trim_start_matches("./").to_owned();
        let mut content = Vec::new();
        if name == MANIFEST {
            entry.read_to_end(&mut content)?;
            parts.manifest = String::from_utf8_lossy(&content).into_owned();
        } else if let Some(body) = name.strip_prefix("files/").filter(|body| is_body(body)) {
            entry.read_to_end(&mut content)?;
            parts.bodies.insert(body.to_owned(), content);
        }
    }
    Ok(parts)
}

fn is_body(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit())
}

fn bounded(file: fs::File) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.take(LIMIT).read_to_end(&mut content)?;
    Ok(content)
}

/// Replaces the bundle that is there, and nothing else that might be.
fn write_directory(parts: &Parts, path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    let files = path.join("files");
    if path.join(MANIFEST).exists() {
        fs::remove_file(path.join(MANIFEST))?;
        if files.is_dir() {
            fs::remove_dir_all(&files)?;
        }
    } else if fs::read_dir(path)?.next().is_some() {
        return Err(io::Error::other("the directory is not empty and holds no bundle"));
    }
    if !parts.bodies.is_empty() {
        fs::create_dir(&files)?;
    }
    for (name, body) in &parts.bodies {
        fs::write(files.join(name), body)?;
    }
    fs::write(path.join(MANIFEST), &parts.manifest)
}

/// Written under another name first: whoever sees the file sees all of it.
fn write_archive(parts: &Parts, path: &Path) -> io::Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".part");
    let result = pack(parts, Path::new(&partial)).and_then(|()| fs::rename(&partial, path));
    if result.is_err() {
        let _ = fs::remove_file(&partial);
    }
    result
}

fn pack(parts: &Parts, path: &Path) -> io::Result<()> {
    let encoder = GzEncoder::new(fs::File::create(path)?, Compression::best());
    let mut archive = tar::Builder::new(encoder);
    let mut add = |name: &str, content: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_cksum();
        archive.append_data(&mut header, name, content)
    };
    add(MANIFEST, parts.manifest.as_bytes())?;
    for (name, body) in &parts.bodies {
        add(&format!("files/{name}"), body)?;
    }
    archive.into_inner()?.finish()?.flush()
}
