//! Name resolution: what `/etc/resolv.conf` says.

use alloc::vec::Vec;
use core::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Fact, Text};

/// One `nameserver` line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameServer {
    /// The address; without the zone of a link-local one.
    pub address: IpAddr,
    /// The zone behind `%`: a link-local address is of use on that link only.
    pub zone: Option<Text>,
}

impl NameServer {
    /// Whether it can be asked from another network namespace than this one.
    pub fn is_usable_elsewhere(&self) -> bool {
        !self.address.is_loopback() && self.zone.is_none() && !self.address.is_unspecified()
    }
}

/// A file as `resolv.conf(5)` describes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvConf {
    /// In the order of the file, up to a bound.
    pub servers: Vec<NameServer>,
    /// Domains of the last `search` or `domain` line.
    pub search: Vec<Text>,
    /// The servers that Docker's embedded one asks in turn, from the comment `# ExtServers: [...]` that
    /// Docker 26 and later write; those that are reached from the host's namespace only are left out.
    pub behind_embedded: Vec<IpAddr>,
}

/// Name resolution as seen from this mount namespace.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Resolver {
    /// `/etc/resolv.conf`; not-found if there is none.
    pub resolv_conf: Fact<ResolvConf>,
    /// `/run/systemd/resolve/resolv.conf`, where systemd-resolved keeps the servers that it asks;
    /// not-found if there is none.
    pub systemd: Fact<ResolvConf>,
}
