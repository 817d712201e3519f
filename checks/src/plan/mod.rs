//! What would be started for each target: where, and through what. Nothing here judges.
//!
//! A check is run once per plan, so that what is true of one engine is not said of another, and what is unknown
//! about one does not hide behind a finding about another.

mod data_root;
mod place;
mod provider;
mod user;

use alloc::{vec, vec::Vec};

use serde::Serialize;

pub use self::{
    place::{Elsewhere, Place},
    provider::Provider,
    user::User,
};
use crate::{
    facts::Facts,
    target::{Severities, Severity, Target},
};

/// What would happen for one target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The target.
    pub target: Target,
    /// Where its engine runs.
    pub place: Place,
    /// As whom.
    pub user: User,
    /// Through what kind makes its nodes; of the target kind only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
}

impl Plan {
    /// The daemon that is reached from here and runs on another machine or in another container.
    pub const fn elsewhere(&self) -> Option<&Elsewhere> {
        match &self.place {
            Place::Elsewhere(elsewhere) => Some(elsewhere),
            Place::Here { .. } | Place::Unknown { .. } => None,
        }
    }

    /// What sets up its containers, as it is called in a sentence.
    pub const fn engine(&self) -> &'static str {
        match (self.target, self.provider) {
            (Target::Podman, _) | (_, Some(Provider::Podman)) => "podman",
            (_, Some(Provider::Nerdctl)) => "nerdctl",
            (Target::Dockerd | Target::Docker | Target::Kind, _) => "dockerd",
            (Target::Rootless, _) => "the rootless engine",
            (Target::Systemd, _) => "systemd",
            (Target::Buildkit, _) => "buildkitd",
            (Target::Sandbox, _) => "bubblewrap",
        }
    }

    /// Whether it is podman that a user runs, who makes no bridges and no firewall rules.
    pub fn is_rootless_podman(&self) -> bool {
        self.target == Target::Podman && self.user == User::Ordinary
    }

    /// How badly its target is hurt. Unless they are named, docker commands fare as the daemon that they reach, and
    /// podman as Docker does with the same user: as dockerd, or as a rootless engine.
    pub fn severity(&self, severities: &Severities) -> Option<Severity> {
        let like = match (self.target, self.user) {
            (Target::Docker, _) | (Target::Podman, User::Root) => severities.get(Target::Dockerd),
            (Target::Podman, User::Ordinary) => severities.get(Target::Rootless),
            (Target::Podman, User::Unknown) => {
                severities.worst(&[Target::Dockerd, Target::Rootless])
            }
            _ => None,
        };
        severities.get(self.target).or(like)
    }
}

/// A plan for each target, in report order.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Plans(Vec<Plan>);

impl Plans {
    /// The plans that these facts give.
    pub fn of(facts: &Facts) -> Self {
        let docker = Place::of_docker(facts);
        let provider = Provider::of(facts);
        let plan = |target| {
            let through = (target == Target::Kind).then_some(provider);
            let asks_docker = target == Target::Docker || through == Some(Provider::Docker);
            let place = if asks_docker { docker.clone() } else { Place::not_started() };
            Plan { target, place, user: User::of(target, facts), provider: through }
        };
        Self(Target::ALL.into_iter().map(plan).collect())
    }

    /// Plans of which nothing is known.
    pub fn anywhere() -> Self {
        Self::of(&Facts::default())
    }

    /// The plans, in report order.
    pub fn iter(&self) -> impl Iterator<Item = &Plan> {
        self.0.iter()
    }

    /// The plan for this target.
    pub fn get(&self, target: Target) -> Option<&Plan> {
        self.iter().find(|plan| plan.target == target)
    }

    /// Where the daemon is that docker commands reach.
    pub fn place_of_docker(&self) -> Place {
        self.get(Target::Docker).map_or(Place::not_started(), |plan| plan.place.clone())
    }

    /// What people most likely want to start here, if they do not say: kind, through the daemon that a client here
    /// reaches, else with one that root would start here; a user without one has rootless engines.
    pub fn most_likely(&self, facts: &Facts) -> Vec<Target> {
        let user = facts.identity.euid.is_known_and(|euid| *euid != 0);
        match self.get(Target::Docker).map(|plan| &plan.place) {
            Some(Place::Elsewhere(_) | Place::Here { running: Some(_) }) => {
                vec![Target::Docker, Target::Kind]
            }
            _ if user => vec![Target::Rootless],
            _ => vec![Target::Dockerd, Target::Kind],
        }
    }
}

#[cfg(test)]
mod tests;
