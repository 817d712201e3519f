//! Proxies of engines that run here.

use alloc::{collections::BTreeMap, vec::Vec};

use serde::{Deserialize, Serialize};

use super::{Fact, Text};

/// Variables by which programs are told of a proxy, in the spelling that Go reads first.
pub const PROXY_VARIABLES: [&str; 3] = ["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"];

/// The proxy variables of one engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineProxy {
    /// `dockerd`.
    pub name: Text,
    /// PID.
    pub pid: u32,
    /// Those of [`PROXY_VARIABLES`] that are set, in either case, by their name in capitals.
    pub variables: Fact<BTreeMap<Text, Text>>,
}

/// Proxies of engines that run here.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Proxies {
    /// The daemons that run here, sorted by PID.
    pub daemons: Fact<Vec<EngineProxy>>,
}
