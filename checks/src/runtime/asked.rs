//! What the engine said that Docker's clients reach here, when it was asked in a trial.

use alloc::{
    format,
    string::{String, ToString},
};

use crate::derived::endpoint::{self, Address, Endpoint};
use crate::facts::{EngineLearned, Facts, Learned, Step, Trial, TrialName};

/// Where clients look for an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineAddress {
    /// As a URL, without a user's name or password.
    pub url: String,
    /// The socket, or a host and a port.
    pub at: Result<String, (String, u16)>,
    /// Where the clients have `ca.pem`, `cert.pem` and `key.pem`, if they speak TLS.
    pub certificates: Option<String>,
}

impl EngineAddress {
    /// The host; empty for a socket.
    pub fn host(&self) -> &str {
        self.at.as_ref().err().map_or("", |(host, _)| host.as_str())
    }
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
            Ok(EngineAddress { url, at: Ok(path.clone()), certificates: None })
        }
        Address::Tcp { .. } if endpoint.configured_by != "DOCKER_HOST" => {
            Err(format!("the certificates of a {} are its own", endpoint.configured_by))
        }
        Address::Tcp { host, port } => {
            let certificates = certificates(facts, *port);
            let port = port.unwrap_or(if certificates.is_some() { 2376 } else { 2375 });
            let host = if host.is_empty() { "localhost".into() } else { host.clone() };
            Ok(EngineAddress { url, at: Err((host, port)), certificates })
        }
        Address::Other(scheme) => Err(format!("an endpoint by {scheme} is not asked")),
    }
}

/// Where clients have their certificates if they speak TLS: by its variable, or because the entrypoint of
/// Docker's images sets that where it finds them.
fn certificates(facts: &Facts, port: Option<u16>) -> Option<String> {
    let set = |name| facts.runtime.variable(name).filter(|value| !value.is_empty());
    if set("DOCKER_TLS_VERIFY").is_some() {
        let configured = facts.clients.certificates.first();
        return Some(configured.map(|directory| directory.path.to_string()).unwrap_or_default());
    }
    let generated = format!("{}/client", set("DOCKER_TLS_CERTDIR")?);
    let missing = facts.clients.certificates_in(&generated)?.missing.known()?;
    (port == Some(2376) && missing.is_empty()).then_some(generated)
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
    use alloc::{vec, vec::Vec};

    use super::*;
    use crate::{
        facts::{Action, CertificateDirectory, Fact::Known},
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
        assert_eq!((tcp.at, tcp.certificates), (Err(("docker".into(), 2375)), None));
        let socket = address(&[("DOCKER_HOST", "unix:///run/x.sock")]).unwrap();
        assert_eq!(socket.at, Ok("/run/x.sock".into()));
        assert!(address(&[("DOCKER_HOST", "ssh://u@h")]).is_err());
        let mut facts = with(&[("DOCKER_HOST", "tcp://docker"), ("DOCKER_TLS_VERIFY", "1")]);
        facts.clients.certificates = vec![CertificateDirectory {
            path: "/certs/client".into(),
            missing: Known(Vec::new()),
            shared: Some(true),
        }];
        let tls = engine_address(&facts).unwrap();
        assert_eq!(tls.certificates.as_deref(), Some("/certs/client"));
        assert_eq!((tls.host(), tls.at.clone()), ("docker", Err(("docker".into(), 2376))));
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
