//! What Sysbox has to know of the runc that runs inside of it.

use crate::{
    facts::{Facts, Sandbox},
    outcome::{Finding, Unknown},
    target::{Severities, Severity},
    version::{Component, KnownVersion, Version},
};

/// How runc handles proc.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handling {
    /// Before 1.2: `mount(2)`, and paths.
    Classic,
    /// From 1.2 on: file descriptors of the new mount calls (`fsopen(2)` and its kin).
    NewCalls,
    /// From 1.2.8, 1.3.3 and 1.4 on: no step over a mount within proc (`openat2(2)` with `RESOLVE_NO_XDEV`).
    Strict,
}

/// A runc, and by what it is known.
pub(super) struct Runc {
    pub(super) handling: Handling,
    component: Component,
    known: KnownVersion,
}

impl Runc {
    /// Of the runc that is installed, else of the one that Docker's release comes with.
    pub(super) fn of(facts: &Facts) -> Result<Self, Unknown> {
        let runc = facts.versions.sure(Component::Runc)?;
        let docker = facts.versions.of(Component::Docker);
        if runc.is_assumed() && !docker.is_assumed() {
            let handling = of_docker(docker.version);
            return Ok(Self { handling, component: Component::Docker, known: docker });
        }
        Ok(Self { handling: of_runc(runc.version), component: Component::Runc, known: runc })
    }

    /// `runc 1.3.3`, or `Docker 28.5.2's runc`.
    pub(super) fn name(&self) -> alloc::string::String {
        match self.component {
            Component::Docker => alloc::format!("Docker {}'s runc", self.known.version),
            _ => alloc::format!("runc {}", self.known.version),
        }
    }

    /// Nobody can see from inside how old Sysbox is; without a version nothing is certain.
    pub(super) fn severity(&self, worst: Severities) -> Severities {
        if self.known.is_assumed() { worst.at_most(Severity::Warning) } else { worst }
    }

    /// With the version on which it rests.
    pub(super) fn noted(&self, finding: Finding) -> Finding {
        finding.rests_on(self.component, &self.known)
    }
}

/// Whether this is a container of Sysbox with parts of its own in `/proc/sys`.
pub(super) fn is_here(facts: &Facts) -> Result<bool, Unknown> {
    if facts.sandbox()? != Sandbox::Sysbox {
        return Ok(false);
    }
    Ok(facts.mounts.get()?.at("/proc/sys").is_some())
}

fn of_runc(version: Version) -> Handling {
    match (version.major, version.minor, version.patch) {
        (0, ..) | (1, 0 | 1, _) => Handling::Classic,
        (1, 2, 0..8) | (1, 3, 0..3) => Handling::NewCalls,
        _ => Handling::Strict,
    }
}

/// What Docker's own releases bring.
fn of_docker(version: Version) -> Handling {
    if version < Version::new(27, 4, 0) {
        Handling::Classic
    } else if version < Version::new(28, 5, 2) {
        Handling::NewCalls
    } else {
        Handling::Strict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_branch_of_runc_was_hardened_in_a_release_of_its_own() {
        let of = |major, minor, patch| of_runc(Version::new(major, minor, patch));
        assert_eq!(of(1, 1, 15), Handling::Classic);
        assert_eq!(of(1, 2, 0), Handling::NewCalls);
        assert_eq!(of(1, 2, 7), Handling::NewCalls);
        assert_eq!(of(1, 2, 8), Handling::Strict);
        assert_eq!(of(1, 3, 2), Handling::NewCalls);
        assert_eq!(of(1, 3, 3), Handling::Strict);
        assert_eq!(of(1, 4, 0), Handling::Strict);
        assert_eq!(of_docker(Version::new(28, 5, 1)), Handling::NewCalls);
        assert_eq!(of_docker(Version::new(28, 5, 2)), Handling::Strict);
    }
}
