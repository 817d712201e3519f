//! Processes by the names of engines, and which of them are believed.

use dind_doctor_checks::facts::NotBelieved;

use super::*;
use crate::source::{EntryKind, Ids, Refusal, ask, fixed::Fixed};

/// One process: its name, its four user ids, and its arguments.
struct Process(u32, &'static str, [u32; 4], &'static str);

fn stat(pid: u32, comm: &str) -> String {
    format!(
        "{pid} ({comm}) S 1 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 77 1 1 18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
    )
}

fn machine(euid: u32, processes: &[Process]) -> Fixed {
    let names: Vec<String> = processes.iter().map(|process| process.0.to_string()).collect();
    let names: Vec<_> = names.iter().map(|name| (name.as_str(), EntryKind::Directory)).collect();
    let ids = Ids { pid: 3, euid, egid: euid, groups: vec![] };
    let mut source = Fixed::new()
        .answer(ask::Ids, ids)
        .directory("/proc", &names)
        .link("/proc/self/ns/mnt", "mnt:[1]");
    for Process(pid, comm, uids, arguments) in processes {
        let [real, effective, saved, file] = uids;
        let status = format!(
            "Name:\t{comm}\nUid:\t{real}\t{effective}\t{saved}\t{file}\nGid:\t0\t0\t0\t0\n"
        );
        source = source
            .file(&format!("/proc/{pid}/stat"), stat(*pid, comm))
            .file(&format!("/proc/{pid}/status"), status)
            .file(&format!("/proc/{pid}/cmdline"), arguments.replace(' ', "\0"))
            .link(&format!("/proc/{pid}/ns/mnt"), "mnt:[1]");
    }
    source
}

fn engines(source: &Fixed) -> Engines {
    let reader = Reader::new(source);
    probe(&reader, &process::table(&reader))
}

fn pids(engines: &Engines) -> Vec<u32> {
    engines.running.known().into_iter().flatten().map(|engine| engine.pid).collect()
}

const ROOT: [u32; 4] = [0; 4];
const NOBODY: [u32; 4] = [65_534; 4];

#[test]
fn nothing_of_a_neighbours_dockerd_is_read() {
    let planted = "dockerd --config-file=/root/secret.json";
    let source = machine(0, &[Process(9, "dockerd", NOBODY, planted)])
        .file("/root/secret.json", r#"{"secret": 1}"#);
    let found = engines(&source);
    assert!(pids(&found).is_empty());
    let because = NotBelieved::RunBy(65_534);
    assert_eq!(found.named_alike, [NamedAlike { name: "dockerd".into(), pid: 9, because }]);
    assert_eq!(found.daemon_json.known().unwrap().path, DAEMON_JSON);
    let read = |path: &str| source.was_asked(ask::Read { path: path.into() });
    assert!(!read("/root/secret.json") && !read("/proc/9/cmdline"));
}

#[test]
fn what_is_root_by_its_file_alone_is_told_by_others() {
    for uids in [[65_534, 0, 0, 0], [0, 65_534, 0, 65_534], [0, 0, 65_534, 0], [0, 0, 0, 65_534]] {
        let found = engines(&machine(0, &[Process(9, "dockerd", uids, "dockerd")]));
        assert!(pids(&found).is_empty(), "{uids:?}");
    }
    let secure = [23_usize.to_ne_bytes(), 1_usize.to_ne_bytes()].concat();
    let sudo = machine(0, &[Process(9, "dockerd", ROOT, "dockerd -S -p --data-root=/x")])
        .file("/proc/9/auxv", secure);
    assert_eq!(engines(&sudo).named_alike[0].because, NotBelieved::SetUserId);
}

#[test]
fn an_engine_of_another_container_is_told_there_what_it_does() {
    let status = |numbers: &str| format!("Name:\tdockerd\nUid:\t0\t0\t0\t0\nNSpid:\t{numbers}\n");
    let source = || machine(0, &[Process(9, "dockerd", ROOT, "dockerd --mtu=9000")]);
    let below = engines(&source().file("/proc/9/status", status("9\t1")));
    assert!(pids(&below).is_empty());
    assert_eq!(below.named_alike[0].because, NotBelieved::Contained);
    let own = engines(&source().file("/proc/9/status", status("9")));
    assert_eq!((pids(&own), own.named_alike.len()), (vec![9], 0));
}

#[test]
fn daemon_json_is_read_as_dockerd_reads_it() {
    let read = |text: &str| {
        let found = engines(&machine(0, &[]).file(DAEMON_JSON, text));
        (found.daemon_json.known().map(|file| file.content.clone()), found.daemon_json_goes_on)
    };
    let mtu = || Some(serde_json::json!({"mtu": 1}));
    assert_eq!(read("{\"mtu\": 1}\n"), (mtu(), false));
    assert_eq!(read("\u{feff}{\"mtu\": 1}"), (mtu(), false));
    assert_eq!(read("{\"mtu\": 1}\n{\"debug\": true}"), (mtu(), true));
    assert_eq!(read("{\"mtu\": 1}}"), (mtu(), true));
    assert_eq!(read(" \n"), (Some(Value::Null), false));
    assert_eq!(read("{\"mtu\": 1,}"), (None, false));
}

#[test]
fn root_and_the_doctors_own_user_run_engines() {
    let own = [1000; 4];
    let all = [
        Process(5, "dockerd", ROOT, "dockerd"),
        Process(6, "dockerd", own, "dockerd --rootless"),
        Process(7, "dockerd", NOBODY, "dockerd"),
    ];
    assert_eq!(pids(&engines(&machine(1000, &all))), [5, 6]);
    assert_eq!(pids(&engines(&machine(0, &all))), [5], "a rootless one is its user's");
}

#[test]
fn an_engine_is_found_behind_many_others() {
    let many = |pid| Process(pid, "conmon", ROOT, "conmon -c 1");
    let mut all: Vec<_> = (100..9_300).map(many).collect();
    all.push(Process(9_999, "dockerd", ROOT, "dockerd --mtu=1400"));
    let found = engines(&machine(0, &all));
    assert_eq!(found.named("dockerd").next().unwrap().flag("mtu").as_deref(), Some("1400"));
    assert_eq!(pids(&found).len(), 9_201);
}

#[test]
fn what_cannot_be_looked_at_is_unknown_and_not_absent() {
    let processes = || [Process(5, "dockerd", ROOT, "dockerd"), Process(6, "sh", NOBODY, "sh")];
    let refused = |path: &str| {
        let source = machine(0, &processes()).unreadable(path, libc::EPERM);
        engines(&source).running.why()
    };
    assert_eq!(refused("/proc/6/stat"), Some(Why::NotPermitted), "it may be an engine");
    let source = machine(0, &processes())
        .unreadable("/proc/5/status", libc::EIO)
        .refuse(ask::Stat { path: "/proc/5".into() }, Refusal::Errno(libc::EIO));
    assert_eq!(engines(&source).running.why(), Some(Why::Io(libc::EIO)), "whose it is");
    let gone = machine(0, &processes()).unreadable("/proc/6/stat", libc::ESRCH);
    assert_eq!(pids(&engines(&gone)), [5]);
}

#[test]
fn an_older_recording_counts_as_it_did() {
    let question = ask::Read { path: "/proc/5/status".into() };
    let recorded = Fixed::new()
        .directory("/proc", &[("5", EntryKind::Directory)])
        .file("/proc/5/stat", stat(5, "dockerd"))
        .refuse(question, Refusal::NotRecorded);
    assert_eq!(pids(&engines(&recorded)), [5]);
}
