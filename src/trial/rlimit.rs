//! Whether limits of resources may be raised, and a process protected from the OOM killer.

use std::fs;

use dind_doctor_checks::{
    facts::{Action, DefaultUlimit, Facts, TrialName},
    version::Component,
};
use nix::sys::resource::{RLIM_INFINITY, Resource, setrlimit};

use super::{Description, Plan, steps::Steps};

pub(super) const TRIAL: Description = Description {
    name: TrialName::Rlimit,
    does: "sets the limits that podman would set, and the oom_score_adj that kubelet would, each in a \
           process that ends at once",
    loads: &[],
    plan,
};

/// What podman as root asks for, and what the units of daemons have; `None` for unlimited.
const ASKED: [(&str, Option<u64>); 3] =
    [("nofile", Some(1 << 20)), ("nproc", Some(1 << 20)), ("core", None)];

/// kubelet's own; its pods get less than 0 too.
const OOM_SCORE_ADJ: &str = "-999";

fn plan(facts: &Facts) -> Vec<Plan> {
    let configured = facts.resources.podman_ulimits.known().cloned().unwrap_or_default();
    let podman = facts.versions.of(Component::Podman);
    // Later releases keep the limits that they have.
    let asks = !podman.is_assumed() && !podman.version.at_least(5, 4);
    vec![Plan::new(TrialName::Rlimit, "", Vec::new(), move |steps, _| {
        for (name, hard) in limits(&configured) {
            let needed =
                name != "core" && asks || configured.iter().any(|ulimit| ulimit.name == name);
            steps.about(&DefaultUlimit::text(name, hard), needed);
            if let Some(resource) = resource(name) {
                // A limit that was lowered could not be raised again.
                steps.in_child(|steps| raise(steps, resource, hard));
            }
        }
        steps.about(OOM_SCORE_ADJ, false);
        steps.in_child(|steps| {
            steps.step(Action::LowerOomScore, || {
                fs::write("/proc/self/oom_score_adj", OOM_SCORE_ADJ)
            });
        });
    })]
}

/// Each once.
fn limits(configured: &[DefaultUlimit]) -> Vec<(&str, Option<u64>)> {
    let mut limits: Vec<_> =
        configured.iter().take(16).map(|ulimit| (ulimit.name.as_str(), ulimit.hard)).collect();
    limits.extend(ASKED);
    limits.sort_unstable();
    limits.dedup();
    limits
}

fn resource(name: &str) -> Option<Resource> {
    match name {
        "nofile" => Some(Resource::RLIMIT_NOFILE),
        "nproc" => Some(Resource::RLIMIT_NPROC),
        "core" => Some(Resource::RLIMIT_CORE),
        _ => None,
    }
}

fn raise(steps: &mut Steps, resource: Resource, hard: Option<u64>) {
    let hard = hard.unwrap_or(RLIM_INFINITY);
    steps.step(Action::RaiseLimit, || setrlimit(resource, hard, hard));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_is_tried_once() {
        let of = |name: &str, hard| DefaultUlimit { name: name.into(), hard, source: "".into() };
        let configured = [of("nofile", Some(1 << 20)), of("nproc", None), of("rtprio", Some(9))];
        let texts: Vec<_> = limits(&configured)
            .into_iter()
            .filter(|(name, _)| resource(name).is_some())
            .map(|(name, hard)| DefaultUlimit::text(name, hard))
            .collect();
        assert_eq!(texts, ["core=unlimited", "nofile=1048576", "nproc=unlimited", "nproc=1048576"]);
    }
}
