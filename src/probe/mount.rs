//! The mount table.

mod covered;

use std::collections::HashMap;

use dind_doctor_checks::facts::{Fact, Mount, MountTable, Propagation, Text};
use procfs::process::{MountInfo, MountOptFields};

use super::Reader;

/// A node with thousands of mounts has a table of megabytes.
const LIMIT: u32 = 16 * 1024 * 1024;

pub(super) fn probe(reader: &Reader) -> Fact<MountTable> {
    reader.bytes_up_to("/proc/self/mountinfo", LIMIT).map(|bytes| parse(&bytes)).into()
}

/// Line by line, so that a bad one costs no other; paths are unescaped, which procfs leaves to us.
fn parse(content: &[u8]) -> MountTable {
    let mut table = MountTable::default();
    for line in content.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
        let text = Text::from_bytes(line);
        match MountInfo::from_line(text.as_str()) {
            Ok(info) => table.rows.push(mount(info)),
            Err(_) => table.malformed += 1,
        }
    }
    covered::mark(&mut table.rows);
    table
}

fn mount(info: MountInfo) -> Mount {
    let mut propagation = Propagation::default();
    for field in info.opt_fields {
        match field {
            MountOptFields::Shared(group) => propagation.shared = Some(group),
            MountOptFields::Master(group) => propagation.master = Some(group),
            MountOptFields::Unbindable => propagation.unbindable = true,
            MountOptFields::PropagateFrom(_) => {}
        }
    }
    Mount {
        id: info.mnt_id,
        parent: info.pid,
        device: info.majmin.into(),
        root: unescape(&info.root),
        mount_point: unescape(&info.mount_point.to_string_lossy()),
        options: options(info.mount_options),
        propagation,
        fstype: info.fs_type.into(),
        source: unescape(info.mount_source.as_deref().unwrap_or("none")),
        super_options: options(info.super_options),
        covered: false,
    }
}

fn options(options: HashMap<String, Option<String>>) -> Vec<String> {
    let text = |(name, value): (String, Option<String>)| match value {
        Some(value) => format!("{name}={}", unescape(&value)),
        None => name,
    };
    let mut options: Vec<String> = options.into_iter().map(text).collect();
    options.sort_unstable();
    options
}

/// The kernel writes space, tab, newline and backslash as three octal digits (`fs/proc_namespace.c`).
fn unescape(text: &str) -> Text {
    if !text.contains('\\') {
        return text.into();
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let octal = bytes.get(at + 1..at + 4).filter(|_| bytes[at] == b'\\');
        let byte = octal
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        out.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 4 } else { 1 };
    }
    Text::from_bytes(&out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 shared:3 - ext3 /dev/root \
                        rw,errors=continue";

    #[test]
    fn a_line_is_read_whole() {
        let table = parse(LINE.as_bytes());
        let mount = &table.rows[0];
        assert_eq!(mount.mount_point, "/mnt 2");
        assert_eq!(mount.propagation.name(), "shared+slave");
        assert_eq!(mount.options, ["noatime", "rw"]);
        assert_eq!(mount.super_option("errors"), Some("continue"));
        assert_eq!((mount.fstype.as_str(), mount.device.as_str()), ("ext3", "98:0"));
    }

    #[test]
    fn one_bad_line_costs_one_line() {
        let content = [LINE.as_bytes(), b"garbage", b"\xff\xfe / -", LINE.as_bytes()].join(&b'\n');
        let table = parse(&content);
        assert_eq!((table.rows.len(), table.malformed), (2, 2));
    }

    #[test]
    fn paths_that_are_not_utf8_are_flagged() {
        let table = parse(b"36 35 0:1 / /a\xffb rw - tmpfs tmpfs rw");
        assert!(table.rows[0].mount_point.contains('\u{fffd}'));
    }

    #[test]
    fn no_bytes_make_it_panic() {
        arbtest::arbtest(|u| {
            let bytes: Vec<u8> = u.arbitrary()?;
            parse(&bytes);
            Ok(())
        });
    }
}
