//! Which host wrote a line, as syslog and the journal say it.

use serde::Deserialize;

/// Names that many machines have say nothing.
const COMMON: [&str; 6] =
    ["localhost", "localhost.localdomain", "debian", "ubuntu", "fedora", "host"];

#[derive(Deserialize)]
struct Journal {
    #[serde(rename = "_HOSTNAME")]
    host: Option<String>,
}

/// The host of a line; `text` is the line as people read it.
pub(super) fn of(bytes: &[u8], text: &str) -> Option<String> {
    if bytes.starts_with(b"{\"") && bytes.windows(11).take(4096).any(|w| w == b"\"_HOSTNAME\"") {
        return serde_json::from_slice::<Journal>(bytes).ok()?.host;
    }
    let mut words = text.split(' ');
    let first = words.next()?;
    let host = if is_month(first) {
        words.next().filter(|day| day.parse::<u8>().is_ok())?;
        words.next().filter(|time| time.as_bytes().get(2) == Some(&b':'))?;
        words.next()?
    } else if first.len() > 18 && first.as_bytes().get(10) == Some(&b'T') {
        words.next()?
    } else {
        return None;
    };
    // Then follows the program: `dockerd[7]:`.
    let program = words.next()?;
    program.ends_with(':').then(|| host.to_owned())
}

fn is_month(word: &str) -> bool {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    MONTHS.contains(&word)
}

/// Whether this name says which machine it is.
pub(crate) fn is_telling(name: &str) -> bool {
    name.len() > 3 && !COMMON.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syslog_and_journal_name_the_host() {
        let of = |line: &str| of(line.as_bytes(), line);
        assert_eq!(of("Nov 22 19:01:02 node-1 dockerd[7]: x").as_deref(), Some("node-1"));
        assert_eq!(
            of("2026-11-22T19:01:02.123456+00:00 node-1 kernel: x").as_deref(),
            Some("node-1")
        );
        assert_eq!(of(r#"{"a":1,"_HOSTNAME":"node-1"}"#).as_deref(), Some("node-1"));
        assert_eq!(of("2026-11-22T19:01:02.123456789Z stderr F x"), None);
        assert_eq!(of("Nov day"), None);
        assert_eq!(of(""), None);
        assert!(is_telling("node-1") && !is_telling("localhost") && !is_telling("vm"));
    }
}
