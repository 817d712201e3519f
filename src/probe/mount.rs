//! The mount table.

mod covered;
mod shared;

use std::{str::FromStr, sync::Arc};

use dind_doctor_checks::facts::{Fact, Missing, Mount, MountTable, Propagation, Text, Why};

use self::shared::Shared;
use super::Reader;
use crate::{source::path::unescape, text::Pieces};

pub(super) fn probe(reader: &Reader) -> Fact<MountTable> {
    const PATH: &str = "/proc/self/mountinfo";
    // A process has a root at least.
    let table = |bytes: Arc<Vec<u8>>| match parse(&bytes) {
        table if table.rows.is_empty() => Err(Missing::new(PATH, Why::Malformed)),
        table => Ok(table),
    };
    reader.shared_bytes(PATH).and_then(table).into()
}

/// Line by line, so that a bad one costs no other. Not by procfs, which makes two maps of each line, and ends at
/// a path that is not UTF-8: a node has ten thousand lines.
fn parse(content: &[u8]) -> MountTable {
    let mut table = MountTable::default();
    let mut known = Known::default();
    for line in Pieces::of(content, b'\n').filter(|line| !line.is_empty()) {
        match mount(line, &mut known) {
            Some(mount) => table.rows.push(mount),
            None => table.malformed += 1,
        }
    }
    covered::mark(&mut table.rows);
    table
}

/// What lines have said. Of ten thousand most say the same, and it is kept once.
#[derive(Default)]
struct Known<'a> {
    roots: Shared<'a, Text>,
    options: Shared<'a, Arc<[String]>>,
    fstypes: Shared<'a, Text>,
    sources: Shared<'a, Text>,
    super_options: Shared<'a, Arc<[String]>>,
}

/// `ID PARENT DEVICE ROOT MOUNT-POINT OPTIONS OPTIONAL… - TYPE SOURCE OPTIONS` (`proc_pid_mountinfo(5)`). A source
/// can be empty.
fn mount<'a>(line: &'a [u8], known: &mut Known<'a>) -> Option<Mount> {
    let mut fields = Pieces::of(line, b' ');
    let (id, parent) = (number(fields.next()?)?, number(fields.next()?)?);
    let device = Text::from_bytes(fields.next()?);
    let (root, mount_point) = (known.roots.of(fields.next()?, text), text(fields.next()?));
    let own = known.options.of(fields.next()?, options);
    let mut propagation = Propagation::default();
    loop {
        match fields.next()? {
            b"-" => break,
            b"unbindable" => propagation.unbindable = true,
            field => {
                if let Some(group) = field.strip_prefix(b"shared:") {
                    propagation.shared = Some(number(group)?);
                } else if let Some(group) = field.strip_prefix(b"master:") {
                    propagation.master = Some(number(group)?);
                }
            }
        }
    }
    Some(Mount {
        id,
        parent,
        device,
        root,
        mount_point,
        options: own,
        propagation,
        fstype: known.fstypes.of(fields.next()?, Text::from_bytes),
        source: known.sources.of(fields.next()?, text),
        super_options: known.super_options.of(fields.next()?, options),
        covered: false,
    })
}

fn number<T: FromStr>(digits: &[u8]) -> Option<T> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Sorted, each once.
fn options(list: &[u8]) -> Arc<[String]> {
    let options = Pieces::of(list, b',').filter(|option| !option.is_empty());
    let mut options: Vec<String> = options.map(|option| text(option).into()).collect();
    options.sort_unstable();
    options.dedup();
    options.into()
}

fn text(field: &[u8]) -> Text {
    Text::from_bytes(&unescape(field))
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
        assert_eq!(*mount.options, ["noatime", "rw"]);
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
        let place = &table.rows[0].mount_point;
        assert!(place.contains('\u{fffd}') && place.is_lossy());
    }

    #[test]
    fn an_empty_source_and_optional_fields_that_are_not_known_shift_nothing() {
        let table = parse(b"36 35 0:1 / /a rw propagate_from:2 new - tmpfs  rw,size=4k,rw");
        let mount = &table.rows[0];
        assert_eq!((mount.source.as_str(), mount.fstype.as_str()), ("", "tmpfs"));
        assert_eq!(*mount.super_options, ["rw", "size=4k"]);
        assert_eq!(mount.propagation, Propagation::default());
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
