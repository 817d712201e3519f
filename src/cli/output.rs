//! Formats, and the files that a run writes.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::ValueEnum;

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Table,
    /// For scripts: one document, described by `doctor schema`.
    Json,
    /// For Jenkins, GitLab and Azure: a test case per check.
    Junit,
    /// For GitHub code scanning and editors: SARIF 2.1.0.
    Sarif,
    /// For the log and the annotations of GitHub Actions.
    Github,
    /// For pull requests, job summaries and support tickets.
    Markdown,
    /// For prove and other readers of TAP 14.
    Tap,
}

/// How text that is no report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TextFormat {
    /// For people.
    Table,
    /// For scripts.
    Json,
}

/// A format and the file that gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Output {
    pub(super) format: Format,
    pub(super) path: PathBuf,
}

/// `json=report.json`, for clap.
pub(super) fn output(text: &str) -> Result<Output, String> {
    let (format, path) = text.split_once('=').unwrap_or((text, ""));
    let known = || {
        let names = Format::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        names.map(|value| value.get_name().to_owned()).collect::<Vec<_>>().join(", ")
    };
    let format = Format::from_str(format, false)
        .map_err(|_| format!("say FORMAT=FILE; formats are {}", known()))?;
    if path.is_empty() {
        return Err("say FORMAT=FILE, for instance json=report.json".to_owned());
    }
    Ok(Output { format, path: path.into() })
}

/// Whether the file is this process's standard output under one of its names.
pub(super) fn is_stdout(path: &Path) -> bool {
    ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].iter().any(|name| path == Path::new(name))
}

/// Writes `content` to `path`: a regular file, new or old, appears whole or not at all; a device, a pipe
/// or a descriptor is written as it is.
pub(super) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let direct = path.starts_with("/dev") || path.starts_with("/proc");
    match fs::metadata(path) {
        Ok(found) if direct || !found.is_file() => {
            // Not truncated: behind a descriptor there can be a file that others write to as well.
            OpenOptions::new().append(true).open(path)?.write_all(content)
        }
        // A link stays a link: what it leads to is replaced.
        Ok(found) => replace(&fs::canonicalize(path)?, content, Some(found.permissions())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => replace(path, content, None),
        Err(error) => Err(error),
    }
}

/// Adds `content` to the file, below what is there.
pub(super) fn append(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    if file.metadata()?.len() == 0 {
        return file.write_all(content);
    }
    // At once, so that nobody else's text comes between.
    file.write_all(&[b"\n", content].concat())
}

fn replace(path: &Path, content: &[u8], permissions: Option<fs::Permissions>) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(temporary);
    let written =
        write_new(&temporary, content, permissions).and_then(|()| fs::rename(&temporary, path));
    if written.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::AlreadyExists) {
        // The first error is the one to tell.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn write_new(path: &Path, content: &[u8], permissions: Option<fs::Permissions>) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    if let Some(permissions) = permissions {
        file.set_permissions(permissions)?;
    }
    file.write_all(content)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_format_and_a_file() {
        let want = Output { format: Format::Json, path: "a=b".into() };
        assert_eq!(output("json=a=b"), Ok(want));
        for text in ["json", "json=", "xml=a", "=a"] {
            assert!(output(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.json");
        write(&path, b"one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let link = dir.path().join("link");
        symlink(&path, &link).unwrap();
        write(&link, b"three").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"three");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_device_is_written_directly_and_a_directory_refused() {
        write(Path::new("/dev/null"), b"x").unwrap();
        let dir = tempfile::tempdir().unwrap();
        assert!(write(dir.path(), b"x").is_err());
        assert!(write(&dir.path().join("absent/file"), b"x").is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
