//! What the live machine answers in bytes: netlink, databases of rpm, an engine's API.

use std::io::{self, Read, Write};

use dind_doctor::{fuzzing, source::path as encoded};
use flate2::read::GzDecoder;

use super::{
    documents::soon,
    hosts::fixtures,
    input::{Input, change},
    scratch,
};

const DATABASES: [&str; 3] = ["rpmdb.sqlite", "Packages.db", "Packages"];

static RECORDED: std::sync::LazyLock<[Vec<u8>; 3]> = std::sync::LazyLock::new(|| {
    DATABASES.map(|name| {
        let file = std::fs::File::open(fixtures().join(format!("rpm/{name}.gz"))).unwrap();
        let mut content = Vec::new();
        GzDecoder::new(file).read_to_end(&mut content).unwrap();
        content
    })
});

/// A recorded database in which bytes of some pages are replaced, or any bytes; with a log if it has one.
pub(super) fn rpm(input: &[u8]) {
    let mut input = Input(input);
    let (base, log) = (input.byte(), input.word());
    let log = input.take(log);
    let mut database = match RECORDED.get(usize::from(base % 4)) {
        Some(recorded) => recorded.clone(),
        None => input.rest().to_vec(),
    };
    for change in input.changes() {
        let pages = database.len() / 4096;
        let at = change.place % pages * 4096 + change.number % 4096;
        let end = (at + change.content.len()).min(database.len());
        database[at..end].copy_from_slice(&change.content[..end - at]);
        if change.kind == 255 {
            database.truncate(at.max(4096));
        }
    }
    let path = scratch::file("database", &database);
    let beside = scratch::path("database-wal");
    let _ = std::fs::remove_file(&beside);
    if !log.is_empty() {
        std::fs::write(&beside, log).unwrap();
    }
    let path = encoded::encode(path.as_os_str().as_encoded_bytes());
    let names = ["docker-ce", "containerd.io", "runc"].map(str::to_owned);
    if let Ok(found) = fuzzing::rpm_packages(&path, &names, soon()) {
        assert!(found.iter().all(|package| names.contains(&package.name)));
    }
}

pub(super) fn rpm_seeds() -> Vec<Vec<u8>> {
    let head = |base: u8| vec![base, 0, 0];
    let mut seeds: Vec<_> = (0..3).map(head).collect();
    for base in 0..3 {
        for page in 0..6 {
            let mut seed = head(base);
            seed.extend(change(page, 0, 0, &RECORDED[usize::from(base)][page * 4096..][..40]));
            seeds.push(seed);
        }
    }
    let mut log: Vec<u8> = [0x377f_0682_u32, 3_007_000, 4096, 0, 7, 8, 0, 0, 2, 1, 7, 8, 0, 0]
        .into_iter()
        .flat_map(u32::to_be_bytes)
        .collect();
    log.extend(&RECORDED[0][4096..8192]);
    let [low, high, ..] = log.len().to_le_bytes();
    seeds.push([&[0, low, high], &log[..]].concat());
    seeds.push([&[3, 0, 0], &RECORDED[0][..4096]].concat());
    seeds
}

/// Types of messages: rows of each dump, and what netlink itself says.
const KINDS: [u16; 12] = [16, 20, 24, 0x0a00, 0x0a03, 0x0a06, 1, 2, 3, 4, 17, 0xffff];

/// Datagrams of one dump: whole ones, or messages with a header that is right.
pub(super) fn netlink(input: &[u8]) {
    let mut input = Input(input);
    let (kind, framed) = (input.byte(), input.byte());
    let mut datagrams = Vec::new();
    while !input.is_empty() {
        let (which, length) = (input.byte(), input.word());
        let content = input.take(length);
        datagrams.push(if framed & 1 == 0 {
            message(KINDS[usize::from(which) % KINDS.len()], framed, content)
        } else {
            content.to_vec()
        });
    }
    let datagrams: Vec<_> = datagrams.iter().map(Vec::as_slice).collect();
    match kind % 4 {
        0 => drop(fuzzing::netlink_links(&datagrams)),
        1 => drop(fuzzing::netlink_addresses(&datagrams)),
        2 => drop(fuzzing::netlink_routes(&datagrams)),
        _ => drop(fuzzing::nft_tables(&datagrams)),
    }
}

