//! As whom an engine runs.

use serde::Serialize;

use super::Plan;
use crate::{
    derived::user_namespace::is_remapped,
    facts::{Capability, Facts, Tri},
    outcome::Unknown,
    target::Target,
};

/// As whom an engine runs, as its own user namespace sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum User {
    /// Root, perhaps of a user namespace.
    Root,
    /// Who needs a user namespace to be root in: an ordinary user; of podman, root without CAP_SYS_ADMIN too.
    Ordinary,
    /// The doctor's own user, of whom that could not be read.
    Unknown,
}

impl User {
    /// dockerd, kind's nodes and systemd are root's, and rootless engines are not, whoever asks; of the others, the
    /// doctor's own user is meant.
    pub(super) fn of(target: Target, facts: &Facts) -> Self {
        match target {
            Target::Dockerd | Target::Docker | Target::Kind | Target::Systemd => Self::Root,
            Target::Rootless => Self::Ordinary,
            Target::Buildkit | Target::Podman | Target::Sandbox => {
                match (facts.identity.euid.known(), facts.capabilities.effective.known()) {
                    (Some(0), Some(effective)) if target == Target::Podman => {
                        // Without it, podman executes itself anew in a user namespace (`rootless.IsRootless()`).
                        let may = effective.has(Capability::SYS_ADMIN);
                        if may { Self::Root } else { Self::Ordinary }
                    }
                    (Some(0), None) if target == Target::Podman => Self::Unknown,
                    (Some(0), _) => Self::Root,
                    (Some(_), _) => Self::Ordinary,
                    (None, _) => Self::Unknown,
                }
            }
        }
    }
}

impl Plan {
    /// Whether its containers are in a user namespace: rootless ones always; root's, where root is root of one, or is
    /// told to make one. kind's nodes stay outside of `userns-remap` (`--userns=host`).
    ///
    /// # Errors
    /// It is not known in which user namespace the doctor is.
    pub(crate) fn has_user_namespace(&self, facts: &Facts) -> Result<bool, Unknown> {
        if self.user == User::Ordinary {
            return Ok(true);
        }
        let remapped =
            matches!(self.target, Target::Dockerd | Target::Docker) && is_remapped(facts);
        if remapped || facts.identity.namespaces.user_is_private() == Tri::Yes {
            return Ok(true);
        }
        facts.identity.namespaces.user.told()?;
        Ok(false)
    }

    /// Whether bubblewrap has the set-user-id bit and may make its namespaces as root, so that it makes no user namespace
    /// and none of the rules for those concern it.
    pub(crate) fn sandbox_is_root(&self, facts: &Facts) -> bool {
        self.target == Target::Sandbox
            && facts.userns.set_user_id_bwrap.is_known_and(|set| *set)
            && facts.security.no_new_privs.is_known_and(|set| !set)
            && facts.capabilities.bounding.is_known_and(|set| set.has(Capability::SYS_ADMIN))
            && facts.identity.namespaces.user_is_private() == Tri::No
    }
}
