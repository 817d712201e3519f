//! All checks, by area, in report order.

use core::{fmt, str::FromStr};

use serde::Serialize;

use crate::{
    Check, cgroup, facts::TrialName, kernel, kubernetes, mount, netfilter, network, pid1,
    privilege, resources, runtime, security, storage, time,
};

/// A part of the environment; the folder in which its checks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Area {
    /// Capabilities, devices and what else an engine must be allowed to do.
    Privilege,
    /// seccomp, AppArmor, SELinux, user namespaces.
    Security,
    /// Release, modules and features of the kernel.
    Kernel,
    /// Sandboxes in place of plain Linux, systemd, engines side by side.
    Runtime,
    /// Who PID 1 is and what it does with signals and orphans.
    Pid1,
    /// cgroup versions, namespaces, delegation, stray directories.
    Cgroup,
    /// Mount layout: propagation, read-only and masked mounts.
    Mount,
    /// The filesystem under each data root.
    Storage,
    /// iptables and nftables; the catalogue's name `iptables` selects it too.
    Netfilter,
    /// MTU, routes, subnets, name resolution.
    Network,
    /// Limits: tasks, memory, CPU time, inotify, open files, disk space.
    Resources,
    /// kubelet, kube-proxy and what a node runs.
    Kubernetes,
    /// Clocks.
    Time,
}

/// Root causes come first: a missing privilege explains much of what follows.
pub const REGISTRY: &[(Area, &[&Check])] = &[
    (Area::Runtime, runtime::CHECKS),
    (Area::Kernel, kernel::CHECKS),
    (Area::Privilege, privilege::CHECKS),
    (Area::Security, security::CHECKS),
    (Area::Pid1, pid1::CHECKS),
    (Area::Cgroup, cgroup::CHECKS),
    (Area::Mount, mount::CHECKS),
    (Area::Storage, storage::CHECKS),
    (Area::Netfilter, netfilter::CHECKS),
    (Area::Network, network::CHECKS),
    (Area::Resources, resources::CHECKS),
    (Area::Kubernetes, kubernetes::CHECKS),
    (Area::Time, time::CHECKS),
];

impl Area {
    /// The name on the command line and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Privilege => "privilege",
            Self::Security => "security",
            Self::Kernel => "kernel",
            Self::Runtime => "runtime",
            Self::Pid1 => "pid1",
            Self::Cgroup => "cgroup",
            Self::Mount => "mount",
            Self::Storage => "storage",
            Self::Netfilter => "netfilter",
            Self::Network => "network",
            Self::Resources => "resources",
            Self::Kubernetes => "kubernetes",
            Self::Time => "time",
        }
    }
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Area {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let name = if name == "iptables" { "netfilter" } else { name };
        REGISTRY.iter().map(|(area, _)| *area).find(|area| area.name() == name).ok_or(())
    }
}

/// Every check with its area, in report order.
pub fn all() -> impl Iterator<Item = (Area, &'static Check)> {
    REGISTRY.iter().flat_map(|(area, checks)| checks.iter().map(|check| (*area, *check)))
}

/// The checks that say of themselves that this trial settles them, in report order.
pub fn settled_by(trial: TrialName) -> impl Iterator<Item = &'static Check> {
    all().map(|(_, check)| check).filter(move |check| check.trials.contains(&trial))
}

/// The check with this id.
pub fn find(id: &str) -> Option<(Area, &'static Check)> {
    all().find(|(_, check)| check.id == id)
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use super::*;
    use crate::HEADINGS;

    #[test]
    fn ids_are_unique_kebab_case_and_no_area() {
        let mut seen = BTreeSet::new();
        for (_, check) in all() {
            assert!(seen.insert(check.id), "{} is there twice", check.id);
            assert!(
                check.id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            );
            assert!(check.id.parse::<Area>().is_err(), "{} is an area too", check.id);
        }
    }

    #[test]
    fn healthy_environments_have_no_finding() {
        use crate::{
            plan::Plans,
            testing::{healthy_container, healthy_vm},
        };
        for facts in [healthy_container(), healthy_vm()] {
            let plans = Plans::of(&facts);
            for (_, check) in all() {
                let found = check.judge(&facts, &plans).findings;
                assert!(found.is_empty(), "{}: {found:#?}", check.id);
            }
        }
    }

    #[test]
    fn titles_fit_in_60_columns() {
        for (_, check) in all() {
            assert!(!check.title.is_empty() && check.title.len() <= 60, "{}", check.id);
        }
    }

    #[test]
    fn every_check_is_documented_under_all_headings_in_order() {
        for (_, check) in all() {
            let mut rest = check.doc;
            for heading in HEADINGS {
                let at = rest.find(heading);
                assert!(at.is_some(), "{}: no heading {heading:?} in its place", check.id);
                rest = &rest[at.unwrap_or(0) + heading.len()..];
                let body = rest.split("## ").next().unwrap_or("").trim();
                assert!(body.len() > 10, "{}: nothing under {heading:?}", check.id);
            }
        }
    }

    #[test]
    fn every_check_can_hurt_some_target() {
        for (_, check) in all() {
            assert!(check.worst.iter().next().is_some(), "{}", check.id);
        }
    }
}
