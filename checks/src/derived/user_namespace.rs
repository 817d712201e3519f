//! In which user namespace containers are.

use crate::{
    facts::{Capability, Facts, Tri},
    plan::Plan,
    target::Target,
};

/// Whether bubblewrap has the set-user-id bit and may make its namespaces as root, so that it makes no user namespace and
/// none of the rules for those concern it.
pub(crate) fn sandbox_is_root(facts: &Facts, plan: &Plan) -> bool {
    plan.target == Target::Sandbox
        && facts.userns.set_user_id_bwrap.is_known_and(|set| *set)
        && facts.security.no_new_privs.is_known_and(|set| !set)
        && facts.capabilities.bounding.is_known_and(|set| set.has(Capability::SYS_ADMIN))
        && facts.identity.namespaces.user_is_private() == Tri::No
}

/// Whether dockerd is told to put its containers into a user namespace of their own (`userns-remap`).
pub(crate) fn is_remapped(facts: &Facts) -> bool {
    facts.engines.configured(&["userns-remap"]).is_some()
        || facts.engines.named("dockerd").any(|engine| engine.flag("userns-remap").is_some())
}
