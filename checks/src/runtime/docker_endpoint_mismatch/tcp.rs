//! Endpoints that are a port: plain HTTP or TLS, and with which certificates.

use alloc::{format, string::String, vec::Vec};

use super::{CLIENTS, not_asked};
use crate::{
    derived::endpoint::Endpoint,
    facts::{Facts, Launcher, Text},
    outcome::{Finding, Unknown},
    remedy::{ContainerSetting, Remedy},
    target::{Severities, Severity},
};

pub(super) fn judge(
    facts: &Facts,
    endpoint: &Endpoint,
    host: &str,
    port: Option<u16>,
) -> Result<Option<Finding>, Unknown> {
    // Certificates of a context are the context's own.
    if endpoint.configured_by != "DOCKER_HOST" {
        return Err(not_asked(endpoint));
    }
    let set = |name| facts.runtime.variable(name).filter(|value| !value.is_empty());
    let verify = set("DOCKER_TLS_VERIFY").is_some();
    let subject = endpoint.url();
    let finding = |severity: Severities, summary: String| {
        Finding::new(subject.clone(), severity, summary)
            .evidence("DOCKER_HOST", subject.clone())
            .evidence("DOCKER_TLS_VERIFY", set("DOCKER_TLS_VERIFY").unwrap_or("(not set)"))
    };
    if verify && port == Some(2375) {
        let summary = "the client speaks TLS to port 2375, where daemons speak plain HTTP".into();
        return Ok(Some(secure_or_plain(facts, finding(CLIENTS, summary), host)));
    }
    if !verify && port == Some(2376) {
        let generated = set("DOCKER_TLS_CERTDIR").map(|directory| format!("{directory}/client"));
        let present = |path: &str| {
            let directory = facts.clients.certificates_in(path);
            directory.is_some_and(|d| d.missing.is_known_and(Vec::is_empty))
        };
        if !generated.as_deref().is_some_and(present) {
            let summary =
                "the client speaks plain HTTP to port 2376, where daemons speak TLS".into();
            return Ok(Some(secure_or_plain(facts, finding(CLIENTS, summary), host)));
        }
    }
    if verify && let Some(found) = without_certificates(facts, &finding) {
        return Ok(Some(secure_or_plain(facts, found, host)));
    }
    // GitLab gives a job's variables to its services, and the variable comes from the job's image too.
    if let Some(directory) = set("DOCKER_TLS_CERTDIR")
        && port == Some(2375)
        && facts.runtime.launcher == Launcher::Gitlab
    {
        let severity = CLIENTS.at_most(Severity::Warning);
        let summary = "the client asks port 2375, but docker:dind serves TLS on 2376 unless its \
                       DOCKER_TLS_CERTDIR is empty";
        let found = finding(severity, summary.into()).evidence("DOCKER_TLS_CERTDIR", directory);
        return Ok(Some(secure_or_plain(facts, found, host)));
    }
    Err(not_asked(endpoint))
}

/// The client is to verify, and has nothing to verify with. On a mount of its own the daemon may yet put
/// them there.
fn without_certificates(
    facts: &Facts,
    finding: &impl Fn(Severities, String) -> Finding,
) -> Option<Finding> {
    let directory = facts.clients.certificates.first()?;
    let missing = directory.missing.known().filter(|missing| !missing.is_empty())?;
    let names: Vec<&str> = missing.iter().map(Text::as_str).collect();
    let path = &directory.path;
    let (severity, later) = if directory.shared == Some(false) {
        (CLIENTS, ", and no volume is mounted there that the daemon could fill")
    } else {
        (CLIENTS.at_most(Severity::Warning), ", unless the daemon makes them yet")
    };
    let summary = format!("the client is to use TLS, but {path} lacks {}{later}", names.join(", "));
    Some(finding(severity, summary).evidence(path.as_str(), format!("lacks {}", names.join(", "))))
}

fn variable(name: &str, value: String) -> ContainerSetting {
    ContainerSetting::Variable(name.into(), value)
}

fn secure_or_plain(facts: &Facts, finding: Finding, host: &str) -> Finding {
    let host = if host.contains(':') { format!("[{host}]") } else { host.into() };
    // GitLab mounts a job's volumes into its services, too; elsewhere a volume without a name is nobody else's.
    let volume = (facts.runtime.launcher == Launcher::Gitlab)
        .then(|| ContainerSetting::Volume("/certs/client".into()));
    finding
        .remedy(Remedy::container(
            "with TLS: share the daemon's /certs/client as a volume, and use port 2376",
            volume.into_iter().chain([
                variable("DOCKER_HOST", format!("tcp://{host}:2376")),
                variable("DOCKER_TLS_VERIFY", "1".into()),
                variable("DOCKER_TLS_CERTDIR", "/certs".into()),
                variable("DOCKER_CERT_PATH", "/certs/client".into()),
            ]),
        ))
        .remedy(Remedy::container(
            "without TLS: for client and daemon alike, and without DOCKER_TLS_VERIFY",
            [
                variable("DOCKER_HOST", format!("tcp://{host}:2375")),
                variable("DOCKER_TLS_CERTDIR", String::new()),
            ],
        ))
}

/// The daemon answers, but client and daemon do not accept each other.
pub(super) fn other_certificates(facts: &Facts, finding: Finding, host: &str) -> Finding {
    let alternative = if host.parse::<core::net::IpAddr>().is_ok() { "IP" } else { "DNS" };
    secure_or_plain(facts,
        finding.remedy(Remedy::container(
            format!(
                "the certificates have to be those that this daemon made, on a volume that no other daemon \
                 fills, and for the name {host}: docker:dind adds it if its container has"
            ),
            [variable("DOCKER_TLS_SAN", format!("{alternative}:{host}"))],
        )),
        host,
    )
}
