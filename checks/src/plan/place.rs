//! Where the daemon is that docker commands reach from here.

use alloc::{string::String, vec::Vec};

use serde::Serialize;

use crate::{
    derived::endpoint::{self, Address},
    facts::{Facts, Missing, Why},
};

/// Where an engine runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase", tag = "is")]
pub enum Place {
    /// In this container or on this machine.
    Here {
        /// Its PID, if it runs.
        running: Option<u32>,
    },
    /// On another machine or in another container: nothing that is read here is about it.
    Elsewhere(Elsewhere),
    /// It could not be told.
    Unknown {
        /// What would tell.
        missing: Vec<Missing>,
    },
}

/// A daemon that is reached from here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Elsewhere {
    /// Its endpoint as a URL, without a user's name or password.
    pub url: String,
    /// `DOCKER_HOST`, `docker context x`, or `default`.
    pub configured_by: String,
    /// Whether it is a socket that was mounted in.
    pub mounted: bool,
}

impl Place {
    /// Here, and not started yet.
    pub const fn not_started() -> Self {
        Self::Here { running: None }
    }

    /// Where the daemon is that docker commands reach from here. A port is one of another container or machine unless
    /// a daemon runs here; a socket is, if it was mounted in from outside. An older recording that does not say which
    /// endpoint is configured is taken to have none.
    pub(super) fn of_docker(facts: &Facts) -> Self {
        let running = facts.engines.here("dockerd").next().map(|engine| engine.pid);
        let endpoint = match endpoint::effective(facts) {
            Ok(endpoint) => endpoint,
            Err(unknown) => {
                let old = |missing: &Missing| {
                    matches!(missing.why, Why::NotRecorded | Why::Redacted | Why::NotFound)
                };
                if unknown.missing.iter().all(old) {
                    return Self::Here { running };
                }
                return Self::Unknown { missing: unknown.missing };
            }
        };
        let mounted = match &endpoint.address {
            Address::Unix(path) => match facts.clients.socket(path) {
                Some(socket) if endpoint::is_from_elsewhere(facts, socket) => true,
                _ => return Self::Here { running },
            },
            Address::Tcp { .. } if running.is_some() && !endpoint.is_remote() => {
                return Self::Here { running };
            }
            Address::Tcp { .. } | Address::Other(_) => false,
        };
        Self::Elsewhere(Elsewhere {
            url: endpoint.url(),
            configured_by: endpoint.configured_by,
            mounted,
        })
    }
}
