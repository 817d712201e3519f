//! Whether a line says that something failed.

/// Words of the levels that mean failure, and of those that do not.
const FAILURES: [&str; 7] = ["error", "fatal", "panic", "critical", "crit", "alert", "emerg"];
const OTHERS: [&str; 7] = ["info", "debug", "trace", "warning", "warn", "notice", "dpanic"];

/// What people write where no level tells.
const WORDS: [&str; 12] = [
    "error",
    "fatal",
    "panic:",
    "failed",
    "failure",
    "cannot ",
    "unable to ",
    "denied",
    "not permitted",
    "refused",
    "no such file",
    "✗",
];

/// Whether a line in its canonical form looks like an error: its level if it has one, else its words.
pub(super) fn is_error(canonical: &str) -> bool {
    named(canonical)
        .or_else(|| klog(canonical))
        .unwrap_or_else(|| WORDS.iter().any(|word| canonical.contains(word)))
}

/// `level=error` of logfmt, `"level":"error"` of JSON.
fn named(canonical: &str) -> Option<bool> {
    let at = ["level=", "level:"].iter().find_map(|key| Some(canonical.find(key)? + key.len()))?;
    let word = canonical[at..].trim_start();
    let word = word.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    FAILURES.contains(&word).then_some(true).or(OTHERS.contains(&word).then_some(false))
}

/// `E1122 19:01:02.345678` of klog, wherever it stands: journald and kind write before it.
fn klog(canonical: &str) -> Option<bool> {
    let mut words = canonical.split(' ');
    let mut word = words.next()?;
    for next in words {
        let (level, day) = word.split_at_checked(1)?;
        let is_day = day.len() == 4 && day.bytes().all(|b| b.is_ascii_digit());
        if is_day && next.as_bytes().get(2) == Some(&b':') {
            match level {
                "e" | "f" => return Some(true),
                "i" | "w" => return Some(false),
                _ => {}
            }
        }
        word = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::line::canonical;

    #[test]
    fn the_level_decides_where_there_is_one() {
        for (line, want) in [
            (r#"time="t" level=error msg="copy shim log""#, true),
            (r#"time="t" level=fatal msg="x""#, true),
            (r#"time="t" level=warning msg="failed to load plugin" error="x""#, false),
            (r#"{"level":"error","msg":"x"}"#, true),
            (r#"{"level": "info", "msg": "no error"}"#, false),
            ("E1122 19:01:02.345678  1 server.go:274] x", true),
            ("Nov 22 19:01:02 node kubelet[7]: I1122 19:01:02.345678 1 a.go:2] failed", false),
            ("Command Output: W1122 19:01:02.345678 1 a.go:2] denied", false),
        ] {
            assert_eq!(is_error(&canonical(line)), want, "{line}");
        }
    }

    #[test]
    fn words_decide_where_there_is_none() {
        assert!(is_error(&canonical("ERROR: failed to create cluster")));
        assert!(is_error(&canonical("rm: x: Permission denied")));
        assert!(is_error(&canonical("e  Ä12é failed")));
        assert!(!is_error(&canonical("Creating cluster \"kind\" ...")));
        assert!(!is_error(""));
    }
}
