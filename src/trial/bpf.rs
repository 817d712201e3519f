//! A filter of devices, as runtimes attach it to the cgroup of each container.

use std::{
    fs::File,
    os::fd::AsFd,
    path::{Path, PathBuf},
};

use dind_doctor_checks::facts::{Action, CgroupVersion, Facts, TrialName};
use nix::sys::resource::{RLIM_INFINITY, Resource, setrlimit};

use super::{
    Description, Plan,
    steps::{Failure, Steps},
};
use crate::sys::bpf;

pub(super) const TRIAL: Description = Description {
    name: TrialName::Bpf,
    does: "under cgroup v2 asks for the device filters of its own cgroup, loads one that allows everything, \
           and attaches it to a new, empty cgroup",
    loads: &[],
    plan,
};

const ROOT: &str = "/sys/fs/cgroup";

fn plan(facts: &Facts) -> Vec<Plan> {
    let skipped = |why: &str| vec![Plan::skipped(TrialName::Bpf, "", why)];
    match facts.cgroup.version.known() {
        Some(CgroupVersion::V2) => {}
        Some(CgroupVersion::V1 | CgroupVersion::Hybrid) => {
            return skipped("runtimes use the devices controller of cgroup v1");
        }
        Some(CgroupVersion::None) => return skipped("no cgroup filesystem is mounted"),
        None => return skipped("the version of the cgroups is not known"),
    }
    if facts.identity.namespaces.user_is_private().is_yes() {
        return skipped("in a user namespace runtimes attach no device filter");
    }
    if !facts.identity.euid.is_known_and(|euid| *euid == 0) {
        return skipped("only engines that run as root attach device filters");
    }
    let own = facts.cgroup.own.known().map_or(ROOT, |own| own.path.as_str());
    let own = PathBuf::from(own);
    vec![Plan::new(TrialName::Bpf, "", vec![ROOT.into()], move |steps, places| {
        let _ = attempt(steps, &own, places.first().and_then(Option::as_deref));
    })]
}

fn attempt(steps: &mut Steps, own: &Path, place: Option<&Path>) -> Option<()> {
    steps.step(Action::QueryFilter, || {
        bpf::query_device_filters(File::open(own)?.as_fd()).map_err(Failure::from)
    });
    // Before 5.11 programs count as locked memory; as runc, which does not look whether it may.
    let _ = setrlimit(Resource::RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY);
    let filter = steps.step(Action::LoadFilter, bpf::load_device_filter)?;
    let place = place?;
    steps.step(Action::AttachFilter, || {
        bpf::attach_device_filter(File::open(place)?.as_fd(), filter.as_fd()).map_err(Failure::from)
    })
}
