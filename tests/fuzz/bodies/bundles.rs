//! Bundles that somebody sent.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use dind_doctor::{
    bundle::{self, Recording, Replay, account},
    probe,
};
use flate2::{Compression, write::GzEncoder};
use nix::{sys::stat::Mode, unistd::mkfifo};

use super::{
    hosts::{HOSTS, host},
    input::Input,
    machine, oracle, scratch,
};

/// Redaction takes everything and is done once.
pub(super) fn redaction(input: &[u8]) {
    let mut input = Input(input);
    let host = host(input.byte());
    // The same inputs as of a machine: what is asked of the report means nothing here.
    input.take(3);
    let invented = usize::from(input.byte());
    input.take(invented);
    redacted(&machine::recording(host, &input.changes()));
}

fn redacted(recording: &Recording) {
    let once = bundle::redact(recording).recording;
    let again = bundle::redact(&once).recording;
    for (left, right) in once.answers.iter().zip(&again.answers) {
        assert_eq!(left, right, "redacting again changes it");
    }
    assert!(once == again);
    account::redactions(recording, &once);
    account::unseen(recording);
    probe::collect(&Replay::new(once));
}

/// What is wrong is said; what was read is written and read again as the same.
fn read(path: &Path) {
    let recording = match bundle::read(path) {
        Ok(recording) => recording,
        Err(error) => {
            oracle::is_text("message", error.to_string().as_bytes());
            return;
        }
    };
    let copy = scratch::path("copy.tar.gz");
    bundle::write(&recording, &copy).unwrap();
    assert!(bundle::read(&copy).unwrap() == recording);
    redacted(&recording);
    probe::collect(&Replay::new(recording));
}

/// An archive; what is not compressed is taken for what was.
pub(super) fn archive(input: &[u8]) {
    let path = if input.starts_with(&[0x1f, 0x8b]) {
        scratch::file("bundle.tar.gz", input)
    } else {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
        encoder.write_all(input).unwrap();
        scratch::file("bundle.tar.gz", &encoder.finish().unwrap())
    };
    read(&path);
}

/// A directory: what is in it by kind, name and content.
pub(super) fn directory(input: &[u8]) {
    let mut input = Input(input);
    let path = scratch::directory("bundle");
    fs::create_dir(path.join("files")).unwrap();
    while !input.is_empty() {
        let (kind, length) = (input.byte(), input.word());
        let content = input.take(length);
        let body = path.join("files").join((kind >> 4).to_string());
        let files = path.join("files");
        // Nothing is written through what is there already, least of all through a link.
        let write = |path: PathBuf| File::create_new(path)?.write_all(content);
        let _ = match kind & 15 {
            0..=4 => write(path.join("manifest.jsonl")),
            5 => write(files.join("name")),
            6..=9 => write(body),
            10 if content.is_empty() => fs::remove_dir(&files).and_then(|()| symlink(".", files)),
            10 => fs::create_dir(body),
            11 => symlink(String::from_utf8_lossy(content).replace('\0', "/"), body),
            12 => symlink("files/0", path.join("manifest.jsonl")),
            13 => symlink("../manifest.jsonl", body),
            14 => mkfifo(&body, Mode::S_IRWXU).map_err(io::Error::from),
            _ => File::create_new(body).and_then(|file| file.set_len(1 << 40)),
        };
    }
    read(&path);
}

/// Lines of some manifest that fit into a seed.
fn manifest(number: usize, step: usize) -> Vec<u8> {
    let path = scratch::path("seed");
    bundle::write(&HOSTS[number].recording, &path).unwrap();
    let manifest = fs::read_to_string(path.join("manifest.jsonl")).unwrap();
    let mut lines = manifest.lines();
    let header = lines.next().unwrap();
    let some = lines.step_by(step).filter(|line| !line.contains("\"body\"")).take(20);
    let body = r#"{"ask":"read","path":"/proc/self/mountinfo","body":"0"}"#;
    [header]
        .into_iter()
        .chain(some)
        .chain([body])
        .flat_map(|line| [line, "\n"])
        .collect::<String>()
        .into_bytes()
}

const BODY: &[u8] = b"23 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n";

pub(super) fn archive_seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (number, kind) in [b'0', b'0', b'x', b'L', b'2', b'S'].into_iter().enumerate() {
        let mut archive = Vec::new();
        for (name, content) in
            [("manifest.jsonl", &*manifest(number * 7, 5 + number)), ("files/0", BODY)]
        {
            let kind = if name == "files/0" { kind } else { b'0' };
            archive.extend(entry(name, kind, content));
        }
        archive.resize(archive.len() + 1024, 0);
        seeds.push(archive);
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&seeds[0]).unwrap();
    seeds.push(encoder.finish().unwrap());
    seeds
}

/// A file of a tar archive, in the old GNU format.
fn entry(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut header = [0_u8; 512];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, name.as_bytes());
    put(100, b"0000644\0");
    put(124, format!("{:011o}\0", content.len()).as_bytes());
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, &[kind]);
    put(257, b"ustar  \0");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut entry = [&header[..], content].concat();
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

pub(super) fn directory_seeds() -> Vec<Vec<u8>> {
    let put = |kind: u8, content: &[u8]| {
        let [low, high, ..] = content.len().to_le_bytes();
        [&[kind, low, high], content].concat()
    };
    let seed = |number: usize| {
        let kind = u8::try_from(10 + number % 6).unwrap();
        let manifest = put(0, &manifest(number * 11, 3 + number));
        [manifest, put(6, BODY), put(kind | 16, b"/etc/hostname")].concat()
    };
    (0..6).map(seed).collect()
}
