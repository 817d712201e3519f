//! What systemd starts dockerd with.

use dind_doctor_checks::facts::{Fact, Missing, Text, Why};

use crate::probe::{Reader, reader::if_there};

/// Where units are, the first one counts: systemd.unit(5).
const DIRECTORIES: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// Nobody has more drop-ins for one unit.
const DROP_INS: usize = 32;

/// `ExecStart` of docker.service with its drop-ins, in words; `None` where systemd does not run, or has no such unit,
/// or an older recording does not say.
pub(super) fn arguments(reader: &Reader<'_>) -> Option<Fact<Vec<Text>>> {
    match asked(reader) {
        Ok(arguments) => arguments.map(Fact::Known),
        Err(Missing { why: Why::NotRecorded | Why::Redacted, .. }) => None,
        Err(missing) => Some(Fact::Missing(missing)),
    }
}

fn asked(reader: &Reader<'_>) -> Result<Option<Vec<Text>>, Missing> {
    // sd_booted(3)
    if if_there(reader.stat("/run/systemd/system"))?.is_none() {
        return Ok(None);
    }
    let mut command = None;
    for directory in DIRECTORIES {
        if let Some(unit) = if_there(reader.bytes(&format!("{directory}/docker.service")))? {
            apply(&unit, &mut command);
            break;
        }
    }
    if command.is_none() {
        return Ok(None);
    }
    let directory = format!("{}/docker.service.d", DIRECTORIES[0]);
    if let Some(listing) = if_there(reader.list(&directory, DROP_INS))? {
        let names = listing.entries.iter().map(|entry| entry.name.as_str());
        let mut names: Vec<_> = names.filter(|name| name.strip_suffix(".conf").is_some()).collect();
        names.sort_unstable();
        for name in names {
            if let Some(drop_in) = if_there(reader.bytes(&format!("{directory}/{name}")))? {
                apply(&drop_in, &mut command);
            }
        }
    }
    let words = |line: String| line.split_whitespace().map(Text::from).collect();
    Ok(command.map(words))
}

/// The last one that is set counts; an empty one takes back what was set before. Lines go on after a backslash.
fn apply(unit: &[u8], command: &mut Option<String>) {
    let text = String::from_utf8_lossy(unit).replace("\\\n", " ");
    let mut section = "";
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        } else if let Some((name, value)) = line.split_once('=')
            && (section, name.trim()) == ("[Service]", "ExecStart")
        {
            let value = value.trim().trim_start_matches(['@', '-', ':', '+', '!', '|']);
            *command = Some(value.to_owned()).filter(|value| !value.is_empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{EntryKind, Stat, ask, fixed::Fixed};

    const UNIT: &str = "[Unit]\nExecStart=no\n[Service]\nExecStart=/usr/bin/dockerd -H fd:// \\\n  --containerd=/run/c.sock\n";

    fn machine() -> Fixed {
        let booted = Stat { mode: 0o40_755, uid: 0, gid: 0, dev: (0, 1), rdev: (0, 0), ino: 1 };
        Fixed::new()
            .answer(ask::Stat { path: "/run/systemd/system".into() }, booted)
            .file("/lib/systemd/system/docker.service", UNIT)
    }

    fn found(source: &Fixed) -> Option<Fact<Vec<Text>>> {
        arguments(&Reader::new(source))
    }

    fn known(words: &str) -> Fact<Vec<Text>> {
        Fact::Known(words.split(' ').map(Text::from).collect())
    }

    #[test]
    fn the_unit_is_read_and_drop_ins_replace_its_command() {
        let all = "/usr/bin/dockerd -H fd:// --containerd=/run/c.sock";
        assert_eq!(found(&machine()), Some(known(all)));
        let place = "/etc/systemd/system/docker.service.d";
        let files = [("b.conf", EntryKind::File), ("a.conf", EntryKind::File)];
        let replaced = machine()
            .directory(place, &files)
            .file(
                &format!("{place}/a.conf"),
                "[Service]\nExecStart=\nExecStart=-/usr/bin/dockerd -D\n",
            )
            .file(&format!("{place}/b.conf"), "[Service]\nLimitNOFILE=1\n");
        assert_eq!(found(&replaced), Some(known("/usr/bin/dockerd -D")));
    }

    #[test]
    fn without_systemd_no_unit_counts() {
        let image = Fixed::new().file("/lib/systemd/system/docker.service", UNIT);
        assert_eq!(found(&image), None);
    }

    #[test]
    fn what_cannot_be_read_is_missing() {
        let closed = machine().unreadable("/etc/systemd/system/docker.service", libc::EACCES);
        assert!(matches!(found(&closed), Some(Fact::Missing(_))));
    }
}
