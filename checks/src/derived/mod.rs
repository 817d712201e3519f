//! What several checks and the planner compute from facts; nothing here judges.

pub(crate) mod endpoint;
pub(crate) mod user_namespace;
