//! A directory of logs, as `kind export logs` and `kubectl cluster-info dump` write it.

use std::{
    ffi::CString,
    io,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

use rustix::fs::fstat;

use super::{
    reader::{Log, tail_of_file},
    tail::LIMIT,
    texts::Texts,
};
use crate::file::{self, Entry};

/// Files that are read, directories that are looked into, names that are looked at.
const FILES: u64 = 2000;
const NAMES: usize = 20_000;

/// How deep: `kind export logs` has three levels, a dump two.
const DEPTH: usize = 8;

/// Bytes of all files together, and of one.
const TOTAL: u64 = 128 * 1024 * 1024;
const EACH: usize = LIMIT / 2;

/// What was left out is named up to here, and counted.
const NAMED: usize = 5;

/// Reads the regular files in a directory, by name, and looks for the texts in the last part of each. No link is
/// followed, and no device or pipe is opened.
pub(crate) fn read_directory<'a>(directory: &OwnedFd, texts: &'a Texts) -> io::Result<Log<'a>> {
    let mut log = Log::new(texts);
    log.files = Some(0);
    let device = fstat(directory)?.st_dev;
    let mut walk = Walk { log, bytes: TOTAL, names: NAMES, device };
    walk.enter(directory, "", 0)?;
    Ok(walk.log)
}

struct Walk<'a> {
    log: Log<'a>,
    /// That may still be read.
    bytes: u64,
    names: usize,
    /// The filesystem: others that are mounted in it can be without an end, or change by being read (/proc/kmsg).
    device: u64,
}

impl Walk<'_> {
    /// Errors are those of this directory; what is in it and cannot be read is left out.
    fn enter(&mut self, directory: &OwnedFd, path: &str, depth: usize) -> io::Result<()> {
        let mut names: Vec<CString> = Vec::new();
        let mut more = false;
        file::each_name(directory, |name| {
            more |= self.names == 0;
            if self.names > 0 {
                self.names -= 1;
                names.push(name.to_owned());
            }
            Ok(())
        })?;
        if more {
            self.leave_out(path, "more names than are looked at");
        }
        names.sort();
        for name in names {
            let shown = name.to_string_lossy();
            let path = if path.is_empty() { shown.into_owned() } else { format!("{path}/{shown}") };
            let Ok(name) = name.to_str() else {
                self.leave_out(&path, "its name is not UTF-8");
                continue;
            };
            match file::open_entry(directory, name) {
                Err(error) => self.leave_out(&path, &error.to_string()),
                Ok(Entry::Directory(inner)) if !self.is_here(&inner) => {
                    self.leave_out(&path, "another filesystem");
                }
                Ok(Entry::Directory(_)) if depth >= DEPTH => self.leave_out(&path, "too deep"),
                Ok(Entry::Directory(inner)) => {
                    if let Err(error) = self.enter(&inner, &path, depth + 1) {
                        self.leave_out(&path, &error.to_string());
                    }
                }
                // Of what is mounted over a file, too.
                Ok(Entry::File(file, _)) if !self.is_here(&file) => {
                    self.leave_out(&path, "another filesystem");
                }
                // Those of /proc say that they are empty, and are not.
                Ok(Entry::File(_, 0)) => self.log.files = self.log.files.map(|files| files + 1),
                Ok(Entry::File(file, size)) => self.file(file, size, &path),
            }
        }
        Ok(())
    }

    fn is_here(&self, opened: &impl AsFd) -> bool {
        fstat(opened).is_ok_and(|stat| stat.st_dev == self.device)
    }

    fn file(&mut self, file: std::fs::File, size: u64, path: &str) {
        let read = self.log.files.unwrap_or_default();
        if read >= FILES {
            return self.leave_out(path, "too many files");
        }
        let limit = usize::try_from(self.bytes).unwrap_or(usize::MAX).min(EACH);
        if limit == 0 {
            return self.leave_out(path, "too much in all");
        }
        match tail_of_file(file, size, limit) {
            Err(error) => self.leave_out(path, &error.to_string()),
            Ok(tail) => {
                self.bytes = self.bytes.saturating_sub(tail.len() as u64);
                self.log.files = Some(read + 1);
                self.log.add(tail, Some(&Arc::from(path)));
            }
        }
    }

    fn leave_out(&mut self, path: &str, why: &str) {
        self.log.left_out_count += 1;
        if self.log.left_out.len() < NAMED {
            self.log.left_out.push((path.to_owned(), why.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink, path::Path};

    use dind_doctor_checks::registry;

    use super::*;
    use crate::file::Opened;

    fn read<'a>(path: &Path, texts: &'a Texts) -> Log<'a> {
        let Opened::Directory(directory) = file::open(path).unwrap() else { panic!("{path:?}") };
        read_directory(&directory, texts).unwrap()
    }

    #[test]
    fn regular_files_are_read_and_nothing_that_a_link_leads_to() {
        let texts = Texts::of(registry::all());
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside");
        fs::write(&outside, "Mounts denied\n").unwrap();
        let logs = dir.path().join("logs");
        fs::create_dir_all(logs.join("kind-control-plane/pods\u{1b}")).unwrap();
        symlink(&outside, logs.join("a-link")).unwrap();
        symlink(dir.path(), logs.join("b-link")).unwrap();
        nix::unistd::mkfifo(&logs.join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        fs::write(logs.join("kind-control-plane/pods\u{1b}/0.log"), "x\n[ERROR NumCPU]\n").unwrap();
        fs::write(logs.join("version.txt"), "1\nerror: odd\n").unwrap();
        let log = read(&logs, &texts);
        assert_eq!((log.files, log.lines, log.left_out_count), (Some(2), 4, 3));
        assert_eq!(log.matches.len(), 1);
        let first = &log.matches[0].first;
        assert_eq!(first.file.as_deref(), Some("kind-control-plane/pods\u{1b}/0.log"));
        assert_eq!(first.line, 2);
        assert_eq!(log.last_unrecognised[0].last.file.as_deref(), Some("version.txt"));
    }

    #[test]
    fn nothing_of_proc_is_read() {
        let texts = Texts::of(registry::all());
        let log = read(Path::new("/proc/self/net"), &texts);
        assert_eq!((log.lines, log.matches.len()), (0, 0));
        // Of the root what is on its own filesystem.
        assert_eq!(read(Path::new("/proc/self"), &texts).lines, 0);
    }

    #[test]
    fn how_deep_how_many_and_how_much_is_bounded() {
        let texts = Texts::of(registry::all());
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("d/".repeat(DEPTH + 1));
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("log"), "Mounts denied").unwrap();
        for n in 0..FILES + 3 {
            fs::write(dir.path().join(format!("{n}.log")), "x").unwrap();
        }
        let log = read(dir.path(), &texts);
        assert_eq!(log.files, Some(FILES));
        assert_eq!(log.left_out_count, 3 + 1);
        assert_eq!((log.matches.len(), log.left_out.len()), (0, 4));
        // Of each file the end.
        let dir = tempfile::tempdir().unwrap();
        let content =
            ["Mounts denied\n".as_bytes(), &vec![b'\n'; EACH], b"[ERROR NumCPU]"].concat();
        fs::write(dir.path().join("log"), content).unwrap();
        let log = read(dir.path(), &texts);
        assert_eq!(log.matches.iter().map(|m| m.text.text).collect::<Vec<_>>(), ["[ERROR NumCPU]"]);
        assert!(log.is_cut());
    }
}
