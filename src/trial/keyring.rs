//! How many session keyrings there is room for: runtimes make one for each container.

use std::{
    ffi::CString,
    io::{Read, Write},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use dind_doctor_checks::facts::{Action, Facts, TrialName};
use nix::errno::Errno;

use super::{
    Description, Plan,
    steps::{Failure, Steps},
};
use crate::sys::keyring::{self, Key};

pub(super) const TRIAL: Description = Description {
    name: TrialName::Keyring,
    does: "in a process with a session keyring of its own makes keyrings, 40 at most, as runtimes make one \
           for each container; they go with the process",
    loads: &[],
    plan,
};

/// What the check takes to be enough.
const KEYRINGS: usize = 40;

/// How long the kernel may take to collect what a process that has ended had: a few grace periods of RCU.
const PATIENCE: Duration = Duration::from_secs(2);

fn plan(facts: &Facts) -> Vec<Plan> {
    // The quota is the user's own, and so is what the trial says.
    let user = facts.identity.euid.known().map_or_else(String::new, |uid| format!("uid {uid}"));
    vec![Plan::new(TrialName::Keyring, user, Vec::new(), |steps, _| attempt(steps))]
}

fn attempt(steps: &mut Steps) {
    let Ok((mut ours, mut theirs)) = UnixStream::pair() else { return };
    steps.in_child(|steps| {
        if let Some(session) = join(steps) {
            let _ = theirs.write_all(&session.0.to_ne_bytes());
            make(steps, session);
        }
    });
    drop(theirs);
    let mut serial = [0; 4];
    if ours.read_exact(&mut serial).is_ok() {
        collected(Key(i32::from_ne_bytes(serial)));
    }
}

fn join(steps: &mut Steps) -> Option<Key> {
    let joined = keyring::join_session_keyring();
    // Without keyrings in the kernel, or with a filter that says so, runtimes do without.
    steps.about("", joined != Err(Errno::ENOSYS));
    steps.step(Action::JoinKeyring, || joined)
}

fn make(steps: &mut Steps, session: Key) {
    steps.about(&format!("{KEYRINGS} keyrings"), true);
    steps.step(Action::MakeKeyrings, || {
        for number in 0..KEYRINGS {
            // As long as runc's, which has the container's id in it; the quota is of bytes too.
            let name = CString::new(format!("_ses.{number:064x}"))
                .map_err(|_| Failure::from(Errno::EINVAL))?;
            keyring::add_keyring(&name, session).map_err(|errno| Failure::after(number, errno))?;
        }
        Ok::<_, Failure>(())
    });
    // What is taken out counts no longer at once; the rest goes when the kernel collects it.
    let _ = keyring::clear_keyring(session);
}

/// Until the keyring is no more.
fn collected(session: Key) {
    let end = Instant::now() + PATIENCE;
    while keyring::is_there(session) && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(2));
    }
}
