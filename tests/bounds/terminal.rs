//! Nothing raw reaches a terminal, whatever a name, an argument or the content of a file is.

use std::{
    ffi::{OsStr, OsString},
    fs,
    os::unix::ffi::OsStrExt,
};

use super::doctor;

const BUNDLE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hosts/bookworm-container/bundle");

/// Escapes, a bell, a carriage return, a C1 control in UTF-8, what turns text round, and a byte that is no UTF-8.
const ODD: &[u8] = b"x\x1b]0;owned\x07\x1b[35m\r\xc2\x9b2J\xe2\x80\xae\xff\ny";

fn odd(before: &str, after: &str) -> OsString {
    OsStr::from_bytes(&[before.as_bytes(), ODD, after.as_bytes()].concat()).to_owned()
}

/// Runs in which every name and word is hostile, each of which has something to say about it.
#[test]
fn names_and_words_from_anywhere_are_shown_as_what_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let plain = |text: &str| OsString::from(text);
    let text = odd("", "");
    let file = |name: &OsStr, content: &[u8]| fs::write(dir.path().join(name), content).unwrap();
    file(&odd("", ".json"), &[b"{\"schema\":\"", &ODD[..9], b"\"}"].concat());
    file(&odd("", ".toml"), &[ODD, b" = 1"].concat());
    file(&odd("", ".key"), b"\"\\u001b[31m\\u009b\" = 1\n");
    file(&odd("", ".value"), b"for = [\"\\u001b[31m\\u202e\"]\n");
    file(&odd("", ".tar.gz"), &[&[0x1f, 0x8b][..], ODD].concat());
    file(&odd("", ".base"), br#"{"schema":"\u001b[31m","doctor":{"version":"0"},"findings":[]}"#);
    file(&odd("", ".report"), br#"{"schema":"dind-doctor/report/\u001b[31m\u009b","targets":[]}"#);
    file(&odd("", ".log"), ODD);
    fs::create_dir(dir.path().join(odd("", ".d"))).unwrap();
    let header = b"{\"bundle\":9,\"doctor\":\"\\u001b[31m\\u202e\",\"redacted\":false}\n";
    fs::write(dir.path().join(odd("", ".d")).join("manifest.jsonl"), header).unwrap();
    fs::create_dir(dir.path().join(odd("", ".full"))).unwrap();
    fs::write(dir.path().join(odd("", ".full")).join("x"), "").unwrap();

    let from = plain("--from");
    let mut runs: Vec<Vec<OsString>> = vec![
        vec![text.clone()],
        vec![odd("--", "")],
        vec![odd("--form", "=x")],
        vec![plain("--for"), text.clone()],
        vec![odd("--format=", "")],
        vec![odd("--timeout=", "")],
        vec![odd("--assume=", "=1")],
        vec![odd("--assume=runc=", "")],
        vec![odd("--output=json=", "/x")],
        vec![odd("--output=", "=x")],
        vec![odd("--active=", "")],
        vec![plain("--active"), plain("--mtu-target"), text.clone()],
        vec![odd("--sarif-anchor=/", "")],
        vec![plain("explain"), text.clone()],
        vec![plain("completions"), text.clone()],
        vec![plain("list"), text.clone()],
        vec![plain("explain"), plain("--log"), odd("absent", "")],
        vec![plain("explain"), plain("--log"), odd("", ".log"), from.clone(), odd("absent", "")],
        vec![plain("explain"), plain("--log"), odd("", ".log"), from.clone(), plain(BUNDLE)],
        vec![plain("diff"), odd("absent", ""), odd("", ".json")],
        vec![plain("diff"), plain(BUNDLE), odd("", ".json")],
        vec![plain("diff"), plain(BUNDLE), odd("", ".report")],
        vec![plain("diff"), plain(BUNDLE), odd("", ".tar.gz")],
        vec![plain("diff"), plain(BUNDLE), odd("", ".d")],
        vec![plain("capture"), from.clone(), plain(BUNDLE), plain("-o"), odd("", ".full")],
        vec![plain("capture"), from.clone(), plain(BUNDLE), plain("-o"), odd("absent/", "")],
        vec![plain("capture"), from.clone(), plain(BUNDLE), plain("-o"), odd("new", "")],
        vec![plain("capture"), from.clone(), plain(BUNDLE), plain("-o"), odd("", ".new.tar.gz")],
    ];
    for suffix in [".tar.gz", ".d", ".json", ".absent"] {
        runs.push(vec![from.clone(), odd("", suffix)]);
    }
    for option in ["--config", "--baseline", "--write-baseline"] {
        for suffix in [".toml", ".key", ".value", ".json", ".base", ".absent", ".d", ".d/x/y"] {
            runs.push(vec![from.clone(), plain(BUNDLE), plain(option), odd("", suffix)]);
        }
    }
    for arguments in runs {
        for colour in ["", "CLICOLOR_FORCE=1"] {
            let all = [&[OsString::from(env!("CARGO_BIN_EXE_doctor"))][..], &arguments].concat();
            let output = std::process::Command::new("env")
                .args(["-i", "TERM=xterm"])
                .args((!colour.is_empty()).then_some(colour))
                .args(all)
                .current_dir(dir.path())
                .output()
                .unwrap();
            for (stream, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
                let said = std::str::from_utf8(bytes).expect("UTF-8");
                // The doctor's own styles.
                let styled =
                    said.split("\x1b[").enumerate().map(|(at, part)| match part.split_once('m') {
                        Some((codes, rest))
                            if at > 0 && codes.bytes().all(|b| b.is_ascii_digit() || b == b';') =>
                        {
                            rest
                        }
                        _ if at == 0 => part,
                        _ => "\x1b",
                    });
                let styled: String = styled.collect();
                let raw = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
                assert!(!styled.contains(raw), "{arguments:?} {colour}: {stream}: {said:?}");
                assert!(!said.contains("\x1b[35m"), "{arguments:?} {colour}: {stream}: {said:?}");
                assert!(colour == "CLICOLOR_FORCE=1" || !said.contains('\x1b'), "{said:?}");
                assert!(!styled.contains("owned\n"), "{said:?}");
                assert!(!said.lines().any(|line| line.starts_with('y')), "a forged line: {said:?}");
            }
            assert!(output.stderr.len() + output.stdout.len() > 20, "{arguments:?} says nothing");
        }
    }
    let output = doctor(dir.path(), &[odd("--for=", "")]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("\\x1b]0;owned\\x07"), "it is shown");
}
