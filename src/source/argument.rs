//! What questions take beside paths and names.

use serde::{Deserialize, Serialize};

/// What access is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// `R_OK | W_OK`.
    ReadWrite,
    /// `W_OK`.
    Write,
    /// `X_OK`.
    Execute,
}

/// A system call that a seccomp filter may refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SystemCall {
    /// `clone(CLONE_NEWUSER | CLONE_FS)`, which the kernel refuses with EINVAL (since 3.9).
    CloneNewUser,
    /// `clone3(NULL, 0)`: EINVAL.
    Clone3,
    /// `keyctl` with an operation that does not exist: EOPNOTSUPP.
    Keyctl,
}

impl SystemCall {
    /// Its name, with what makes it the one that is filtered.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CloneNewUser => "clone(CLONE_NEWUSER)",
            Self::Clone3 => "clone3",
            Self::Keyctl => "keyctl",
        }
    }
}
