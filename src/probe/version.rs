//! Versions that can be read without executing anything.

use dind_doctor_checks::{
    facts::{DockerClient, Fact},
    version::{Component, Version, Versions},
};

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

/// Packages that are asked for beside those: a bundle answers whole questions only, and some of these are
/// for rules to come.
const OTHERS: [&str; 14] = [
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

/// Microsoft's builds of Docker.
const DPKG_OTHER: [(&str, Component); 3] = [
    ("moby-engine", Component::Docker),
    ("moby-containerd", Component::Containerd),
    ("moby-runc", Component::Runc),
];

/// Packages that hold the Docker command line client; `docker.io` held it up to Debian 12.
const CLIENTS: [(&str, &str, &str, &[&str]); 4] = [
    (
        "/var/lib/dpkg/status",
        "Package: ",
        "Version: ",
        &["docker-ce-cli", "docker-cli", "docker.io"],
    ),
    ("/var/lib/dpkg/status", "Package: ", "Version: ", &["moby-cli"]),
    ("/lib/apk/db/installed", "P:", "V:", &["docker-cli"]),
    ("/usr/lib/apk/db/installed", "P:", "V:", &["docker-cli"]),
];

/// The version of the Docker command line client. Docker's own images hold it outside of any package,
/// and name it in a variable. The databases of rpm are not read: they are SQLite or Berkeley DB.
pub(super) fn docker_client(reader: &Reader) -> Fact<Option<DockerClient>> {
    let variables = reader.variables(None, &["DOCKER_VERSION"]).unwrap_or_default();
    if let Some(Ok(version)) = variables.get("DOCKER_VERSION").map(|v| v.parse()) {
        return Fact::Known(Some(DockerClient { version, source: "DOCKER_VERSION".into() }));
    }
    for (path, name, field, packages) in CLIENTS {
        let found = installed(reader, path, packages, name, field).into_iter().next();
        if let Some((package, version)) = found {
            let source = format!("{path}: {package}").into();
            return Fact::Known(Some(DockerClient { version, source }));
        }
    }
    Fact::Known(None)
}

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
    database(reader, &mut versions, "/var/lib/dpkg/status", &DPKG_OTHER, "Package: ", "Version: ");
    database(reader, &mut versions, "/lib/apk/db/installed", &APK, "P:", "V:");
    database(reader, &mut versions, "/usr/lib/apk/db/installed", &APK, "P:", "V:");
    versions
}

fn database(
    reader: &Reader,
    versions: &mut Versions,
    path: &str,
    packages: &[(&str, Component)],
    name: &str,
    field: &str,
) {
    let names: Vec<&str> = packages.iter().map(|(package, _)| *package).collect();
    for (package, version) in installed(reader, path, &names, name, field) {
        let component = packages.iter().find(|(name, _)| *name == package);
        if let Some((_, component)) = component {
            versions.read(*component, version, &format!("{path}: {package}"));
        }
    }
}

/// Those of `packages` that are installed, in their order.
fn installed<'a>(
    reader: &Reader,
    path: &str,
    packages: &[&'a str],
    name: &str,
    field: &str,
) -> Vec<(&'a str, Version)> {
    let whole: Vec<&str> = match name {
        _ if packages.iter().all(|package| package.starts_with("moby-")) => packages.to_vec(),
        "P:" => APK.iter().map(|(package, _)| *package).chain(OTHERS).collect(),
        _ => DPKG.iter().map(|(package, _)| *package).chain(OTHERS).collect(),
    };
    let lines = whole.iter().map(|package| format!("{name}{package}")).collect();
    let question = Question::Paragraphs { path: path.to_owned(), lines };
    let Ok(Answer::Bytes(bytes)) = reader.ask(&question, path) else { return Vec::new() };
    let content = String::from_utf8_lossy(&bytes);
    let version = |package: &str| {
        let record = content.split("\n\n").find(|record| {
            let installed =
                !record.contains("\nStatus: ") || record.contains("\nStatus: install ok installed");
            installed && record.lines().any(|l| l.strip_prefix(name) == Some(package))
        })?;
        record.lines().find_map(|l| l.strip_prefix(field))?.parse().ok()
    };
    packages.iter().filter_map(|package| Some((*package, version(package)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixed::Fixed;

    /// A database that answers with `content`, whatever else is asked of it.
    fn with_packages(path: &str, name: &str, content: &str) -> Fixed {
        let known: Vec<&str> = match name {
            "P:" => APK.iter().map(|(package, _)| *package).chain(OTHERS).collect(),
            _ => DPKG.iter().map(|(package, _)| *package).chain(OTHERS).collect(),
        };
        let lines = known.iter().map(|package| format!("{name}{package}")).collect();
        Fixed::new().answer(
            Question::Paragraphs { path: path.into(), lines },
            Answer::Bytes(content.as_bytes().to_vec()),
        )
    }

    #[test]
    fn the_client_is_the_package_that_is_installed() {
        let source = with_packages(
            "/var/lib/dpkg/status",
            "Package: ",
            "Package: docker-ce-cli\nStatus: deinstall ok config-files\nVersion: 5:19.03.1\n\n\
             Package: docker.io\nStatus: install ok installed\nVersion: 20.10.24+dfsg1-1\n\n",
        );
        let client = docker_client(&Reader::new(&source)).known().cloned().flatten().unwrap();
        assert_eq!(client.version, Version::new(20, 10, 24));
        assert_eq!(client.source, "/var/lib/dpkg/status: docker.io");
    }

    #[test]
    fn newer_alpine_keeps_its_database_elsewhere() {
        let source =
            with_packages("/usr/lib/apk/db/installed", "P:", "P:docker-cli\nV:29.1.3-r0\n\n");
        let client = docker_client(&Reader::new(&source)).known().cloned().flatten().unwrap();
        assert_eq!(client.version, Version::new(29, 1, 3));
    }

    #[test]
    fn nothing_installed_is_no_client() {
        assert_eq!(docker_client(&Reader::new(&Fixed::new())), Fact::Known(None));
    }
}
