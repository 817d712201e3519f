//! Who PID 1 is and what it does with signals and orphans.

mod init_flag_conflict;
mod pid1_no_reaper;
mod pid1_swallows_sigterm;
mod share_process_namespace;

use alloc::{string::ToString, vec, vec::Vec};

use crate::{
    Check,
    facts::{Facts, Launcher},
    remedy::{ContainerSetting, Language, Place, Remedy, Snippet},
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
    let install = "RUN if command -v apk; then apk add --no-cache tini; \\\n    \
                   elif command -v apt-get; then apt-get update && apt-get install -y tini; \\\n    \
                   else dnf install -y tini; fi";
    Remedy::file(
        Place::Image,
        "build the init in; begin ENTRYPOINT with \"tini\", \"--\", then the image's own ENTRYPOINT, and repeat its CMD \
         (docker image inspect shows both)",
        Snippet::Lines(Language::Dockerfile, install.to_string()),
    )
}

/// The checks of this area, in report order.
pub(crate) const CHECKS: &[&Check] = &[
    &share_process_namespace::CHECK,
    &init_flag_conflict::CHECK,
    &pid1_swallows_sigterm::CHECK,
    &pid1_no_reaper::CHECK,
];
