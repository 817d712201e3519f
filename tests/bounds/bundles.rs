//! Bundles that were made to harm who reads them.

use std::{fs, io::Write, os::unix::fs::symlink, path::Path};

use flate2::{Compression, write::GzEncoder};

use super::{doctor, limited, pipe, refused};

/// Kilobytes of address space: what the doctor itself needs, and the bound twice, since a report is made of it.
const MEMORY: &str = "ulimit -v 786432;";

const HEADER: &str = "{\"bundle\":1,\"doctor\":\"0.1.0\",\"redacted\":false}\n";

struct Archive(tar::Builder<GzEncoder<fs::File>>);

impl Archive {
    fn new(path: &Path) -> Self {
        let file = fs::File::create(path).unwrap();
        Self(tar::Builder::new(GzEncoder::new(file, Compression::fast())))
    }

    fn entry(self, name: &str, kind: tar::EntryType, content: &[u8]) -> Self {
        self.stream(name, kind, content.len() as u64, content)
    }

    fn stream(
        mut self,
        name: &str,
        kind: tar::EntryType,
        size: u64,
        content: impl std::io::Read,
    ) -> Self {
        let mut header = tar::Header::new_gnu();
        header.set_size(size);
        header.set_mode(0o644);
        header.set_entry_type(kind);
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        if kind.is_symlink() || kind.is_hard_link() {
            header.set_link_name("/etc/shadow").unwrap();
        }
        if kind.is_gnu_sparse() {
            let sparse = header.as_gnu_mut().unwrap();
            sparse.realsize[..12].copy_from_slice(b"777777777777");
            sparse.sparse[0].offset[..12].copy_from_slice(b"777777777777");
        }
        header.set_cksum();
        self.0.append(&header, content).unwrap();
        self
    }

    fn file(self, name: &str, content: &[u8]) -> Self {
        self.entry(name, tar::EntryType::Regular, content)
    }

    fn end(self) {
        self.0.into_inner().unwrap().finish().unwrap().flush().unwrap();
    }
}

fn line(path: &str, body: &str) -> String {
    format!("{{\"ask\":\"read\",\"path\":{path:?},\"limit\":262144,\"body\":{body:?}}}\n")
}

/// Every command that reads a bundle ends with this.
fn all_refuse(directory: &Path, bundle: &str, why: &str) {
    let good = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hosts/bookworm-container/bundle");
    fs::write(directory.join("log"), "x\n").unwrap();
    for arguments in [
        &["--from", bundle][..],
        &["facts", "--from", bundle],
        &["capture", "--from", bundle, "-o", "copy"],
        &["diff", good, bundle],
        &["explain", "--log", "log", "--from", bundle],
    ] {
        let output = limited(directory, MEMORY, arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(why), "{arguments:?}: {error}");
        assert!(!error.contains('\x1b') && error.contains(bundle), "{arguments:?}: {error}");
    }
    assert!(!directory.join("copy").exists());
}

#[test]
fn what_is_no_regular_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("b.tar.gz");
    for (kind, why) in [
        (tar::EntryType::GNUSparse, "a sparse file"),
        (tar::EntryType::Link, "a hard link"),
        (tar::EntryType::Symlink, "a symbolic link"),
        (tar::EntryType::Fifo, "a pipe"),
        (tar::EntryType::Char, "a device"),
        (tar::EntryType::Continuous, "of a kind that is not known"),
    ] {
        for name in ["manifest.jsonl", "files/0"] {
            let archive = Archive::new(&path).file("unknown", b"x");
            archive.entry(name, kind, b"").file("manifest.jsonl", HEADER.as_bytes()).end();
            all_refuse(dir.path(), "b.tar.gz", &format!("{name} in it is {why}"));
        }
    }
    Archive::new(&path)
        .file("\x1b]0;x\x07", b"")
        .entry("\x1b[2Jevil", tar::EntryType::Fifo, b"")
        .end();
    all_refuse(dir.path(), "b.tar.gz", "\\x1b[2Jevil in it is a pipe");
}

#[test]
fn what_is_there_twice_or_not_at_all_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("b.tar.gz");
    let header = HEADER.as_bytes();
    Archive::new(&path).file("manifest.jsonl", header).file("./manifest.jsonl", header).end();
    all_refuse(dir.path(), "b.tar.gz", "manifest.jsonl is there twice");
    Archive::new(&path)
        .file("manifest.jsonl", header)
        .file("files/0", b"")
        .file("files/0", b"")
        .end();
    all_refuse(dir.path(), "b.tar.gz", "files/0 is there twice");
    Archive::new(&path).file("files/0", b"").end();
    all_refuse(dir.path(), "b.tar.gz", "there is no manifest.jsonl");
}

