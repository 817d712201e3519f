//! Versions that can be read without executing anything.

use dind_doctor_checks::version::{Component, Version, Versions};

use super::Reader;
use crate::source::{Answer, Question};

/// Packages of Debian and its kin, in order of preference.
const DPKG: [(&str, Component); 8] = [
    ("docker-ce", Component::Docker),
    ("docker.io", Component::Docker),
    ("containerd.io", Component::Containerd),
    ("containerd", Component::Containerd),
    ("runc", Component::Runc),
    ("podman", Component::Podman),
    ("systemd", Component::Systemd),
    ("kubelet", Component::Kubernetes),
];

/// Packages of Alpine.
const APK: [(&str, Component); 6] = [
    ("docker-engine", Component::Docker),
    ("docker", Component::Docker),
    ("containerd", Component::Containerd),
    ("runc", Component::Runc),
    ("podman", Component::Podman),
    ("buildkit", Component::Buildkit),
];

/// Packages that are recorded though no rule asks for their versions yet: a question is recorded whole.
const RECORDED: [&str; 14] = [
    "apparmor",
    "crun",
    "docker-ce-cli",
    "docker-cli",
    "fuse-overlayfs",
    "iptables",
    "kubeadm",
    "libseccomp2",
    "lxc",
    "nftables",
    "rootlesskit",
    "slirp4netns",
    "tini",
    "uidmap",
];

pub(super) fn probe(reader: &Reader) -> Versions {
    let mut versions = Versions::default();
    let variables = reader.variables(None, &["DOCKER_VERSION"]).unwrap_or_default();
    if let Some(version) = variables.get("DOCKER_VERSION").and_then(|v| v.parse().ok()) {
        versions.read(Component::Docker, version, "DOCKER_VERSION");
    }
    // A node image names the Kubernetes release that it holds.
    if let Ok(Ok(version)) = reader.text("/kind/version").map(|text| text.parse()) {
        versions.read(Component::Kubernetes, version, "/kind/version");
    }
    database(reader, &mut versions, "/var/lib/dpkg/status", &DPKG, "Package: ", "Version: ");
    database(reader, &mut versions, "/lib/apk/db/installed", &APK, "P:", "V:");
    versions
}

fn database(
    reader: &Reader,
    versions: &mut Versions,
    path: &str,
    packages: &[(&str, Component)],
    name: &str,
    version: &str,
) {
    let names = packages.iter().map(|(package, _)| *package).chain(RECORDED);
    let lines = names.map(|package| format!("{name}{package}")).collect();
    let question = Question::Paragraphs { path: path.to_owned(), lines };
    let Ok(Answer::Bytes(bytes)) = reader.ask(&question, path) else { return };
    let content = String::from_utf8_lossy(&bytes);
    for (package, component) in packages {
        let record = content.split("\n\n").find(|record| {
            let installed =
                !record.contains("\nStatus: ") || record.contains("\nStatus: install ok installed");
            installed && record.lines().any(|l| l.strip_prefix(name) == Some(package))
        });
        let field = record.and_then(|r| r.lines().find_map(|l| l.strip_prefix(version)));
        if let Some(Ok(read)) = field.map(str::parse::<Version>) {
            versions.read(*component, read, &format!("{path}: {package}"));
        }
    }
}
