use dind_doctor_checks::facts::{Address, Link, Route};

use super::*;
use crate::source::{Access, EntryKind, Ids, Stat, StatFs, Uname};

mod hostile;
mod shapes;

const UID: &str = "0a1b2c3d-1234-4abc-8def-0123456789ab";
const ID: &str = "3fa1b2c3d4e5f60718293a4b5c6d7e8f3fa1b2c3d4e5f60718293a4b5c6d7e8f";

fn read(path: &str) -> Question {
    Question::Read { path: path.to_owned() }
}

fn list(path: &str) -> Question {
    Question::List { path: path.to_owned() }
}

fn bytes(text: &str) -> Answer {
    Answer::bytes(text.as_bytes().to_vec())
}

fn listing(names: &[&str]) -> Answer {
    let entry = |name: &&str| Entry { name: (*name).to_owned(), kind: EntryKind::Directory };
    Answer::Listing(Listing { entries: names.iter().map(entry).collect(), truncated: false })
}

fn recording(answers: Vec<(Question, Answer)>) -> Recording {
    let mut recording = Recording::new(false);
    for (question, answer) in answers {
        recording.answers.insert((0, question), Ok(answer));
    }
    recording
}

/// Redacts, and redacts again to see that nothing changes.
fn redacted(answers: Vec<(Question, Answer)>) -> Recording {
    let once = redact(&recording(answers)).recording;
    assert!(once.header.redacted);
    assert_eq!(redact(&once).recording, once);
    once
}

fn answer_to(recording: &Recording, question: Question) -> Result<Answer, Refusal> {
    recording.answers.get(&(0, question)).cloned().unwrap_or(Err(Refusal::NotRecorded))
}

/// What becomes of the content of one file.
fn content(path: &str, text: &str) -> String {
    match answer_to(&redacted(vec![(read(path), bytes(text))]), read(path)) {
        Ok(Answer::Bytes(bytes)) => String::from_utf8(bytes.to_vec()).unwrap(),
        other => panic!("{path}: {other:?}"),
    }
}

/// Everything that is written into the bundle, the long bodies too.
fn written(recording: &Recording) -> String {
    let parts = recording.to_parts().unwrap();
    let bodies = parts.bodies.values().map(|body| String::from_utf8_lossy(body).into_owned());
    String::from_utf8(parts.manifest).unwrap() + &bodies.collect::<String>()
}

#[test]
fn what_no_table_names_is_refused_for_every_kind_of_question() {
    let path = || "/srv/payroll/list".to_owned();
    let stat = Stat { mode: 0o100_600, uid: 1, gid: 2, dev: (8, 1), rdev: (0, 0), ino: 7 };
    let statfs = StatFs {
        magic: 1,
        block_size: 2,
        blocks: 3,
        available: 4,
        files: 5,
        files_free: 6,
        d_type: None,
    };
    let number_of = |question: Question, answer: Answer| {
        let result = redact(&recording(vec![(question.clone(), answer.clone())]));
        assert_eq!(answer_to(&result.recording, question), Ok(answer));
    };
    for (question, answer) in [
        (read(&path()), bytes("secret")),
        (Question::Paragraphs { path: path(), lines: Vec::new() }, bytes("Package: secret")),
        (Question::RpmPackages { path: path(), names: Vec::new() }, Answer::Packages(Vec::new())),
        (Question::EngineVersion { pid: 1, socket: path() }, bytes("secret")),
        (Question::ReadLink { path: path() }, Answer::Path("/secret".to_owned())),
        (Question::Resolve { path: path() }, Answer::Path("/secret".to_owned())),
        (list(&path()), listing(&["secret"])),
        // An answer that does not belong to its question.
        (Question::Ids, bytes("secret")),
        (Question::Uname, Answer::Path("secret".to_owned())),
        (Question::Links, listing(&["secret"])),
        (Question::Addresses, bytes("secret")),
        (Question::Routes, bytes("secret")),
        (Question::NftTables, bytes("secret")),
        (Question::Pause { milliseconds: 1 }, bytes("secret")),
        (Question::PathMtu { destination: "10.0.0.1".parse().unwrap() }, bytes("secret")),
        (Question::LegacyEntries { family: 4, table: "nat".to_owned() }, bytes("secret")),
        (Question::Variable { pid: None, name: String::new() }, bytes("secret")),
        (Question::Stat { path: path() }, bytes("secret")),
        (Question::StatFs { path: path() }, bytes("secret")),
        (Question::Access { path: path(), access: Access::Write }, bytes("secret")),
        (read("/proc/uptime"), Answer::Path("secret".to_owned())),
    ] {
        let result = redacted(vec![(question.clone(), answer)]);
        assert_eq!(answer_to(&result, question), Err(Refusal::Redacted));
    }
    // Numbers and refusals tell nothing.
    number_of(Question::Stat { path: path() }, Answer::Stat(stat));
    number_of(Question::StatFs { path: path() }, Answer::StatFs(statfs));
    number_of(Question::Access { path: path(), access: Access::Write }, Answer::Done);
    let mut refused = Recording::new(false);
    refused.answers.insert((0, read(&path())), Err(Refusal::Errno(2)));
    assert_eq!(answer_to(&redact(&refused).recording, read(&path())), Err(Refusal::Errno(2)));
}

