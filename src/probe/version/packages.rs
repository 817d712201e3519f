//! What is installed, out of the databases of dpkg, apk and rpm. Each is read once.

use dind_doctor_checks::{
    facts::{Missing, Why},
    version::{Component, Version},
};

use super::super::Reader;
use crate::source::{Package, ask};

/// A package, and the component that it holds.
type Named = (&'static str, Component);

/// Packages of Debian and its kin, in order of preference.
pub(super) const DPKG: [Named; 8] = [
    ("docker-ce", Component::Docker),
    ("docker.io", Component::Docker),
    ("containerd.io", Component::Containerd),
    ("containerd", Component::Containerd),
    ("runc", Component::Runc),
    ("podman", Component::Podman),
    ("systemd", Component::Systemd),
    ("kubelet", Component::Kubernetes),
];

/// Microsoft's builds of Docker.
const MOBY: [Named; 3] = [
    ("moby-engine", Component::Docker),
    ("moby-containerd", Component::Containerd),
    ("moby-runc", Component::Runc),
];

/// Packages of Alpine.
pub(super) const APK: [Named; 6] = [
    ("docker-engine", Component::Docker),
    ("docker", Component::Docker),
    ("containerd", Component::Containerd),
    ("runc", Component::Runc),
    ("podman", Component::Podman),
    ("buildkit", Component::Buildkit),
];

/// Packages of Docker, Kubernetes, Fedora, RHEL, Amazon Linux, Azure Linux and SUSE.
const RPM: [Named; 15] = [
    ("docker-ce", Component::Docker),
    ("moby-engine", Component::Docker),
    ("docker", Component::Docker),
    ("docker-engine", Component::Docker),
    ("containerd.io", Component::Containerd),
    ("moby-containerd", Component::Containerd),
    ("containerd", Component::Containerd),
    ("runc", Component::Runc),
    ("moby-runc", Component::Runc),
    ("podman", Component::Podman),
    ("buildkit", Component::Buildkit),
    ("systemd", Component::Systemd),
    ("kubelet", Component::Kubernetes),
    ("kubernetes-node", Component::Kubernetes),
    ("kubeadm", Component::Kubernetes),
];

/// Packages that hold the Docker command line client: `docker.io` held it up to Debian 12, and `docker` of
/// Alpine needs another.
const DPKG_CLIENTS: [&str; 4] = ["docker-ce-cli", "docker-cli", "docker.io", MOBY_CLIENT];
const MOBY_CLIENT: &str = "moby-cli";
const APK_CLIENTS: [&str; 1] = ["docker-cli"];
/// Fedora's `moby-engine` and `docker` of Amazon and SUSE hold the client, too.
const RPM_CLIENTS: [&str; 5] = ["docker-ce-cli", "docker-cli", "moby-cli", "moby-engine", "docker"];

/// Packages that are asked for beside those: a bundle answers whole questions only, and some of these are
/// for rules to come.
pub(super) const OTHERS: [&str; 14] = [
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
const RPM_OTHERS: [&str; 13] = [
    "container-selinux",
    "crun",
    "docker-ce-cli",
    "docker-cli",
    "fuse-overlayfs",
    "iptables-legacy",
    "iptables-nft",
    "libseccomp",
    "moby-cli",
    "nftables",
    "passt",
    "shadow-utils",
    "slirp4netns",
];

const DPKG_STATUS: &str = "/var/lib/dpkg/status";
const APK_INSTALLED: [&str; 2] = ["/lib/apk/db/installed", "/usr/lib/apk/db/installed"];

/// Where rpm keeps its database: in the image's own folder since Fedora 36 and on SUSE, in `/var` before.
/// One of the two is often a link to the other. In each the newest format comes first.
const RPM_DATABASES: [&str; 5] = [
    "/usr/lib/sysimage/rpm/rpmdb.sqlite",
    "/usr/lib/sysimage/rpm/Packages.db",
    "/var/lib/rpm/rpmdb.sqlite",
    "/var/lib/rpm/Packages.db",
    "/var/lib/rpm/Packages",
];

/// A package that is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::probe) struct Installed {
    /// Its version.
    pub(in crate::probe) version: Version,
    /// The database, and its name there.
    pub(in crate::probe) source: String,
    /// What it holds.
    component: Option<Component>,
    /// Whether it holds the Docker command line client.
    is_client: bool,
}

/// Packages that rules ask for, in order of preference.
#[derive(Debug, Default)]
pub(in crate::probe) struct Packages {
    installed: Vec<Installed>,
    /// Databases that are there and could not be read.
    pub(in crate::probe) unread: Vec<Missing>,
}

impl Packages {
    /// Those that hold a component, the preferred ones first.
    pub(super) fn components(&self) -> impl Iterator<Item = (Component, &Installed)> {
        self.installed.iter().filter_map(|installed| Some((installed.component?, installed)))
    }

    /// The package that holds the Docker command line client.
    pub(in crate::probe) fn client(&self) -> Option<&Installed> {
        self.installed.iter().find(|installed| installed.is_client)
    }

    /// Notes those of the named packages of which `version` knows one.
    fn note(
        &mut self,
        path: &str,
        components: impl Iterator<Item = Named>,
        clients: &[&str],
        version: impl Fn(&str) -> Option<Version>,
    ) {
        let mut add = |package: &str, component, is_client| {
            if let Some(version) = version(package) {
                let source = format!("{path}: {package}");
                self.installed.push(Installed { version, source, component, is_client });
            }
        };
        for (package, component) in components {
            add(package, Some(component), false);
        }
        for package in clients {
            add(package, None, true);
        }
    }

    /// Keeps why a database gave no answer, if it is here.
    fn failed(&mut self, missing: Missing) {
        if !matches!(missing.why, Why::NotFound | Why::NotRecorded) {
            self.unread.push(missing);
        }
    }
}

/// Reads all databases.
pub(in crate::probe) fn read(reader: &Reader) -> Packages {
    let mut packages = Packages::default();
    dpkg(reader, &mut packages);
    for path in APK_INSTALLED {
        let names = APK.iter().map(|(package, _)| *package).chain(OTHERS);
        match records(reader, path, "P:", names) {
            Ok(text) => packages.note(path, APK.into_iter(), &APK_CLIENTS, |package| {
                version(&text, "P:", "V:", package)
            }),
            Err(missing) => packages.failed(missing),
        }
    }
    rpm(reader, &mut packages);
    packages
}

fn dpkg(reader: &Reader, packages: &mut Packages) {
    let names = |named: &'static [Named]| named.iter().map(|(package, _)| *package);
    let all = || names(&DPKG).chain(names(&MOBY)).chain([MOBY_CLIENT]).chain(OTHERS);
    let one = |names: Vec<&str>| records(reader, DPKG_STATUS, "Package: ", names.into_iter());
    let text = one(all().collect()).or_else(|missing| {
        if missing.why != Why::NotRecorded {
            return Err(missing);
        }
        // Recorded before it was one question: these three stay as they are.
        let mut text = one(names(&DPKG).chain(OTHERS).collect())?;
        text.push_str(&one(names(&MOBY).collect()).unwrap_or_default());
        text.push_str(&one(vec![MOBY_CLIENT]).unwrap_or_default());
        Ok(text)
    });
    match text {
        Ok(text) => {
            let components = DPKG.into_iter().chain(MOBY);
            packages.note(DPKG_STATUS, components, &DPKG_CLIENTS, |package| {
                version(&text, "Package: ", "Version: ", package)
            });
        }
        Err(missing) => packages.failed(missing),
    }
}

/// The first database that is there counts: what lies beside it is from before an upgrade.
fn rpm(reader: &Reader, packages: &mut Packages) {
    let names: Vec<String> =
        RPM.iter().map(|(package, _)| *package).chain(RPM_OTHERS).map(str::to_owned).collect();
    for path in RPM_DATABASES {
        let question = ask::RpmPackages { path: path.to_owned(), names: names.clone() };
        match reader.ask(question) {
            Ok(rows) => {
                let newest = |package: &str| {
                    let versions = rows.iter().filter(|row| row.name == package);
                    versions.filter_map(|Package { version, .. }| version.parse().ok()).max()
                };
                return packages.note(path, RPM.into_iter(), &RPM_CLIENTS, newest);
            }
            Err(Missing { why: Why::NotFound | Why::NotRecorded, .. }) => {}
            Err(missing) => return packages.failed(missing),
        }
    }
}

/// The records of these packages, as they stand.
fn records<'a>(
    reader: &Reader,
    path: &str,
    name: &str,
    packages: impl Iterator<Item = &'a str>,
) -> Result<String, Missing> {
    let lines = packages.map(|package| format!("{name}{package}")).collect();
    let bytes = reader.ask(ask::Paragraphs { path: path.to_owned(), lines })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The version of a package, if its record says that it is installed.
fn version(records: &str, name: &str, field: &str, package: &str) -> Option<Version> {
    let record = records.split("\n\n").find(|record| {
        let installed =
            !record.contains("\nStatus: ") || record.contains("\nStatus: install ok installed");
        installed && record.lines().any(|l| l.strip_prefix(name) == Some(package))
    })?;
    record.lines().find_map(|l| l.strip_prefix(field))?.parse().ok()
}
