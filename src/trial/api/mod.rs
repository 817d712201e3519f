//! The API of the engine that Docker's clients reach from here.

mod answer;
mod engine;
mod protocol;

use std::time::Duration;

use dind_doctor_checks::{
    EngineAddress, engine_address,
    facts::{Action, EngineLearned, EngineVersion, Facts, Learned, Text, TrialName},
};

use self::{
    answer::{Info, Network},
    engine::Engine,
};
use super::{
    Description, Plan,
    steps::{Failure, Steps},
};
use crate::source::engine_version;

pub(super) const TRIAL: Description = Description {
    name: TrialName::Api,
    does: "connects to the engine that clients reach here (DOCKER_HOST, the Docker context, \
           /var/run/docker.sock; where systemd listens, that starts Docker) and asks for /_ping, /version, \
           /info and /networks, by a socket, plain TCP, or TLS with the client's certificates",
    loads: &[],
    plan,
};

/// What one connection, and one answer, may take.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Networks that are kept: the first ones.
const NETWORKS: usize = 256;

fn plan(facts: &Facts) -> Vec<Plan> {
    vec![match engine_address(facts) {
        Err(why) => Plan::skipped(TrialName::Api, "", why),
        Ok(address) => {
            Plan::new(TrialName::Api, address.url.clone(), Vec::new(), move |steps, _| {
                let _ = ask(steps, &address);
            })
        }
    }]
}

fn ask(steps: &mut Steps, address: &EngineAddress) -> Option<()> {
    let engine = Engine::reach(steps, address)?;
    steps.about("/_ping", true);
    steps.step(Action::AskEngine, || engine.ping())?;
    let mut learned = EngineLearned::default();
    steps.about("/version", true);
    learned.version = steps.step(Action::AskEngine, || {
        let body = engine.get("/version")?;
        engine_version(&body).ok_or_else(|| Failure::seen("the answer is no version"))
    })?;
    steps.learned(Learned::Engine(Box::new(learned.clone())));
    steps.about("/info", false);
    if let Some(info) = steps.step(Action::AskEngine, || engine.json::<Info>("/info")) {
        learned.name = info.name.into();
        learned.cgroup_driver = info.cgroup_driver.into();
        learned.cgroup_version = info.cgroup_version.into();
        learned.storage_driver = info.driver.into();
    }
    steps.about("/networks", false);
    if let Some(networks) =
        steps.step(Action::AskEngine, || engine.json::<Vec<Network>>("/networks"))
    {
        learned.networks = networks.into_iter().take(NETWORKS).map(Network::into_fact).collect();
    }
    steps.about(&described(&learned), false);
    steps.step(Action::KnowEngine, || Ok::<_, Failure>(()));
    steps.learned(Learned::Engine(Box::new(learned)));
    Some(())
}

/// `20.10.24, API 1.41 (from 1.12), cgroupfs on cgroup v1, overlay2, 3 networks`.
fn described(engine: &EngineLearned) -> String {
    let EngineVersion { version, api_version, minimum_api_version, .. } = &engine.version;
    let mut parts = vec![version.to_string()];
    if !api_version.is_empty() {
        parts.push(format!("API {api_version} (from {minimum_api_version})"));
    }
    if !engine.cgroup_driver.is_empty() {
        parts.push(format!("{} on cgroup v{}", engine.cgroup_driver, engine.cgroup_version));
    }
    parts.push(engine.storage_driver.to_string());
    for network in engine.networks.iter().take(8) {
        let subnets: Vec<_> = network.subnets.iter().map(Text::as_str).collect();
        let mtu = network.mtu.map(|mtu| format!(" mtu {mtu}")).unwrap_or_default();
        let range =
            if subnets.is_empty() { String::new() } else { format!(" {}", subnets.join(" ")) };
        parts.push(format!("network {}{range}{mtu}", network.name));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_have_ranges_and_options() {
        let body = r#"[{"Name": "bridge", "Driver": "bridge", "IPAM": {"Config": [{"Subnet": "172.17.0.0/16"}]},
            "Options": {"com.docker.network.driver.mtu": "1400"}},
            {"Name": "none", "Driver": "null", "Options": null, "IPAM": {"Config": null}}]"#;
        let networks: Vec<Network> = serde_json::from_str(body).unwrap();
        let networks = networks.into_iter().map(Network::into_fact).collect();
        let version = EngineVersion { version: "28.2.2".into(), ..EngineVersion::default() };
        let engine = EngineLearned { version, networks, ..EngineLearned::default() };
        assert_eq!(
            described(&engine),
            "28.2.2, network bridge 172.17.0.0/16 mtu 1400, network none"
        );
    }
}
