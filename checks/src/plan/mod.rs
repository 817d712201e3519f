//! What would be started for each target: where, and through what. Nothing here judges.
//!
//! A check is run once per plan, so that what is true of one engine is not said of another, and what is unknown
//! about one does not hide behind a finding about another.

mod place;
mod provider;

use alloc::{vec, vec::Vec};

use serde::Serialize;

pub use self::{
    place::{Elsewhere, Place},
    provider::Provider,
};
use crate::{facts::Facts, target::Target};

/// What would happen for one target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The target.
    pub target: Target,
    /// Where its engine runs.
    pub place: Place,
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
        let plan = |target| match target {
            Target::Docker => Plan { target, place: docker.clone(), provider: None },
            Target::Kind => {
                let through_docker = provider == Provider::Docker;
                let place = if through_docker { docker.clone() } else { Place::not_started() };
                Plan { target, place, provider: Some(provider) }
            }
            _ => Plan { target, place: Place::not_started(), provider: None },
        };
        Self(Target::ALL.into_iter().map(plan).collect())
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
