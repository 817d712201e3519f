//! The doctor's user and its session of systemd.

use serde::{Deserialize, Serialize};

use super::{Fact, Text};

/// What a rootless engine finds of the user's session.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Session {
    /// `XDG_RUNTIME_DIR`; `None` if it is not set.
    pub runtime_directory: Fact<Option<Text>>,
    /// Whether the socket of the user's D-Bus is in that directory, or in `/run/user/UID` where none is named.
    pub bus: Fact<bool>,
}
