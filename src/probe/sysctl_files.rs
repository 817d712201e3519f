//! What `sysctl --system` and systemd-sysctl set at the next boot, or when a package or script calls them
//! (`sysctl.d(5)`, `sysctl.conf(5)`).

use std::collections::BTreeMap;

use dind_doctor_checks::facts::{Fact, Missing, SettingAtBoot, Why};

use super::{Reader, reader::if_there};

/// Where fragments are, those that hide others of the same name first.
const FOLDERS: [&str; 4] =
    ["/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d"];

/// Read after all fragments by `sysctl --system`.
const LAST: &str = "/etc/sysctl.conf";

/// Fragments that are looked at in one folder.
const FRAGMENTS: usize = 128;

/// The last setting of one of these names; `None` if no file has one.
pub(super) fn last(reader: &Reader<'_>, names: &[&str]) -> Fact<Option<SettingAtBoot>> {
    let fragments = match fragments(reader) {
        Ok(fragments) => fragments,
        Err(missing) => return Fact::Missing(missing),
    };
    let mut found = None;
    for path in fragments.into_values().chain([LAST.to_owned()]) {
        let bytes = match if_there(reader.bytes(&path)) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => continue,
            Err(missing) => return Fact::Missing(missing),
        };
        let content = String::from_utf8_lossy(&bytes);
        if let Some(value) = content.lines().filter_map(|line| value(line, names)).next_back() {
            found = Some(SettingAtBoot { path: path.into(), value });
        }
    }
    Fact::Known(found)
}

/// By name, in the order in which they are applied.
fn fragments(reader: &Reader<'_>) -> Result<BTreeMap<String, String>, Missing> {
    let mut fragments = BTreeMap::new();
    for folder in FOLDERS {
        let Some(listing) = if_there(reader.list(folder, FRAGMENTS))? else { continue };
        if listing.truncated {
            return Err(Missing::new(folder, Why::TooLarge));
        }
        for name in listing.entries.into_iter().map(|entry| entry.name) {
            if name.strip_suffix(".conf").is_some() {
                let path = format!("{folder}/{name}");
                fragments.entry(name).or_insert(path);
            }
        }
    }
    Ok(fragments)
}

/// `net.ipv4.ip_forward = 1`, `-net/ipv4/ip_forward=1`.
fn value(line: &str, names: &[&str]) -> Option<i64> {
    let (name, value) = line.trim().trim_start_matches('-').split_once('=')?;
    let name = name.trim().replace('/', ".");
    names.contains(&name.as_str()).then(|| value.trim().parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{EntryKind, fixed::Fixed};

    const NAMES: [&str; 2] = ["net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding"];

    fn read(source: &Fixed) -> Fact<Option<SettingAtBoot>> {
        last(&Reader::new(source), &NAMES)
    }

    fn set(path: &str, value: i64) -> Fact<Option<SettingAtBoot>> {
        Fact::Known(Some(SettingAtBoot { path: path.into(), value }))
    }

    #[test]
    fn the_last_file_by_name_counts_and_etc_hides_others() {
        let of = |files: &[(&str, &str)]| {
            let mut source = Fixed::new();
            for folder in FOLDERS {
                let names: Vec<_> = files
                    .iter()
                    .filter_map(|(p, _)| p.strip_prefix(folder)?.strip_prefix('/'))
                    .map(|name| (name, EntryKind::File))
                    .collect();
                source = source.directory(folder, &names);
            }
            files.iter().fold(source, |source, (path, content)| source.file(path, content))
        };
        let vendor = ("/usr/lib/sysctl.d/50-x.conf", "net.ipv4.ip_forward = 1\n");
        assert_eq!(read(&of(&[vendor])), set(vendor.0, 1));
        let own = ("/etc/sysctl.d/50-x.conf", "# net.ipv4.ip_forward = 1\n");
        assert_eq!(read(&of(&[vendor, own])), Fact::Known(None));
        let hardened = ("/etc/sysctl.d/99-hardening.conf", "-net/ipv4/conf/all/forwarding=0 \n");
        assert_eq!(read(&of(&[vendor, hardened])), set(hardened.0, 0));
        let other = ("/etc/sysctl.d/README", "net.ipv4.ip_forward=0\n");
        assert_eq!(read(&of(&[vendor, other])), set(vendor.0, 1));
        let plain = of(&[hardened]).file(LAST, "net.ipv4.ip_forward=0\nnet.ipv4.ip_forward=1\n");
        assert_eq!(read(&plain), set(LAST, 1));
    }

    #[test]
    fn nothing_there_sets_nothing_and_a_refusal_is_kept() {
        assert_eq!(read(&Fixed::new()), Fact::Known(None));
        assert_eq!(read(&Fixed::new().file(LAST, b"\xff=\n==\nx\n")), Fact::Known(None));
        let closed = Fixed::new().unreadable(LAST, libc::EACCES);
        assert_eq!(read(&closed).why(), Some(Why::NotPermitted));
    }
}
