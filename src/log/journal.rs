//! The journal's export format: `journalctl -o export`. Its other formats are lines.

/// What a line of an export is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Field<'a> {
    /// A message, or one more line of it.
    Message(&'a [u8]),
    /// Who wrote it.
    Host(&'a [u8]),
    /// Another field.
    Other,
}

/// Whether it is a line that every entry has and that no other log has.
pub(super) fn is_export(line: &[u8]) -> bool {
    line.starts_with(b"__CURSOR=") || line.starts_with(b"__REALTIME_TIMESTAMP=")
}

/// Line by line, since what is read may begin within an entry. What is binary (a name, eight bytes of length, the
/// value) is lines too, with these bytes before the first.
pub(super) fn field(line: &[u8]) -> Field<'_> {
    let end = line.iter().position(|byte| !is_name(*byte)).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    match (name, rest.first()) {
        (b"MESSAGE", Some(b'=')) => Field::Message(&rest[1..]),
        (b"_HOSTNAME", Some(b'=')) => Field::Host(rest[1..].trim_ascii()),
        (name, Some(b'=' | b'\n') | None) if name.len() > 2 => Field::Other,
        _ => Field::Message(line),
    }
}

const fn is_name(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use dind_doctor_checks::registry;

    use super::*;
    use crate::log::{Texts, read};

    #[test]
    fn of_an_entry_the_message_counts() {
        assert_eq!(field(b"MESSAGE=a=b\n"), Field::Message(b"a=b\n"));
        assert_eq!(field(b"_HOSTNAME=node-1\n"), Field::Host(b"node-1"));
        assert_eq!(field(b"_CMDLINE=x\n"), Field::Other);
        assert_eq!(field(b"MESSAGE\n"), Field::Other);
        assert_eq!(field(b"second line\n"), Field::Message(b"second line\n"));
    }

    #[test]
    fn an_export_is_read_wherever_it_begins() {
        let texts = Texts::of(registry::all());
        let entry = b"__CURSOR=s=1\n_HOSTNAME=node-1\n_CMDLINE=grep Mounts denied\nMESSAGE\n\x0e\0\0\0\0\0\0\0Mounts denied!\nPRIORITY=3\n\n";
        let content = [b"_CMDLINE=failed\n".as_slice(), entry, entry].concat();
        let log = read(content.as_slice(), &texts).unwrap();
        assert_eq!((log.matches.len(), log.matches[0].lines, log.unrecognised), (1, 2, 0));
        assert_eq!(log.matches[0].first.excerpt, "Mounts denied!");
        assert_eq!(log.hosts.iter().collect::<Vec<_>>(), ["node-1"]);
    }

    #[test]
    fn an_export_as_json_is_read_too() {
        let texts = Texts::of(registry::all());
        let bytes: Vec<_> = b"Mounts denied".iter().map(ToString::to_string).collect();
        let content = format!(
            "{}\n{}\n",
            r#"{"_HOSTNAME":"node-1","_CMDLINE":"Mounts denied","MESSAGE":"error: \"odd\"","PRIORITY":"6"}"#,
            format_args!(r#"{{"MESSAGE":[{}],"SYSLOG_IDENTIFIER":"dockerd"}}"#, bytes.join(",")),
        );
        let log = read(content.as_bytes(), &texts).unwrap();
        assert_eq!(log.matches[0].first.line, 2);
        assert_eq!(log.matches[0].first.excerpt, "dockerd: Mounts denied");
        assert_eq!(log.last_unrecognised[0].last.excerpt, "error: \"odd\"");
        assert_eq!(log.hosts.iter().collect::<Vec<_>>(), ["node-1"]);
    }
}
