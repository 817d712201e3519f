//! No failing read becomes a verdict.
//!
//! Recorded environments, and this machine, are judged again and again, each time with something that fails: one
//! question, all of a kind, or all below a directory. What is then said must have been said before, or be unknown.
//! What a refusal says by itself, and is therefore no failure, stands in [`fault`] with the reason.

mod fault;
mod guaranteed;
mod oracle;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    path::Path,
    thread,
    time::Duration,
};

use dind_doctor::{
    bundle::{self, Recorder, Recording, Replay},
    probe,
    report::{self, Options, Origin},
    source::{LiveSource, Question, Source},
};
use fault::{ANY, Fault, Faulty, Listener, OF_WHAT_MUST_BE, Which};
use oracle::{Lie, Verdicts};

/// As different from each other as can be.
const HOSTS: [&str; 8] = [
    "vm-firecracker-hybrid",
    "bookworm-dind-overlay",
    "bookworm-v1-pod",
    "rootless-user-on-5-10",
    "bookworm-lxc",
    "gvisor",
    "bookworm-kind-node",
    "bookworm-systemd-container",
];

/// Below these, everything fails at once.
const DIRECTORIES: [&str; 12] = [
    "/proc",
    "/proc/self",
    "/proc/1",
    "/proc/net",
    "/proc/sys",
    "/sys",
    "/sys/fs/cgroup",
    "/etc",
    "/run",
    "/var",
    "/dev",
    "/usr",
];

/// What every question meets; the other faults of [`ANY`] come to the same in most places, and each question meets
/// one of them.
const EACH: [Fault; 4] =
    [Fault::Errno(libc::EACCES), Fault::Errno(libc::EIO), Fault::TooLarge, Fault::Truncated];

fn judge(source: &dyn Source) -> Verdicts {
    Verdicts::of(&report::diagnose(probe::collect(source), Origin::Bundle, &Options::default()))
}

/// What goes wrong, and with what.
fn faults(asked: &BTreeSet<Question>) -> Vec<(Which, Fault)> {
    let mut all = Vec::new();
    for (at, question) in asked.iter().enumerate() {
        let which = || Which::One(question.clone());
        all.extend(EACH.map(|fault| (which(), fault)));
        all.push((which(), ANY[at % ANY.len()]));
        if guaranteed::FILES.iter().any(|(path, _)| question.path() == Some(path)) {
            all.extend(OF_WHAT_MUST_BE.map(|fault| (which(), fault)));
        }
    }
    let kinds: BTreeSet<&str> = asked.iter().map(fault::kind).collect();
    for fault in ANY {
        all.extend(kinds.iter().map(|kind| (Which::Kind(kind), fault)));
        all.extend(DIRECTORIES.map(|directory| (Which::Below(directory.to_owned()), fault)));
    }
    let hidden = guaranteed::DIRECTORIES.map(str::to_owned).map(Which::Below);
    all.extend(hidden.map(|which| (which, Fault::Errno(libc::ENOENT))));
    all
}

/// The lies of one environment, each with what failed, and how many faults there were.
fn lies(recording: &Recording) -> (BTreeMap<(Lie, String), BTreeSet<String>>, usize) {
    let listener_of = Replay::new(recording.clone());
    let listener = Listener::new(&listener_of);
    let before = judge(&listener);
    let mut found: BTreeMap<(Lie, String), BTreeSet<String>> = BTreeMap::new();
    let mut injected = 0;
    for (which, fault) in faults(&listener.asked()) {
        let replay = Replay::new(recording.clone());
        let faulty = Faulty::new(&replay, &which, fault);
        let collected = probe::collect(&faulty);
        if faulty.happened() == 0 {
            continue;
        }
        injected += 1;
        let report = report::diagnose(collected, Origin::Bundle, &Options::default());
        for lie in before.lies(&Verdicts::of(&report)) {
            found.entry((lie, which.to_string())).or_default().insert(fault.to_string());
        }
    }
    (found, injected)
}

/// Check by check, what failed and what was said then.
fn table(found: &BTreeMap<(Lie, String), BTreeSet<String>>) -> String {
    let mut text = String::new();
    for ((lie, which), faults) in found {
        let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
        let _ = writeln!(
            text,
            "{:<34} {which}: {}\n{:<34} {} -> {}",
            lie.about,
            faults.join(", "),
            "",
            lie.before,
            lie.after
        );
    }
    text
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "an environment for each processor; nothing is forked"
)]
fn no_failing_read_becomes_a_verdict_in_a_recorded_environment() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hosts");
    let each = thread::scope(|scope| {
        let threads = HOSTS.map(|host| {
            let bundle = root.join(host).join("bundle");
            scope.spawn(move || (host, lies(&bundle::read(&bundle).expect("a bundle"))))
        });
        threads.map(|thread| thread.join().expect("an environment"))
    });
    let mut text = String::new();
    let mut lying = 0;
    for (host, (found, injected)) in &each {
        assert!(*injected > 500, "{host}: only {injected} faults");
        let _ = writeln!(text, "{host}: {injected} faults\n{}", table(found));
        lying += found.len();
    }
    println(&text);
    assert_eq!(lying, 0, "a failing read became a verdict:\n{text}");
}

#[test]
fn no_failing_read_becomes_a_verdict_on_this_machine() {
    let live = LiveSource::new(Duration::from_secs(30));
    let recorder = Recorder::new(&live);
    probe::collect(&recorder);
    let (found, injected) = lies(&recorder.into_recording(false));
    assert!(found.is_empty(), "{injected} faults:\n{}", table(&found));
}

/// For `--nocapture`.
#[expect(clippy::print_stdout, reason = "what a test prints is shown when it is asked for")]
fn println(text: &str) {
    println!("{text}");
}
