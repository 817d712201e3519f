//! When a step is done, and what it must not meet.

use alloc::{
    format,
    string::{String, ToString},
};

use super::{RuleTool, Task};

/// When in an entrypoint, or a script, a step has its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// When an image is built.
    Build,
    /// The variables of all that follows.
    Environment,
    /// What an earlier start has left.
    Cleaning,
    /// Mounts, before anything is looked for in them.
    Mounts,
    /// Cgroups, when their mount is right.
    Cgroups,
    /// Modules, before the sysctls that come with them.
    Modules,
    /// Sysctls, limits, modes.
    Settings,
    /// Programs and rules of the firewall.
    Firewall,
    /// How the daemon is started.
    Start,
    /// With the next boot.
    Boot,
}

impl Task {
    /// When it is done.
    pub const fn phase(&self) -> Phase {
        match self {
            Self::Packages { .. }
            | Self::InitInImage
            | Self::FileCapability { .. }
            | Self::SetUserId { .. }
            | Self::SubordinateIds(_) => Phase::Build,
            Self::Environment { .. } => Phase::Environment,
            Self::RemoveFile(_) | Self::RemoveDirectory(_) => Phase::Cleaning,
            Self::Mount { .. }
            | Self::Remount { .. }
            | Self::Unmount { .. }
            | Self::Propagation { .. } => Phase::Mounts,
            Self::CgroupLeaf { .. } | Self::CgroupDirectory { .. } => Phase::Cgroups,
            Self::Modules { .. } => Phase::Modules,
            Self::Sysctl { .. } | Self::Write { .. } | Self::Mode { .. } | Self::File { .. } => {
                Phase::Settings
            }
            Self::Alternative { .. } | Self::Rule { .. } => Phase::Firewall,
            Self::CgroupParent(_) | Self::CgroupNamespace { .. } | Self::UnderInit => Phase::Start,
            Self::KernelArguments { .. } => Phase::Boot,
        }
    }

    /// What it sets, where two steps that set the same would undo each other.
    pub fn key(&self) -> Option<String> {
        Some(match self {
            Self::Sysctl { values, .. } => format!("sysctl {}", values.first()?.0),
            Self::Mount { target, .. } => format!("mount {target}"),
            Self::Remount { target, .. } => format!("options of {target}"),
            Self::Unmount { target, .. } => format!("no mount {target}"),
            Self::Propagation { target, .. } => format!("propagation of {target}"),
            Self::CgroupLeaf { directory } => format!("cgroup {directory}"),
            Self::CgroupParent(_) => "dockerd's cgroups".to_string(),
            Self::Write { path, .. } | Self::File { path, .. } => path.clone(),
            Self::Mode { path, .. } => format!("mode of {path}"),
            Self::Alternative { program, .. } => format!("alternative {program}"),
            Self::InitInImage => "an init in the image".to_string(),
            Self::CgroupNamespace { .. } => "cgroup namespace of the daemon".to_string(),
            _ => return None,
        })
    }

    /// The command that takes it back, where one does and nothing more is needed than it.
    pub fn undo(&self) -> Option<String> {
        Some(match self {
            Self::Rule { tool: RuleTool::Iptables, table, chain, rule } => {
                format!("iptables -t {} -D {chain} {}", table.join(" "), rule.join(" "))
            }
            Self::Modules { names, file: None } => format!("modprobe -r {}", names.join(" ")),
            Self::Alternative { program, .. } => format!("update-alternatives --auto {program}"),
            _ => return None,
        })
    }
}
