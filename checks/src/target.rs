//! Targets (what is going to be started here) and severities (how badly a finding hurts each).

use core::{fmt, str::FromStr};

use serde::{Serialize, Serializer, ser::SerializeMap};

/// What is going to be started in this environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// A rootful Docker daemon.
    Dockerd,
    /// A kind, k3d or minikube node: a container in which systemd, containerd and kubelet run.
    Kind,
    /// Rootless Docker or podman.
    Rootless,
    /// systemd as PID 1 of a container.
    Systemd,
    /// buildkitd.
    Buildkit,
    /// Docker commands from here, through whatever daemon they reach.
    Docker,
    /// podman, as the doctor's own user.
    Podman,
    /// bubblewrap, as AI agents, Flatpak and build tools make their sandboxes with it: `bwrap --unshare-all`.
    Sandbox,
}

impl Target {
    /// All targets, in the order in which they are reported.
    pub const ALL: [Self; 8] = [
        Self::Dockerd,
        Self::Kind,
        Self::Rootless,
        Self::Systemd,
        Self::Buildkit,
        Self::Docker,
        Self::Podman,
        Self::Sandbox,
    ];

    /// The name on the command line and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dockerd => "dockerd",
            Self::Kind => "kind",
            Self::Rootless => "rootless",
            Self::Systemd => "systemd",
            Self::Buildkit => "buildkit",
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Sandbox => "sandbox",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Target {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|t| t.name() == name).ok_or(())
    }
}

/// How badly a finding hurts one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing breaks because of it alone.
    Info,
    /// Works until it does not, or works badly.
    Warning,
    /// Does not start, or no container runs.
    Error,
}

impl Severity {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Severity {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        [Self::Info, Self::Warning, Self::Error].into_iter().find(|s| s.name() == name).ok_or(())
    }
}

/// A severity per target; a target without one is not affected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Severities([Option<Severity>; Target::ALL.len()]);

impl Severities {
    /// No target is affected.
    pub const NONE: Self = Self([None; Target::ALL.len()]);

    /// The same, with this severity for a rootful Docker daemon.
    #[must_use]
    pub const fn dockerd(self, severity: Severity) -> Self {
        self.with(Target::Dockerd, Some(severity))
    }

    /// The same, with this severity for a node of kind.
    #[must_use]
    pub const fn kind(self, severity: Severity) -> Self {
        self.with(Target::Kind, Some(severity))
    }

    /// The same, with this severity for rootless engines.
    #[must_use]
    pub const fn rootless(self, severity: Severity) -> Self {
        self.with(Target::Rootless, Some(severity))
    }

    /// The same, with this severity for systemd.
    #[must_use]
    pub const fn systemd(self, severity: Severity) -> Self {
        self.with(Target::Systemd, Some(severity))
    }

    /// The same, with this severity for buildkitd.
    #[must_use]
    pub const fn buildkit(self, severity: Severity) -> Self {
        self.with(Target::Buildkit, Some(severity))
    }

    /// The same, with this severity for docker commands, where that is another than for the daemon.
    #[must_use]
    pub const fn docker(self, severity: Severity) -> Self {
        self.with(Target::Docker, Some(severity))
    }

    /// The same, with this severity for podman, where that is another than for Docker as root or as a user.
    #[must_use]
    pub const fn podman(self, severity: Severity) -> Self {
        self.with(Target::Podman, Some(severity))
    }

    /// The same, with this severity for bubblewrap.
    #[must_use]
    pub const fn sandbox(self, severity: Severity) -> Self {
        self.with(Target::Sandbox, Some(severity))
    }

    /// The severity for `target`.
    pub const fn get(&self, target: Target) -> Option<Severity> {
        self.0[target as usize]
    }

    /// The same, with `severity` for `target`.
    #[must_use]
    pub const fn with(mut self, target: Target, severity: Option<Severity>) -> Self {
        self.0[target as usize] = severity;
        self
    }

    /// The same, with nothing worse than `ceiling` for any target.
    #[must_use]
    pub fn at_most(mut self, ceiling: Severity) -> Self {
        for severity in self.0.iter_mut().flatten() {
            *severity = (*severity).min(ceiling);
        }
        self
    }

    /// The same, with nothing worse than `ceiling` for these targets.
    #[must_use]
    pub fn at_most_for(self, targets: &[Target], ceiling: Severity) -> Self {
        targets.iter().fold(self, |all, target| {
            all.with(*target, all.get(*target).map(|severity| severity.min(ceiling)))
        })
    }

    /// The worst severity over `targets`.
    pub fn worst(&self, targets: &[Target]) -> Option<Severity> {
        targets.iter().filter_map(|t| self.get(*t)).max()
    }

    /// The affected targets and how badly, in report order.
    pub fn iter(&self) -> impl Iterator<Item = (Target, Severity)> + '_ {
        Target::ALL.into_iter().filter_map(|t| Some((t, self.get(t)?)))
    }

    /// Whether no target is worse off than in `ceiling`.
    pub fn within(&self, ceiling: &Self) -> bool {
        Target::ALL.into_iter().all(|t| self.get(t) <= ceiling.get(t))
    }
}

impl Serialize for Severities {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (target, severity) in self.iter() {
            map.serialize_entry(target.name(), severity.name())?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn within_compares_target_by_target() {
        assert!(severities!(dockerd: Warning).within(&severities!(dockerd: Error)));
        assert!(!severities!(dockerd: Warning, kind: Info).within(&severities!(dockerd: Error)));
    }
}
