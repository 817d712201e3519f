//! Whether PID 1 reaps an orphan.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use dind_doctor_checks::facts::{Action, Facts, TrialName};
use nix::{
    sys::wait::waitpid,
    unistd::{getpid, getppid},
};
use procfs::process::Process;

use super::{
    Description, Plan,
    steps::{Failure, Steps},
};
use crate::sys::fork;

pub(super) const TRIAL: Description = Description {
    name: TrialName::Pid1,
    does: "leaves a process without a parent, which ends at once, and looks whether PID 1 reaps it; \
           where it does not, this one zombie stays",
    loads: &[],
    plan,
};

/// How long the orphan may stay a zombie: some programs reap once in a second or two.
const PATIENCE: Duration = Duration::from_secs(3);

fn plan(facts: &Facts) -> Vec<Plan> {
    if facts.pid1.is_doctor {
        return vec![Plan::skipped(TrialName::Pid1, "", "the doctor itself is PID 1")];
    }
    vec![Plan::new(TrialName::Pid1, "", Vec::new(), |steps, _| orphan(steps))]
}

fn orphan(steps: &mut Steps) {
    steps.step(Action::ReapOrphan, || {
        let (pid, parent) = leave_orphan()?;
        if parent != 1 {
            return Err(Failure::seen(format!("PID {parent} takes orphans here, not PID 1")));
        }
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if Process::new(pid).is_err() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let name = "still a zombie after 3 s";
        Err(Failure::seen(name))
    });
}

/// The PID of a process that has ended as somebody else's child, and whose child that was.
fn leave_orphan() -> Result<(i32, i32), Failure> {
    let (mut ours, theirs) = UnixStream::pair()?;
    let middle = fork::spawn(|| {
        // It ends at once, without waiting for its child.
        let _ = fork::spawn(|| be_orphan(&theirs));
    })?;
    drop(theirs);
    waitpid(middle, None)?;
    ours.set_read_timeout(Some(Duration::from_secs(2)))?;
    let mut answer = [0; 8];
    ours.read_exact(&mut answer)?;
    let (pid, parent) = answer.split_at(4);
    let number = |bytes: &[u8]| bytes.try_into().map(i32::from_ne_bytes).unwrap_or_default();
    Ok((number(pid), number(parent)))
}

fn be_orphan(mut stream: &UnixStream) {
    let parent = getppid();
    let end = Instant::now() + Duration::from_secs(1);
    while getppid() == parent && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut answer = getpid().as_raw().to_ne_bytes().to_vec();
    answer.extend(getppid().as_raw().to_ne_bytes());
    let _ = stream.write_all(&answer);
}
