//! The guardian of one trial, and what the doctor does meanwhile.

use std::{
    fs::OpenOptions,
    io::{BufRead, BufReader, Read},
    os::{
        fd::{AsFd, IntoRawFd},
        unix::net::UnixStream,
    },
    path::PathBuf,
    time::{Duration, Instant},
};

use dind_doctor_checks::facts::{Action, Ending, Trial};
use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{SigSet, Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::{Pid, setpgid, setsid},
};

use super::{
    Work,
    place::{Owner, Place},
    steps::{Line, Steps, end_group, wait_until},
};
use crate::sys::fork;

/// How long removing may take beyond the deadline before the doctor goes on without its guardian.
const GRACE: Duration = Duration::from_secs(3);

/// How long what outlived its parent may take to end after SIGKILL.
const ADOPTED: Duration = Duration::from_secs(2);

/// What is read of one trial at most.
const BYTES: u64 = 1024 * 1024;

/// Lets a guardian do the work, and puts what it says into `trial`; `tell` is told which step begins.
pub(super) fn supervise(
    work: Work,
    deadline: Instant,
    trial: &mut Trial,
    tell: &mut dyn FnMut(&str),
) {
    let (guardian, stream) = match fork::with_stream(|stream| guard(stream, work, deadline)) {
        Ok(forked) => forked,
        Err(error) => {
            trial.ending = Ending::Skipped(format!("no process can be forked: {error}").into());
            return;
        }
    };
    let until = deadline + GRACE;
    if listen(&stream, until, trial, tell).is_none() {
        // A guardian that is late goes on removing as soon as it can, and nobody waits for that. What one
        // that was killed has left, the next run finds.
        trial.ending = if Instant::now() < until { Ending::Died } else { Ending::TimedOut };
    }
    drop(stream);
    wait_until(guardian, Instant::now() + Duration::from_millis(100));
}

/// Until the last line.
fn listen(
    stream: &UnixStream,
    until: Instant,
    trial: &mut Trial,
    tell: &mut dyn FnMut(&str),
) -> Option<()> {
    let mut reader = BufReader::new(stream).take(BYTES);
    loop {
        let left = until.saturating_duration_since(Instant::now());
        stream.set_read_timeout(Some(left.max(Duration::from_millis(1)))).ok()?;
        let mut line = Vec::new();
        match reader.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
        // A process that was killed while it wrote leaves half a line.
        let Ok(line) = serde_json::from_slice(&line) else { continue };
        match line {
            Line::Begins(action) => tell(action.words()),
            Line::Step(step) => trial.steps.push(step),
            Line::Learned(learned) => trial.learned = Some(learned),
            Line::End { ending, left_behind } => {
                trial.ending = ending;
                trial.left_behind = left_behind;
                return Some(());
            }
        }
    }
}

/// The guardian: from here on a process of its own.
fn guard(stream: UnixStream, mut work: Work, deadline: Instant) {
    let mut steps = Steps::new(stream);
    detach(&steps);
    let adopts = work.adopts && nix::sys::prctl::set_child_subreaper(true).is_ok();
    let Some(owner) = Owner::me() else {
        steps.end(Ending::Skipped("/proc does not show this process".into()), Vec::new());
        return;
    };
    let mut places = Vec::new();
    let mut made: Vec<Option<PathBuf>> = Vec::new();
    for parent in &work.places {
        steps.about(&parent.to_string_lossy(), true);
        let place = steps.step(Action::MakeDirectory, || Place::make(parent, &owner));
        made.push(place.as_ref().map(Place::inside));
        places.extend(place);
    }
    steps.about("", true);
    let after = work.after.take();
    let ending = match fork::spawn(|| attempt(&mut steps, work, &made)) {
        Ok(trial) => {
            // The trial does the same: whoever comes first.
            let _ = setpgid(trial, trial);
            wait(trial, &steps, deadline)
        }
        Err(error) => Ending::Skipped(format!("no process can be forked: {error}").into()),
    };
    if adopts {
        end_adopted(Instant::now() + ADOPTED);
    }
    if let Some(after) = after {
        after();
    }
    let left_behind = places.into_iter().filter_map(|place| place.remove().err()).collect();
    steps.end(ending, left_behind);
}

/// A session of its own, no signal but SIGKILL, and no descriptor that anybody waits for.
fn detach(steps: &Steps) {
    let _ = setsid();
    fork::close_others(steps.stream());
    for _ in 0..3 {
        // What is opened next must not become somebody's standard output.
        let null = OpenOptions::new().read(true).write(true).open("/dev/null");
        let _ = null.map(IntoRawFd::into_raw_fd);
    }
    std::panic::set_hook(Box::new(|_| {}));
    let _ = SigSet::all().thread_block();
}

/// The trial: a process group that ends with its guardian.
fn attempt(steps: &mut Steps, work: Work, made: &[Option<PathBuf>]) {
    let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
    let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
    let _ = SigSet::all().thread_unblock();
    (work.run)(steps, made);
}

