//! What engines answer, as far as it is wanted (Docker Engine API).

use std::collections::BTreeMap;

use dind_doctor_checks::facts::{EngineNetwork, Text};
use serde::Deserialize;

/// Of `GET /info`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Info {
    pub(super) name: String,
    pub(super) driver: String,
    pub(super) cgroup_driver: String,
    pub(super) cgroup_version: String,
}

/// One of `GET /networks`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Network {
    name: String,
    #[serde(default)]
    driver: String,
    #[serde(default)]
    options: Option<BTreeMap<String, String>>,
    #[serde(default, rename = "IPAM")]
    ipam: Option<Ipam>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Ipam {
    #[serde(default)]
    config: Option<Vec<Range>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Range {
    #[serde(default)]
    subnet: String,
}

impl Network {
    pub(super) fn into_fact(self) -> EngineNetwork {
        let options = self.options.unwrap_or_default();
        let ranges = self.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
        EngineNetwork {
            name: self.name.into(),
            driver: self.driver.into(),
            mtu: options.get("com.docker.network.driver.mtu").and_then(|mtu| mtu.parse().ok()),
            subnets: ranges.into_iter().take(16).map(|range| Text::from(range.subnet)).collect(),
        }
    }
}
