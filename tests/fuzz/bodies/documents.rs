//! Documents that a user hands over, or that lie about in a home directory.

use std::time::{Duration, Instant};

use dind_doctor::{
    diff::{self, Side},
    fuzzing,
    render::json,
    report::{Options, Origin, diagnose},
    source::path as encoded,
};
use dind_doctor_checks::target::Target;
use serde_json::Value;

use super::{
    facts,
    hosts::{HOSTS, files},
    oracle, scratch,
};

/// A deadline that no input may need.
pub(super) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

/// What is wrong with a file is said in text, and the name of the file may be anything.
fn told(result: Result<(), String>) {
    if let Err(message) = result {
        oracle::is_text("message", message.as_bytes());
    }
}

pub(super) fn configuration(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let name: String = text.chars().take(20).collect();
    told(fuzzing::configuration(&name, text));
}

pub(super) fn configuration_seeds() -> Vec<Vec<u8>> {
    let whole = "for = [\"dockerd\", \"kind=0.11\"]\nselect = [\"cgroup\", \"swap-on\"]\nfail_on = \"warning\"\n\
                 strict = true\n[assume]\ndocker = \"29.1\"\n[severity]\nswap-on = \"info\"\n\
                 proc-masked = { kind = \"error\" }\n[[ignore]]\nid = \"swap-on\"\nsubject = \"/proc/swaps\"\n\
                 reason = \"known\"\nuntil = 2027-03-01\n";
    let others = [
        "",
        "for = []",
        "ignroe = 1",
        "[[ignore]]\nid = 1",
        "[severity]\nx = \"y\"",
        "strict = 0x",
        "until = 1979-05-27T07:32:00Z",
        "a.b.c = '''\n'''",
    ];
    [whole].into_iter().chain(others).map(|text| text.as_bytes().to_vec()).collect()
}

/// What was read is written, and what was written is read as the same.
pub(super) fn baseline(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match fuzzing::baseline("known.json", text) {
        Ok(written) => {
            let text = oracle::is_text("baseline", &written);
            assert_eq!(fuzzing::baseline("known.json", &text), Ok(written));
        }
        Err(message) => told(Err(message)),
    }
}

pub(super) fn baseline_seeds() -> Vec<Vec<u8>> {
    let finding = r#"{"id":"swap-on","subject":"/proc/swaps","severity":{"kind":"warning"},"summary":"swap"}"#;
    let whole = |findings: &str| {
        let head =
            r#"{"schema":"dind-doctor/baseline/1","doctor":{"version":"0.1.0"},"findings":["#;
        format!("{head}{findings}]}}").into_bytes()
    };
    vec![whole(""), whole(finding), whole(&[finding, finding].join(",")), b"{}".to_vec()]
}

/// A report is compared with itself and with one of this machine.
pub(super) fn report(input: &[u8]) {
    let read = |name: &str| Side::of_report(name.to_owned(), input);
    let (Ok(left), Ok(right)) = (read("left"), read("right")) else { return };
    facts::compared(
        &diff::compare(left, right, &Target::ALL).unwrap(),
        input.len().to_le_bytes()[0],
    );
    let own = Side::of_report("own".to_owned(), &reports()[0]).unwrap();
    let Ok(other) = read("other") else { return };
    facts::compared(&diff::compare(own, other, &Target::ALL).unwrap(), 41);
}

fn reports() -> Vec<Vec<u8>> {
    let hosts = HOSTS.iter().step_by(HOSTS.len() / 4);
    let collected = hosts.map(|host| {
        dind_doctor::probe::collect(&dind_doctor::bundle::Replay::new(host.recording.clone()))
    });
    let report = |collected| diagnose(collected, Origin::Bundle, &Options::default());
    collected
        .map(|collected| oracle::written(|out| json::render(&report(collected), out)))
        .collect()
}

/// Small ones: of a whole one most is words.
pub(super) fn report_seeds() -> Vec<Vec<u8>> {
    let smaller = |document: Vec<u8>| {
        let mut value: Value = serde_json::from_slice(&document).unwrap();
        if let Some(checks) = value["checks"].as_array_mut() {
            checks.retain(|check| check["status"] != "pass" && check["status"] != "not-applicable");
            checks.truncate(6);
        }
        value.to_string().into_bytes()
    };
    reports().into_iter().map(smaller).collect()
}

/// Values out of JSON or YAML: JSON comes out, and no more than went in.
pub(super) fn values(input: &[u8]) {
    let keys = ["a/*/b", "clusters/*/cluster/server", "currentContext", "*/*/*", "", "a"];
    let keys: Vec<_> = keys.map(str::to_owned).into();
    if let Ok(found) = fuzzing::values(input, &keys) {
        serde_json::from_slice::<Value>(&found).unwrap();
        assert!(found.len() <= 64 * (input.len() + 64), "{} of {}", found.len(), input.len());
    }
}

pub(super) fn values_seeds() -> Vec<Vec<u8>> {
    let texts = [
        "",
        "{\n\t\"auths\": {\"r\": {\"auth\": \"c2VjcmV0\"}},\n\t\"currentContext\": \"x\"\n}",
        "clusters:\n- name: a\n  cluster: {server: s, token: t}\n- name: b\n",
        "a: &x [1, 2]\nb: *x\n? complex\n: !!binary aGk=\n",
        "{\"a\":[{\"b\":1},{\"b\":[2,{\"c\":3}]}]}",
        "a: |\n  text\n  more\nb: >-\n  folded\n--- \n...\n",
        "[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]",
    ];
    texts.map(|text| text.as_bytes().to_vec()).into()
}

/// The first line is what is looked for, the rest the file.
pub(super) fn paragraphs(input: &[u8]) {
    let mut parts = input.splitn(2, |byte| *byte == b'\n');
    let wanted = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let content = parts.next().unwrap_or_default();
    let path = scratch::file("status", content);
    let path = encoded::encode(path.as_os_str().as_encoded_bytes());
    let found = fuzzing::paragraphs(&path, &[wanted], soon()).unwrap();
    assert!(found.len() <= content.len() + 2);
}

pub(super) fn paragraph_seeds() -> Vec<Vec<u8>> {
    let dpkg = "Package: docker-ce\nPackage: runc\nStatus: install ok installed\nVersion: 5:27.3.1-1\n\n\
                Package: docker-ce\nStatus: install ok installed\nVersion: 5:27.3.1-1~debian.12\nDescription: x\n y\n";
    let apk = "P:runc\nC:Q1\nP:runc\nV:1.1.14-r1\n\nP:docker\nV:27.3.1-r0\n\n";
    [dpkg, apk, "", "x\n\n\nx\n"].map(|text| text.as_bytes().to_vec()).into()
}

/// Bytes as text and back; text made safe.
pub(super) fn path(input: &[u8]) {
    let text = encoded::encode(input);
    assert_eq!(encoded::decode(&text).as_os_str().as_encoded_bytes(), input);
    let any = String::from_utf8_lossy(input);
    let _ = encoded::decode(&any);
    let safe = fuzzing::escape(&any);
    oracle::is_text("escaped", safe.as_bytes());
    assert_eq!(fuzzing::escape(&safe), safe);
}

pub(super) fn path_seeds() -> Vec<Vec<u8>> {
    super::pieces::PIECES.map(<[u8]>::to_vec).into()
}

/// Logs that were recorded.
pub(super) fn logs() -> Vec<Vec<u8>> {
    let logs =
        files("logs").into_iter().filter(|path| path.extension().is_some_and(|e| e == "log"));
    logs.map(|path| std::fs::read(path).unwrap()).collect()
}