/// Until the trial ends, has to end, or nobody waits for it any more; then nothing of its group is left.
fn wait(trial: Pid, steps: &Steps, deadline: Instant) -> Ending {
    let ended = loop {
        match waitpid(trial, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => {}
            Ok(WaitStatus::Exited(_, 0)) => break Ending::Complete,
            Ok(_) | Err(_) => break Ending::Died,
        }
        let mut hung_up = [PollFd::new(steps.stream().as_fd(), PollFlags::empty())];
        let doctor_is_gone = poll(&mut hung_up, PollTimeout::from(5_u8)).is_ok_and(|n| n > 0);
        if doctor_is_gone || Instant::now() >= deadline {
            break Ending::TimedOut;
        }
    };
    end_group(trial);
    ended
}

/// Ends what has come to this process because its parents ended, until there is no more: who forks meanwhile is
/// next.
fn end_adopted(deadline: Instant) {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Err(_) => return,
            Ok(WaitStatus::StillAlive) => {
                for child in children() {
                    let _ = kill(child, Signal::SIGKILL);
                }
                if Instant::now() >= deadline {
                    return;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            Ok(_) => {}
        }
    }
}

fn children() -> Vec<Pid> {
    let own = Pid::this().as_raw();
    let all = procfs::process::all_processes().into_iter().flatten().flatten();
    let own_children = all.filter_map(|process| process.stat().ok()).filter(|s| s.ppid == own);
    own_children.map(|stat| Pid::from_raw(stat.pid)).collect()
}

#[cfg(test)]
mod tests {
    use dind_doctor_checks::facts::TrialName;

    use super::*;
    use crate::sys::fork::alone;

    /// The trial in a directory of its own, and how many entries are left there.
    fn supervised(
        milliseconds: u64,
        run: impl FnOnce(&mut Steps, &[Option<PathBuf>]) + 'static,
    ) -> (Trial, usize) {
        let dir = tempfile::tempdir().unwrap();
        let work = Work {
            places: vec![dir.path().to_owned()],
            run: Box::new(run),
            adopts: true,
            after: None,
        };
        let mut trial = Trial {
            name: TrialName::Overlay,
            subject: "".into(),
            steps: Vec::new(),
            ending: Ending::Complete,
            left_behind: Vec::new(),
            learned: None,
        };
        let deadline = Instant::now() + Duration::from_millis(milliseconds);
        supervise(work, deadline, &mut trial, &mut |_| {});
        (trial, std::fs::read_dir(dir.path()).unwrap().count())
    }

    #[test]
    fn steps_come_back_and_the_place_goes() {
        alone(steps_and_place);
    }

    fn steps_and_place() {
        let (trial, left) = supervised(10_000, |steps, places| {
            let path = places[0].as_ref().unwrap().join("file");
            steps.step(Action::WriteFile, || std::fs::write(&path, "x"));
            steps.step(Action::CopyUp, || std::fs::read(path.join("below")));
        });
        let seen: Vec<_> = trial.steps.iter().map(|s| (s.action, s.to_string())).collect();
        let expected = [
            (Action::MakeDirectory, "worked"),
            (Action::WriteFile, "worked"),
            (Action::CopyUp, "ENOTDIR"),
        ];
        assert_eq!(seen, expected.map(|(action, text)| (action, text.to_owned())));
        assert_eq!((trial.ending, left), (Ending::Complete, 0));
    }

    #[test]
    fn what_crashes_has_died_and_what_goes_on_is_ended() {
        alone(crash_and_delay);
    }

    fn crash_and_delay() {
        let (trial, left) = supervised(10_000, |_, places| assert!(places.is_empty()));
        assert_eq!((trial.ending, left), (Ending::Died, 0));
        let (trial, left) = supervised(300, |steps, places| {
            let path = places[0].as_ref().unwrap().join("file");
            steps.step(Action::WriteFile, || std::fs::write(path, "x"));
            std::thread::sleep(Duration::from_secs(60));
        });
        assert_eq!((trial.ending, left), (Ending::TimedOut, 0));
        assert_eq!(trial.steps.len(), 2, "what was done until then is known");
    }

    #[test]
    fn a_daemon_that_left_its_group_is_ended() {
        alone(|| {
            let outside = tempfile::tempdir().unwrap();
            let file = |name| outside.path().join(name);
            let (begun, late) = (file("begun"), file("late"));
            let (trial, left) = supervised(10_000, move |_, _| {
                let daemon = || {
                    let _ = setsid();
                    let again = || {
                        let _ = std::fs::write(&begun, "");
                        std::thread::sleep(Duration::from_millis(700));
                        let _ = std::fs::write(&late, "");
                    };
                    let _ = fork::spawn(again);
                };
                let _ = fork::spawn(daemon);
                std::thread::sleep(Duration::from_millis(200));
            });
            assert_eq!((trial.ending, left), (Ending::Complete, 0));
            std::thread::sleep(Duration::from_secs(1));
            assert!(file("begun").exists() && !file("late").exists());
        });
    }
}
