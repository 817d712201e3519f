//! How far this environment is from a privileged container.

use dind_doctor_checks::facts::{Capability, CapabilitySet, Facts, Seccomp};

/// How privileged the container is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Degree {
    /// As `--privileged` makes it.
    Yes,
    /// Without CAP_SYS_ADMIN.
    No,
    /// With CAP_SYS_ADMIN, and without some of the rest.
    Partly,
    /// Not known.
    Unknown,
}

impl Degree {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Partly => "partly",
            Self::Unknown => "unknown",
        }
    }
}

/// What of `--privileged` is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Privileged {
    /// How much.
    pub is: Degree,
    /// What is not: `capability:CAP_…`, `seccomp`, `lsm:PROFILE`, `mount:PATH`.
    pub missing: Vec<String>,
}

/// What of `--privileged` is here.
pub(super) fn privileged(facts: &Facts) -> Privileged {
    let mut missing = Vec::new();
    let security = &facts.security;
    let (Some(effective), Some(last)) =
        (facts.capabilities.effective.known(), facts.capabilities.last.known())
    else {
        return Privileged { is: Degree::Unknown, missing };
    };
    let absent = CapabilitySet::up_to(*last).without(*effective);
    missing.extend(absent.iter().map(|capability| format!("capability:{capability}")));
    if security.seccomp.is_known_and(|mode| *mode != Seccomp::Disabled) {
        missing.push("seccomp".to_owned());
    }
    if let Some(profile) = security.apparmor_profile() {
        missing.push(format!("lsm:{profile}"));
    }
    for path in ["/sys", "/sys/fs/cgroup", "/proc/sys"] {
        let read_only = |at: &dind_doctor_checks::facts::Mount| at.read_only();
        if facts.mounts.known().and_then(|m| m.at(path)).is_some_and(read_only) {
            missing.push(format!("mount:{path}"));
        }
    }
    let open = security.seccomp.known().is_none() || facts.mounts.known().is_none();
    let is = match (missing.is_empty(), absent.has(Capability::SYS_ADMIN)) {
        (true, _) if open => Degree::Unknown,
        (true, _) => Degree::Yes,
        (false, true) => Degree::No,
        (false, false) => Degree::Partly,
    };
    Privileged { is, missing }
}
