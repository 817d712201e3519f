//! How many inotify instances there is room for.

use dind_doctor_checks::facts::{Action, Facts, TrialName};
use nix::{
    errno::Errno,
    sys::inotify::{InitFlags, Inotify},
};

use super::{
    Description, Plan,
    steps::{Failure, Steps},
};

pub(super) const TRIAL: Description = Description {
    name: TrialName::Inotify,
    does: "makes inotify instances, 64 at most, and closes them at once",
    loads: &[],
    plan,
};

/// What a node of a cluster needs.
const INSTANCES: usize = 64;

fn plan(_: &Facts) -> Vec<Plan> {
    vec![Plan::new(TrialName::Inotify, "", Vec::new(), |steps, _| make(steps))]
}

fn make(steps: &mut Steps) {
    steps.about(&format!("{INSTANCES} instances"), true);
    steps.step(Action::MakeInotify, || {
        let mut made = Vec::with_capacity(INSTANCES);
        for number in 0..INSTANCES {
            match Inotify::init(InitFlags::IN_CLOEXEC) {
                Ok(instance) => made.push(instance),
                // The same error tells that this process has too many files open.
                Err(Errno::EMFILE) if std::fs::File::open("/").is_ok() => {
                    return Err(Failure::seen(format!("EMFILE after {number}")));
                }
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    });
}
