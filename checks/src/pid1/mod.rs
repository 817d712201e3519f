//! Who PID 1 is and what it does with signals and orphans.

mod init_flag_conflict;
mod pid1_no_reaper;
mod pid1_swallows_sigterm;
mod share_process_namespace;

use alloc::{vec, vec::Vec};

use crate::{
    Check,
    facts::{Facts, Launcher},
    remedy::{ContainerSetting, Place, Remedy, Task},
};

/// An init in front, by the launcher or in the image; a pod has no setting for it.
fn an_init(facts: &Facts, text: &str) -> Vec<Remedy> {
    let by_launcher = Remedy::container(text, [ContainerSetting::Init]);
    if facts.runtime.launchers.last() == Some(&Launcher::Kubernetes) {
        vec![build_in()]
    } else {
        vec![by_launcher, build_in()]
    }
}

/// An init in the image, with the package manager that the image has. ENTRYPOINT resets the image's CMD, and nobody
/// knows from inside which they are.
fn build_in() -> Remedy {
    Remedy::tasks(
        Place::Image,
        "build the init in; begin ENTRYPOINT with \"tini\", \"--\", then the image's own ENTRYPOINT, and repeat its CMD \
         (docker image inspect shows both)",
        [Task::InitInImage],
    )
}

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[
    &share_process_namespace::CHECK,
    &init_flag_conflict::CHECK,
    &pid1_swallows_sigterm::CHECK,
    &pid1_no_reaper::CHECK,
];