#[test]
fn what_packers_add_does_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    Archive::new(&dir.path().join("b.tar.gz"))
        .entry("pax_global_header", tar::EntryType::XGlobalHeader, b"20 comment=x\n")
        .entry("./", tar::EntryType::Directory, b"")
        .entry("PaxHeaders/m", tar::EntryType::XHeader, b"30 mtime=1350244992.023960108\n")
        .file("./manifest.jsonl", HEADER.as_bytes())
        .file("._manifest.jsonl", b"of a Mac")
        .end();
    let output = doctor(dir.path(), &["--from", "b.tar.gz", "--exit-zero", "-q"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_unpacks_to_more_than_is_bearable_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("b.tar.gz");
    let (regular, size) = (tar::EntryType::Regular, 300 * 1024 * 1024);
    let zeros = || std::io::Read::take(std::io::repeat(b' '), size);
    for name in ["manifest.jsonl", "files/0", "skipped"] {
        Archive::new(&path)
            .file("manifest.jsonl2", b"")
            .stream(name, regular, size, zeros())
            .file("manifest.jsonl", HEADER.as_bytes())
            .end();
        all_refuse(dir.path(), "b.tar.gz", "more than 256 MiB");
    }
    // Each of them is small.
    let mut archive = Archive::new(&path).file("manifest.jsonl", HEADER.as_bytes());
    let body = vec![b' '; 4 * 1024 * 1024];
    for number in 0..70 {
        archive = archive.file(&format!("files/{number}"), &body);
    }
    archive.end();
    all_refuse(dir.path(), "b.tar.gz", "more than 256 MiB");
    // A line that becomes much more than it is, and many that are nothing.
    let value = format!("{HEADER}{{\"ask\":\"uname\",\"new\":[{}]}}\n", "[],".repeat(5_000_000));
    Archive::new(&path).file("manifest.jsonl", value.as_bytes()).end();
    all_refuse(dir.path(), "b.tar.gz", "more than 256 MiB");
    let lines = HEADER.to_owned() + &"{}\n".repeat(600_000);
    Archive::new(&path).file("manifest.jsonl", lines.as_bytes()).end();
    all_refuse(dir.path(), "b.tar.gz", "more than 256 MiB");
}

/// Three MiB for each of a thousand processes, and a quarter of one, which is as much as a file may have.
#[test]
fn one_body_for_a_thousand_lines_is_kept_once() {
    let dir = tempfile::tempdir().unwrap();
    for size in [3 * 1024 * 1024, 256 * 1024] {
        let mut manifest = HEADER.to_owned();
        for pid in 1..=1000 {
            for file in ["cmdline", "stat", "limits"] {
                manifest += &line(&format!("/proc/{pid}/{file}"), "0");
            }
        }
        let body = b"a b - c d\0\n".repeat(size / 11);
        let archive = Archive::new(&dir.path().join("b.tar.gz"));
        archive.file("manifest.jsonl", manifest.as_bytes()).file("files/0", &body).end();
        for arguments in [
            &["--from", "b.tar.gz", "-q", "--exit-zero"][..],
            &["facts", "--from", "b.tar.gz"],
            &["capture", "--from", "b.tar.gz", "-o", "copy.tar.gz", "--timeout", "100"],
            &["capture", "--from", "b.tar.gz", "-o", "copy.tar.gz", "--no-redact"],
        ] {
            let output = limited(dir.path(), MEMORY, arguments);
            let error = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(0), "{arguments:?}: {error}");
        }
    }
}

#[test]
fn directories_have_regular_files_only() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = dir.path().join("b");
    let secret = dir.path().join("secret");
    fs::write(&secret, "root:$6$hash").unwrap();
    fs::create_dir_all(bundle.join("files")).unwrap();
    let manifest = HEADER.to_owned() + &line("/etc/hostname", "0");
    fs::write(bundle.join("manifest.jsonl"), manifest).unwrap();
    let body = bundle.join("files/0");
    let again = |make: &dyn Fn(&Path), why: &str| {
        make(&body);
        all_refuse(dir.path(), "b", why);
        fs::remove_file(&body).unwrap();
    };
    again(&|body| pipe(body), "files/0 in it: a pipe");
    again(&|body| symlink(&secret, body).unwrap(), "files/0 in it: a symbolic link");
    again(&|body| symlink("/dev/zero", body).unwrap(), "files/0 in it: a symbolic link");
    again(
        &|body| drop(std::os::unix::net::UnixListener::bind(body).unwrap()),
        "files/0 in it: a socket",
    );
    // Larger than all that a bundle may be, without a block on the disk.
    again(&|body| fs::File::create(body).unwrap().set_len(1 << 40).unwrap(), "more than 256 MiB");
    fs::create_dir(&body).unwrap();
    all_refuse(dir.path(), "b", "files/0 in it: a directory");
    fs::remove_dir_all(bundle.join("files")).unwrap();
    symlink("/etc", bundle.join("files")).unwrap();
    all_refuse(dir.path(), "b", "files in it: a symbolic link");
    fs::remove_file(bundle.join("manifest.jsonl")).unwrap();
    symlink(&secret, bundle.join("manifest.jsonl")).unwrap();
    all_refuse(dir.path(), "b", "manifest.jsonl in it: a symbolic link");
    fs::remove_file(bundle.join("manifest.jsonl")).unwrap();
    pipe(&bundle.join("manifest.jsonl"));
    all_refuse(dir.path(), "b", "manifest.jsonl in it: a pipe");
}

#[test]
fn a_bundle_is_no_pipe_no_socket_and_no_device() {
    let dir = tempfile::tempdir().unwrap();
    pipe(&dir.path().join("pipe"));
    all_refuse(dir.path(), "pipe", "a pipe, not a regular file");
    all_refuse(dir.path(), "/dev/zero", "a device, not a regular file");
    let _listener = std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap();
    all_refuse(dir.path(), "socket", "a socket, not a regular file");
    assert!(refused(dir.path(), &["--from", "absent"]).contains("absent: No such file"));
}
