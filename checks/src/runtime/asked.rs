//! What the engine said that Docker's clients reach here, when it was asked in a trial.

use alloc::{format, string::String, vec::Vec};

use super::endpoint::{self, Address, Endpoint};
use crate::facts::{EngineLearned, Facts, Learned, Step, Trial, TrialName};

/// Where clients look for an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineAddress {
    /// As a URL, without a user's name or password.
    pub url: String,
    /// The socket, or a host and a port.
    pub at: Result<String, (String, u16)>,
    /// Whether clients begin with TLS.
    pub tls: bool,
}

/// Where clients look for an engine; why it is not asked, if it is not.
pub fn engine_address(facts: &Facts) -> Result<EngineAddress, String> {
    let Ok(endpoint) = endpoint::effective(facts) else {
        return Err("which endpoint clients use is not known".into());
    };
    let url = endpoint.url();
    match &endpoint.address {
        Address::Unix(path) => {
            let absent = endpoint.is_default()
                && facts.clients.socket(path).is_some_and(|s| s.kind.known().is_none());
            if absent {
                return Err(format!("no endpoint is configured, and there is no {path}"));
            }
            Ok(EngineAddress { url, at: Ok(path.clone()), tls: false })
        }
        Address::Tcp { .. } if endpoint.configured_by != "DOCKER_HOST" => {
            Err(format!("the certificates of a {} are its own", endpoint.configured_by))
        }
        Address::Tcp { host, port } => {
            let tls = speaks_tls(facts, *port);
            let port = port.unwrap_or(if tls { 2376 } else { 2375 });
            let host = if host.is_empty() { "localhost".into() } else { host.clone() };
            Ok(EngineAddress { url, at: Err((host, port)), tls })
        }
        Address::Other(scheme) => Err(format!("an endpoint by {scheme} is not asked")),
    }
}

/// By its variable, or because the entrypoint of Docker's images sets that where it finds certificates.
fn speaks_tls(facts: &Facts, port: Option<u16>) -> bool {
    let set = |name| facts.runtime.variable(name).filter(|value| !value.is_empty());
    let generated = || {
        let directory = format!("{}/client", set("DOCKER_TLS_CERTDIR")?);
        facts.clients.certificates_in(&directory)?.missing.known().map(Vec::is_empty)
    };
    set("DOCKER_TLS_VERIFY").is_some() || port == Some(2376) && generated() == Some(true)
}

/// Whether clients begin with TLS at the endpoint in use.
pub(super) fn begins_with_tls(facts: &Facts) -> bool {
    engine_address(facts).is_ok_and(|address| address.tls)
}

/// How it went.
pub(super) enum Asked<'a> {
    /// It answered as its clients expect.
    Answers,
    /// This step failed.
    Fails(&'a Trial, &'a Step),
}

pub(super) fn asked<'a>(facts: &'a Facts, endpoint: &Endpoint) -> Option<Asked<'a>> {
    let trial = facts.trials.complete(TrialName::Api)?;
    if trial.subject != endpoint.url().as_str() {
        return None;
    }
    match trial.failure() {
        Some(step) => Some(Asked::Fails(trial, step)),
        None => (!trial.steps.is_empty()).then_some(Asked::Answers),
    }
}

/// What the engine at the endpoint in use said of itself.
pub(super) fn engine(facts: &Facts) -> Option<(&Trial, &EngineLearned)> {
    let trial = facts.trials.complete(TrialName::Api)?;
    match &trial.learned {
        Some(Learned::Engine(engine)) => Some((trial, engine)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Action, Fact::Known},
        testing::{healthy_container, tried},
    };

    fn with(variables: &[(&str, &str)]) -> Facts {
        let mut facts = healthy_container();
        facts.runtime.variables = Known(
            variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        );
        facts
    }

    #[test]
    fn an_engine_is_asked_where_clients_look() {
        let address = |variables| engine_address(&with(variables));
        let tcp = address(&[("DOCKER_HOST", "tcp://docker")]).unwrap();
        assert_eq!((tcp.at, tcp.tls), (Err(("docker".into(), 2375)), false));
        let tls = [("DOCKER_HOST", "tcp://docker:2376"), ("DOCKER_TLS_VERIFY", "1")];
        assert!(address(&tls).unwrap().tls);
        let socket = address(&[("DOCKER_HOST", "unix:///run/x.sock")]).unwrap();
        assert_eq!(socket.at, Ok("/run/x.sock".into()));
        assert!(address(&[("DOCKER_HOST", "ssh://u@h")]).is_err());
        assert!(address(&[]).is_err_and(|why| why.contains("no endpoint is configured")));
    }

    #[test]
    fn an_answer_counts_for_the_endpoint_that_gave_it() {
        let mut facts = with(&[("DOCKER_HOST", "tcp://docker:2375")]);
        let endpoint = endpoint::effective(&facts).unwrap();
        assert!(asked(&facts, &endpoint).is_none());
        let steps = [(Action::ConnectEngine, "", Some("ECONNREFUSED"))];
        tried(&mut facts, TrialName::Api, "tcp://docker:2375", &steps);
        assert!(matches!(asked(&facts, &endpoint), Some(Asked::Fails(..))));
        facts.trials.runs.clear();
        tried(&mut facts, TrialName::Api, "tcp://other:2375", &steps);
        assert!(asked(&facts, &endpoint).is_none());
    }
}
