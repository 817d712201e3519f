//! In which user namespace containers are.

use crate::facts::Facts;

/// Whether dockerd is told to put its containers into a user namespace of their own (`userns-remap`).
pub(crate) fn is_remapped(facts: &Facts) -> bool {
    facts.engines.configured(&["userns-remap"]).is_some()
        || facts.engines.named("dockerd").any(|engine| engine.flag("userns-remap").is_some())
}
