//! Versions that can be read without executing anything.

pub(super) mod packages;
#[cfg(test)]
mod tests;

use dind_doctor_checks::{
    facts::{DockerClient, Engines, Fact, Text},
    version::{Component, Version, Versions},
};

use self::packages::Packages;
use super::Reader;

/// The version of the Docker command line client. Docker's own images hold it outside of any package,
/// and name it in a variable.
pub(super) fn docker_client(reader: &Reader, packages: &Packages) -> Fact<Option<DockerClient>> {
    let variables = reader.variables(None, &["DOCKER_VERSION"]).unwrap_or_default();
    if let Some(Ok(version)) = variables.get("DOCKER_VERSION").map(|v| v.parse()) {
        return Fact::Known(Some(DockerClient { version, source: "DOCKER_VERSION".into() }));
    }
    match (packages.client(), packages.unread.first()) {
        (Some(client), _) => {
            let source = client.source.as_str().into();
            Fact::Known(Some(DockerClient { version: client.version, source }))
        }
        (None, Some(missing)) => Fact::Missing(missing.clone()),
        (None, None) => Fact::Known(None),
    }
}

/// The best source first: what runs, what an image says of itself, what is installed.
pub(super) fn probe(reader: &Reader, packages: &Packages, engines: &Engines) -> Versions {
    let mut versions = Versions::default();
    answered(engines, &mut versions);
    let variables = reader.variables(None, &["DOCKER_VERSION"]).unwrap_or_default();
    if let Some(version) = variables.get("DOCKER_VERSION").and_then(|v| v.parse().ok()) {
        versions.read(Component::Docker, version, "DOCKER_VERSION");
    }
    let mut node = None;
    // A node image names the Kubernetes release that it holds.
    match reader.text("/kind/version") {
        Ok(text) => {
            if let Ok(version) = text.parse() {
                versions.read(Component::Kubernetes, version, "/kind/version");
            }
        }
        Err(missing) => node = Some(missing).filter(|missing| missing.why.is_failure()),
    }
    for (component, installed) in packages.components() {
        versions.read(component, installed.version, &installed.source);
    }
    versions.unreadable.clone_from(&packages.unread);
    versions.unreadable.extend(node);
    versions
}

/// What engines that run here say.
fn answered(engines: &Engines, versions: &mut Versions) {
    for api in &engines.apis {
        let Fact::Known(answer) = &api.answer else { continue };
        let source = format!("GET /version of {}", api.socket);
        let of_engine = match api.name.as_str() {
            "dockerd" => Component::Docker,
            _ => Component::Podman,
        };
        if let Some(version) = release(&answer.version) {
            versions.read(of_engine, version, &source);
        }
        for (name, version) in &answer.components {
            if let (Ok(component), Some(version)) = (name.parse(), release(version)) {
                versions.read(component, version, &source);
            }
        }
    }
}

/// A release; the commit that some builds name instead is none.
fn release(text: &Text) -> Option<Version> {
    text.contains('.').then(|| text.parse().ok())?
}
