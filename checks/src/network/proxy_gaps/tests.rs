use alloc::{collections::BTreeMap, vec};

use super::*;
use crate::{
    facts::{Fact::Known, Launcher, Why},
    testing::{healthy_container, healthy_vm},
};

fn environment(variables: &[(&str, &str)]) -> Facts {
    let mut facts = healthy_container();
    let pairs = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    facts.runtime.variables = Known(pairs.collect());
    facts
}

fn with_daemon(mut facts: Facts, variables: &[(&str, &str)]) -> Facts {
    let pairs = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    let variables = Known(pairs.collect::<BTreeMap<_, _>>());
    facts.proxies.daemons = Known(vec![EngineProxy { name: "dockerd".into(), pid: 7, variables }]);
    facts
}

fn finding(facts: &Facts) -> Finding {
    match judged(facts) {
        Ok(Outcome::Found(findings)) if findings.len() == 1 => {
            assert!(findings[0].severity.within(&CHECK.worst));
            findings[0].clone()
        }
        other => panic!("{other:?}"),
    }
}

const PROXY: (&str, &str) = ("HTTPS_PROXY", "http://user:secret@proxy.corp:3128");

#[test]
fn without_a_proxy_there_is_no_question() {
    assert!(matches!(judged(&healthy_container()), Ok(Outcome::NotApplicable(_))));
    assert!(matches!(judged(&healthy_vm()), Ok(Outcome::NotApplicable(_))));
}

#[test]
fn a_daemon_without_the_proxy_is_found_and_no_password_is_shown() {
    let found = finding(&with_daemon(environment(&[PROXY]), &[]));
    assert_eq!(found.severity, severities!(dockerd: Warning, kind: Warning, buildkit: Info));
    assert!(!format!("{found:?}").contains("secret"));
}

#[test]
fn a_daemon_that_has_it_or_is_told_passes() {
    let has = with_daemon(environment(&[PROXY]), &[("HTTPS_PROXY", "http://x")]);
    assert_eq!(judged(&has), Ok(Outcome::pass()));
    let mut told = with_daemon(environment(&[PROXY]), &[]);
    if let Known(config) = &mut told.engines.daemon_json {
        config.content = serde_json::json!({"proxies": {"https-proxy": "http://x"}});
    }
    assert_eq!(judged(&told), Ok(Outcome::pass()));
    assert_eq!(judged(&environment(&[PROXY])), Ok(Outcome::pass()));
}

#[test]
fn a_client_that_would_ask_the_proxy_is_found() {
    let proxy = ("HTTP_PROXY", "http://proxy:3128");
    let host = ("DOCKER_HOST", "tcp://docker:2375");
    let found = finding(&environment(&[host, proxy, ("NO_PROXY", "a b")]));
    let rendered = found.remedies[0].render(&Launcher::None.into());
    assert_eq!(rendered[0].commands, ["export NO_PROXY='a b,docker' no_proxy='a b,docker'"]);
    for no_proxy in ["docker", "*", "x, docker"] {
        let facts = environment(&[host, proxy, ("no_proxy", no_proxy)]);
        assert_eq!(judged(&facts), Ok(Outcome::pass()), "{no_proxy}");
    }
    let local = ("DOCKER_HOST", "tcp://127.0.0.1:2375");
    assert_eq!(judged(&environment(&[local, proxy])), Ok(Outcome::pass()));
    let socket = ("DOCKER_HOST", "unix:///var/run/docker.sock");
    assert_eq!(judged(&environment(&[socket, proxy])), Ok(Outcome::pass()));
}

#[test]
fn exemptions_are_those_of_go() {
    for (host, no_proxy, want) in [
        ("docker.corp", ".corp", true),
        ("docker.corp", "corp", true),
        ("corp", ".corp", false),
        ("10.1.2.3", "10.0.0.0/8", true),
        ("11.1.2.3", "10.0.0.0/8", false),
        ("dockerx", "docker", false),
        ("xdocker", "docker", false),
        ("localhost", "", true),
    ] {
        assert_eq!(is_exempt(host, no_proxy), want, "{host} in {no_proxy}");
    }
}

#[test]
fn two_spellings_with_two_values_are_worth_knowing() {
    let found = finding(&environment(&[PROXY, ("https_proxy", "http://other:3128")]));
    assert_eq!(found.severity, severities!(dockerd: Info, kind: Info, buildkit: Info));
}

#[test]
fn what_cannot_be_read_is_unknown() {
    let mut facts = environment(&[PROXY]);
    facts.proxies.daemons = Fact::missing("/proc", Why::NotPermitted);
    assert!(judged(&facts).is_err());
    facts.runtime.variables = Fact::missing("environment", Why::Redacted);
    assert!(judged(&facts).is_err());
}
