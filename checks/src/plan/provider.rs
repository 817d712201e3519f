//! Through what kind makes its nodes.

use serde::Serialize;

use crate::facts::Facts;

/// Through what kind makes its nodes: `KIND_EXPERIMENTAL_PROVIDER`, else Docker
/// (kind `pkg/cluster/internal/providers`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Docker.
    Docker,
    /// podman.
    Podman,
    /// nerdctl, or finch, which is one.
    Nerdctl,
}

impl Provider {
    /// What is set here; Docker where nothing is, or what kind does not know.
    pub(super) fn of(facts: &Facts) -> Self {
        match facts.runtime.variable("KIND_EXPERIMENTAL_PROVIDER") {
            Some("podman") => Self::Podman,
            Some("nerdctl" | "finch" | "nerdctl.lima") => Self::Nerdctl,
            _ => Self::Docker,
        }
    }

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Nerdctl => "nerdctl",
        }
    }
}