#[test]
fn a_pod_has_one_pseudonym_in_questions_and_answers() {
    let pod = format!("/kubepods/burstable/pod{UID}");
    let slice = format!("kubepods-burstable-pod{}.slice", UID.replace('-', "_"));
    let scope = format!("cri-containerd-{ID}.scope");
    let walked = format!("/sys/fs/cgroup/kubepods.slice/{slice}");
    let result = redacted(vec![
        (read("/proc/self/cgroup"), bytes(&format!("4:memory:{pod}/{ID}\n0::/{slice}/{scope}\n"))),
        (list("/sys/fs/cgroup/kubepods.slice"), listing(&[&slice])),
        (list(&walked), listing(&[&scope])),
        (read(&format!("{walked}/{scope}/cgroup.procs")), bytes("1\n0\n")),
    ]);
    let (uid, id) = ("00000000-0001-0000-0000-000000000000", format!("{:0<64}", "000000000002"));
    let slice = format!("kubepods-burstable-pod{}.slice", uid.replace('-', "_"));
    let scope = format!("cri-containerd-{id}.scope");
    let cgroup = format!("4:memory:/kubepods/burstable/pod{uid}/{id}\n0::/{slice}/{scope}\n");
    assert_eq!(answer_to(&result, read("/proc/self/cgroup")), Ok(bytes(&cgroup)));
    let walked = format!("/sys/fs/cgroup/kubepods.slice/{slice}");
    assert_eq!(answer_to(&result, list(&walked)), Ok(listing(&[&scope])));
    let procs = read(&format!("{walked}/{scope}/cgroup.procs"));
    assert_eq!(answer_to(&result, procs), Ok(bytes("1\n0\n")));
}

#[test]
fn rows_keep_prefixes_and_names_that_rules_know() {
    let link = |index, name: &str| Link {
        index,
        name: name.into(),
        kind: Some("bridge".into()),
        mtu: 1500,
        up: true,
        loopback: false,
        controller: None,
    };
    let net = |text: &str| text.parse().unwrap();
    let result = redacted(vec![
        (Question::Links, Answer::Links(vec![link(1, "docker0"), link(2, "br-payroll")])),
        (list("/sys/class/net"), listing(&["br-payroll", "docker0"])),
        (read("/sys/class/net/br-payroll/mtu"), bytes("1500\n")),
        (
            Question::Addresses,
            Answer::Addresses(vec![
                Address { index: 1, address: net("172.17.0.1/16") },
                Address { index: 2, address: net("85.10.200.7/24") },
            ]),
        ),
        (
            Question::Routes,
            Answer::Routes(vec![Route {
                table: 254,
                destination: net("0.0.0.0/0"),
                gateway: Some("85.10.200.1".parse().unwrap()),
                interface: Some(2),
                mtu: None,
                metric: 0,
                unicast: true,
            }]),
        ),
    ]);
    let Ok(Answer::Links(links)) = answer_to(&result, Question::Links) else { panic!() };
    assert_eq!([&*links[0].name, &*links[1].name], ["docker0", "br-n1"]);
    assert_eq!(answer_to(&result, list("/sys/class/net")), Ok(listing(&["br-n1", "docker0"])));
    assert_eq!(answer_to(&result, read("/sys/class/net/br-n1/mtu")), Ok(bytes("1500\n")));
    let Ok(Answer::Addresses(rows)) = answer_to(&result, Question::Addresses) else { panic!() };
    let Ok(Answer::Routes(routes)) = answer_to(&result, Question::Routes) else { panic!() };
    assert_eq!(rows[0].address, net("172.17.0.1/16"));
    assert_ne!(rows[1].address, net("85.10.200.7/24"));
    assert!(rows[1].address.trunc().contains(&routes[0].gateway.unwrap()));
    assert_eq!(routes[0].destination, net("0.0.0.0/0"));
}

#[test]
fn configured_data_roots_are_looked_at_and_their_neighbours_are_not() {
    let config = r#"{"data-root": "/mnt/big/engine", "registry-mirrors": ["https://m.acme.eu"]}"#;
    let resolve = |path: &str| Question::Resolve { path: path.to_owned() };
    let path = |path: &str| Answer::Path(path.to_owned());
    let result = redacted(vec![
        (read("/etc/docker/daemon.json"), bytes(config)),
        (list("/mnt/big/engine"), listing(&["overlay2"])),
        (list("/mnt/big/photos"), listing(&["beach"])),
        (resolve("/mnt/big"), path("/mnt/disk1")),
        (resolve("/mnt/big/photos"), path("/mnt/disk1/photos")),
        (
            Question::Variable { pid: None, name: "XDG_DATA_HOME".to_owned() },
            Answer::Variable(Some("/data/x".to_owned())),
        ),
        (resolve("/data/x/docker"), path("/data/x/docker")),
    ]);
    assert_eq!(answer_to(&result, resolve("/data/x/docker")), Ok(path("/data/x/docker")));
    assert_eq!(answer_to(&result, list("/mnt/big/engine")), Ok(listing(&["overlay2"])));
    assert_eq!(answer_to(&result, list("/mnt/big/photos")), Err(Refusal::Redacted));
    assert_eq!(answer_to(&result, resolve("/mnt/big")), Ok(path("/mnt/disk1")));
    assert_eq!(answer_to(&result, resolve("/mnt/big/photos")), Err(Refusal::Redacted));
}

#[test]
fn what_was_removed_is_counted() {
    let removed = redact(&recording(vec![
        (read("/etc/shadow"), bytes("root:x")),
        (read("/proc/9/cmdline"), bytes("sh\0-c\0secret\0")),
    ]))
    .removed;
    let row = |kind, count| Removal { kind, count };
    assert_eq!(removed, [row(Kind::Argument, 1), row(Kind::Content, 1)]);
}
