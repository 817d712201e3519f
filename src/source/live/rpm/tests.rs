//! Databases that rpm wrote: see `fixtures/rpm/README.md`.

use std::{
    fs,
    io::{Read, Write},
    path::PathBuf,
    time::{Duration, Instant},
};

use super::*;

/// The content of a recorded database.
fn recorded(name: &str) -> Vec<u8> {
    let path = format!("{}/fixtures/rpm/{name}.gz", env!("CARGO_MANIFEST_DIR"));
    let mut content = Vec::new();
    flate2::read::GzDecoder::new(fs::File::open(path).unwrap()).read_to_end(&mut content).unwrap();
    content
}

/// A directory with a database in it.
struct Written(tempfile::TempDir, PathBuf);

impl Written {
    fn new(name: &str, content: &[u8]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        fs::write(&path, content).unwrap();
        Self(directory, path)
    }

    fn beside(&self, name: &str, content: &[u8]) {
        fs::write(self.0.path().join(name), content).unwrap();
    }

    fn ask(&self, names: &[&str]) -> Result<Vec<String>, Refusal> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let deadline = Instant::now() + Duration::from_secs(20);
        let found = packages(self.1.to_str().unwrap(), &names, deadline)?;
        Ok(found.iter().map(text).collect())
    }
}

/// As `rpm -q` writes it, with the epoch.
fn text(package: &Package) -> String {
    let Package { name, version, release, .. } = package;
    let epoch = package.epoch.map_or_else(|| "(none)".to_owned(), |epoch| epoch.to_string());
    format!("{name} {epoch}:{version}-{release}")
}

const FORMATS: [&str; 3] = ["rpmdb.sqlite", "Packages.db", "Packages"];

#[test]
fn every_format_gives_what_rpm_installed() {
    let asked = [
        "docker-ce",
        "docker-ce-cli",
        "containerd.io",
        "runc",
        "kubelet",
        "podman",
        "systemd",
        "filler-package-1",
        "docker",
    ];
    let expected = [
        "containerd.io 0:1.7.22-3.1.el9",
        "docker-ce 3:27.3.1-1.el9",
        "docker-ce-cli 1:27.3.1-1.el9",
        "filler-package-1 0:1.1.0-1",
        "kubelet 0:1.30.4-150500.1.1",
        "podman 6:5.2.2-13.el9_5",
        "runc 4:1.1.12-2.el9",
        "systemd 0:252-46.el9_5.2",
    ];
    for format in FORMATS {
        let database = Written::new(format, &recorded(format));
        assert_eq!(database.ask(&asked).unwrap(), expected, "{format}");
        assert_eq!(database.ask(&[]).unwrap(), Vec::<String>::new());
    }
}

#[test]
fn every_package_of_the_database_is_seen() {
    for (format, count) in [("rpmdb.sqlite", 60), ("Packages.db", 58), ("Packages", 60)] {
        let database = Written::new(format, &recorded(format));
        let names: Vec<String> = (1..=300).map(|n| format!("filler-package-{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(database.ask(&names).unwrap().len(), count, "{format}");
    }
}

#[test]
fn a_truncated_database_is_malformed_and_not_without_packages() {
    for format in FORMATS {
        let content = recorded(format);
        for length in [0, 15, 40, 4096, content.len() / 2] {
            let database = Written::new(format, &content[..length]);
            assert_eq!(database.ask(&["docker-ce"]), Err(Refusal::Malformed), "{format} {length}");
        }
    }
    let other = Written::new("rpmdb.sqlite", &[b'x'; 10_000]);
    assert_eq!(other.ask(&["docker-ce"]), Err(Refusal::Malformed));
}

#[test]
fn no_bytes_make_it_panic_or_hang() {
    for format in FORMATS {
        let content = recorded(format);
        let bytes = u32::try_from(content.len()).unwrap();
        let test = |u: &mut arbitrary::Unstructured<'_>| {
            let mut content = content.clone();
            for _ in 0..u.int_in_range(1..=8)? {
                // Most of what leads on lies in the first bytes of a page.
                let page = u.int_in_range(0..=bytes / 4096 - 1)? * 4096;
                let last = if u.arbitrary()? { 32 } else { 4095 };
                let at = page + u.int_in_range(0..=last)?;
                content[at as usize] = u.arbitrary()?;
            }
            let _ = Written::new(format, &content).ask(&["docker-ce", "runc"]);
            Ok(())
        };
        arbtest::arbtest(test).budget_ms(400);
    }
}

#[test]
fn a_tree_that_goes_in_circles_ends() {
    let mut content = recorded("rpmdb.sqlite");
    // The root of `Packages` is the second page: an interior one, whose last child becomes itself.
    assert_eq!(content[4096], 5);
    content[4096 + 8..4096 + 12].copy_from_slice(&2_u32.to_be_bytes());
    let database = Written::new("rpmdb.sqlite", &content);
    assert_eq!(database.ask(&["docker-ce"]), Err(Refusal::Malformed));
}

/// A write-ahead log of one frame, which holds the page and commits it if `commits`.
fn log(number: u32, page: &[u8], commits: bool) -> Vec<u8> {
    let mut log = Vec::new();
    for word in [0x377f_0682, 3_007_000, 4096, 0, 7, 8, 0, 0] {
        log.extend(u32::to_be_bytes(word));
    }
    for word in [number, u32::from(commits), 7, 8, 0, 0] {
        log.extend(u32::to_be_bytes(word));
    }
    log.write_all(page).unwrap();
    log
}

#[test]
fn what_was_committed_to_the_log_counts() {
    let content = recorded("rpmdb.sqlite");
    let database = Written::new("rpmdb.sqlite", &content);
    let before = database.ask(&["docker-ce", "runc"]).unwrap();
    // An empty leaf in place of the root.
    let mut page = vec![0; 4096];
    page[0] = 13;
    database.beside("rpmdb.sqlite-wal", &log(2, &page, false));
    assert_eq!(database.ask(&["docker-ce", "runc"]).unwrap(), before);
    database.beside("rpmdb.sqlite-wal", &log(2, &page, true));
    assert_eq!(database.ask(&["docker-ce", "runc"]).unwrap(), Vec::<String>::new());
    database.beside("rpmdb.sqlite-wal", b"");
    assert_eq!(database.ask(&["docker-ce", "runc"]).unwrap(), before);
}

#[test]
fn what_takes_too_long_is_given_up() {
    let database = Written::new("rpmdb.sqlite", &recorded("rpmdb.sqlite"));
    let path = database.1.to_str().unwrap();
    assert_eq!(packages(path, &[], Instant::now()), Err(Refusal::TimedOut));
}
