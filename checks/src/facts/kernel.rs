//! The kernel.

use serde::Serialize;

use super::{Fact, Text};
use crate::version::Version;

/// The running kernel.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Kernel {
    /// `uname -r`, whole.
    pub release: Fact<Text>,
    /// The leading numbers of the release. Context only: distributions backport, so a rule asks for the
    /// feature where it can.
    pub version: Fact<Version>,
    /// Whether this kernel can load modules at all: false without `/proc/modules` or with
    /// `kernel.modules_disabled`.
    pub modules_loadable: Fact<bool>,
    /// Whether `/lib/modules/RELEASE` is there for the running kernel.
    pub modules_directory: Fact<bool>,
    /// Whether overlayfs is registered now (`/proc/filesystems`); as a module it may still come.
    pub overlay: Fact<bool>,
}