fn message(kind: u16, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + payload.len()).unwrap();
    let mut message = length.to_ne_bytes().to_vec();
    message.extend(kind.to_ne_bytes());
    message.extend(u16::from(flags >> 1).to_ne_bytes());
    message.extend(1_u32.to_ne_bytes());
    message.extend(0_u32.to_ne_bytes());
    message.extend(payload);
    message.resize(message.len().next_multiple_of(4), 0);
    message
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap();
    let mut attribute = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    attribute.extend(value);
    attribute.resize(attribute.len().next_multiple_of(4), 0);
    attribute
}

/// Rows as a kernel writes them: a veth in a bridge, its address, a route with next hops, a table with a
/// chain that drops.
pub(super) fn netlink_seeds() -> Vec<Vec<u8>> {
    let info = attribute(18, &[attribute(1, b"veth\0"), attribute(2, &[0; 4])].concat());
    let link = [
        &[0; 16][..],
        &attribute(3, b"eth0\0"),
        &attribute(4, &1500_u32.to_ne_bytes()),
        &attribute(10, &[2, 0, 0, 0]),
        &info,
    ]
    .concat();
    let address = [
        &[2, 24, 0, 0, 2, 0, 0, 0][..],
        &attribute(1, &[10, 0, 0, 1]),
        &attribute(2, &[10, 0, 0, 1]),
    ]
    .concat();
    let hop = [&[8 + 8, 0, 0, 0, 2, 0, 0, 0][..], &attribute(5, &[10, 0, 0, 2])].concat();
    let metrics = attribute(8, &attribute(2, &1400_u32.to_ne_bytes()));
    let route = [
        &[2, 8, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0][..],
        &attribute(1, &[10, 0, 0, 0]),
        &attribute(9, &[&hop[..], &hop[..]].concat()),
        &metrics,
    ]
    .concat();
    let via = [
        &[2, 0, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0][..],
        &attribute(18, &[&[10, 0][..], &[0xfe; 16]].concat()),
        &attribute(4, &[2, 0, 0, 0]),
    ]
    .concat();
    let table = [&[2, 0, 0, 0][..], &attribute(1, b"nat\0")].concat();
    let hook = attribute(4, &[attribute(1, &2_u32.to_be_bytes()), attribute(2, &[0; 4])].concat());
    let chain = [
        &[2, 0, 0, 0][..],
        &attribute(1, b"nat\0"),
        &attribute(3, b"FORWARD\0"),
        &hook,
        &attribute(5, &[0; 4]),
    ]
    .concat();
    let rule = [&[2, 0, 0, 0][..], &attribute(1, b"nat\0"), &attribute(2, b"FORWARD\0")].concat();
    let part = |which: u8, content: &[u8]| {
        let [low, high, ..] = content.len().to_le_bytes();
        [&[which, low, high], content].concat()
    };
    let done = part(8, &[0; 4]);
    vec![
        [vec![0, 4], part(0, &link), part(0, &link), done.clone()].concat(),
        [vec![1, 4], part(1, &address), done.clone()].concat(),
        [vec![2, 4], part(2, &route), part(2, &via), done.clone()].concat(),
        [vec![3, 4], part(3, &table), part(4, &chain), part(5, &rule), done].concat(),
        [vec![0, 1], part(0, &message(16, 4, &link))].concat(),
        [vec![2, 1], part(0, &[message(24, 4, &route), message(24, 4, &via)].concat())].concat(),
    ]
}

/// A server that says what it likes, in pieces of some size.
struct Server<'a> {
    left: &'a [u8],
    piece: usize,
}

impl Read for Server<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.piece.min(buffer.len());
        (&mut self.left).take(length as u64).read(buffer)
    }
}

impl Write for Server<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An engine's answer says the same however it is cut.
pub(super) fn http(input: &[u8]) {
    let mut input = Input(input);
    let piece = 1 + usize::from(input.byte());
    let content = input.rest();
    let cut = fuzzing::engine_answer(Server { left: content, piece });
    let whole = fuzzing::engine_answer(Server { left: content, piece: usize::MAX });
    assert_eq!(cut, whole);
}

pub(super) fn http_seeds() -> Vec<Vec<u8>> {
    let version = r#"{"Version":"27.3.1","ApiVersion":"1.47","MinAPIVersion":"1.24","Components":[{"Name":"runc","Version":"1.1.14"}]}"#;
    let length = version.len();
    let answers = [
        format!("HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{version}"),
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{version}"),
        format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{version}\r\n0\r\n\r\n"
        ),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\n{\r\n".to_string(),
        "HTTP/1.1 404 Not Found\r\n\r\n".to_owned(),
    ];
    answers.map(|answer| [b"\x07", answer.as_bytes()].concat()).into()
}
