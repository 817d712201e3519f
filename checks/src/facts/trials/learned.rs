//! What a trial has measured, beyond whether its steps worked.

use alloc::{boxed::Box, vec::Vec};

use serde::{Deserialize, Serialize};

use super::Rehearsed;
use crate::facts::{EngineVersion, Text};

/// What a trial has measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Learned {
    /// The path to the target of `--mtu-target`.
    Path(PathLearned),
    /// The engine that clients reach.
    Engine(Box<EngineLearned>),
    /// The engine that was rehearsed.
    Rehearsal(Box<Rehearsed>),
}

/// The path to one target, both ways.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathLearned {
    /// Bytes of the largest packet that the kernel sends there after it was probed: `IP_MTU`.
    pub outward: Option<u32>,
    /// Downloads, in the order in which they were made.
    pub downloads: Vec<Download>,
}

/// A download by a connection that announces the segments of some MTU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Download {
    /// The MTU for which segments were announced: 40 bytes less, without TCP options.
    pub mtu: u32,
    /// Bytes that came, in order.
    pub bytes: u32,
    /// The largest segment that came, in bytes; 0 if none or if its size is not known.
    pub segment: u32,
    /// Whether nothing came any more before enough had come, and before the target was done.
    pub stalled: bool,
}

impl Download {
    /// Whether a packet of the whole MTU came.
    pub const fn is_full_size(&self) -> bool {
        self.segment.saturating_add(40) >= self.mtu
    }

    /// Whether the target had more to send than fits into one segment.
    pub const fn is_long(&self) -> bool {
        self.bytes > self.mtu
    }
}

impl PathLearned {
    /// The download that announced this MTU.
    pub fn announcing(&self, mtu: u32) -> Option<&Download> {
        self.downloads.iter().find(|download| download.mtu == mtu)
    }

    /// The largest MTU of which whole packets came, in a download that went on.
    pub fn inward(&self) -> Option<u32> {
        let carried = self.downloads.iter().filter(|d| !d.stalled && d.is_full_size());
        carried.map(|download| download.mtu).max()
    }

    /// Whether a download that announced `mtu` stalled where another one with less got further.
    pub fn stalls(&self, mtu: u32) -> bool {
        let with_less = |bytes| {
            let mut less = self.downloads.iter().filter(|d| d.mtu < mtu);
            less.any(|d| !d.stalled && d.is_long() && d.bytes > bytes)
        };
        self.announcing(mtu).is_some_and(|download| download.stalled && with_less(download.bytes))
    }
}

/// What an engine says of itself by its API: `/version`, `/info` and `/networks`. What it does not say is
/// empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineLearned {
    /// Its versions.
    pub version: EngineVersion,
    /// The name of its machine.
    pub name: Text,
    /// `cgroupfs`, `systemd` or `none`.
    pub cgroup_driver: Text,
    /// `1` or `2`.
    pub cgroup_version: Text,
    /// `overlay2`, `vfs`, ….
    pub storage_driver: Text,
    /// Its networks.
    pub networks: Vec<EngineNetwork>,
}

/// A network of an engine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineNetwork {
    /// Its name.
    pub name: Text,
    /// `bridge`, `host`, `overlay`, ….
    pub driver: Text,
    /// `com.docker.network.driver.mtu`, if the network has the option.
    pub mtu: Option<u32>,
    /// Its ranges.
    pub subnets: Vec<Text>,
}
