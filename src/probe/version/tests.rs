use std::sync::Arc;

use dind_doctor_checks::{
    facts::{EngineApi, EngineVersion, Why},
    version::Origin,
};

use super::{
    packages::{APK, DPKG, OTHERS},
    *,
};
use crate::source::{Answer, Package, Question, Refusal, ask, fixed::Fixed};

/// A database that answers with `content` to what was asked of it when the first bundles were recorded.
fn with_packages(path: &str, name: &str, content: &str) -> Fixed {
    let known: Vec<&str> = match name {
        "P:" => APK.iter().map(|(package, _)| *package).chain(OTHERS).collect(),
        _ => DPKG.iter().map(|(package, _)| *package).chain(OTHERS).collect(),
    };
    let lines = known.iter().map(|package| format!("{name}{package}")).collect();
    let question = ask::Paragraphs { path: path.into(), lines };
    Fixed::new().answer(question, Arc::new(content.as_bytes().to_vec()))
}

/// The question that probes ask of this database.
fn question(path: &str) -> Question {
    struct Asked<'a>(&'a str, std::cell::RefCell<Option<Question>>);
    impl crate::source::Source for Asked<'_> {
        fn ask(&self, question: &Question) -> Result<Answer, Refusal> {
            let (Question::RpmPackages { path, .. } | Question::Paragraphs { path, .. }) = question
            else {
                return Err(Refusal::Malformed);
            };
            if path == self.0 {
                *self.1.borrow_mut() = Some(question.clone());
            }
            Err(Refusal::Errno(libc::ENOENT))
        }
    }
    let asked = Asked(path, std::cell::RefCell::default());
    let _ = packages::read(&Reader::new(&asked));
    asked.1.into_inner().unwrap()
}

fn client(source: &Fixed) -> Fact<Option<DockerClient>> {
    let reader = Reader::new(source);
    docker_client(&reader, &packages::read(&reader))
}

fn versions(source: &Fixed, engines: &Engines) -> Versions {
    let reader = Reader::new(source);
    probe(&reader, &packages::read(&reader), engines)
}

fn read_from(versions: &Versions, component: Component) -> (String, String) {
    let known = versions.of(component);
    match known.origin {
        Origin::Read(source) => (known.version.to_string(), source),
        other => panic!("{component}: {other:?}"),
    }
}

fn read(version: &str, source: &str) -> (String, String) {
    (version.into(), source.into())
}

const STATUS: &str = "/var/lib/dpkg/status";
const SQLITE: &str = "/var/lib/rpm/rpmdb.sqlite";

fn with_rpm(path: &str, packages: &[(&str, &str)]) -> Fixed {
    let package = |(name, version): &(&str, &str)| Package {
        name: (*name).into(),
        epoch: Some(3),
        version: (*version).into(),
        release: "1.el9".into(),
    };
    let answer = Answer::Packages(packages.iter().map(package).collect());
    Fixed::new().answer_any(question(path), answer)
}

#[test]
fn the_client_is_the_package_that_is_installed() {
    let content = "Package: docker-ce-cli\nStatus: deinstall ok config-files\nVersion: 5:19.03.1\n\n\
         Package: docker.io\nStatus: install ok installed\nVersion: 20.10.24+dfsg1-1\n\n";
    let client = |source| client(&source).known().cloned().flatten().unwrap();
    let new = Fixed::new().answer_any(question(STATUS), Answer::bytes(content.into()));
    let new = client(new);
    assert_eq!(new.version, Version::new(20, 10, 24));
    assert_eq!(new.source, "/var/lib/dpkg/status: docker.io");
    // A bundle of before knows another question.
    let asked = question(STATUS);
    let old = with_packages(STATUS, "Package: ", content).refuse(asked, Refusal::NotRecorded);
    assert_eq!(client(old), new);
}

#[test]
fn newer_alpine_keeps_its_database_elsewhere() {
    let source = with_packages("/usr/lib/apk/db/installed", "P:", "P:docker-cli\nV:29.1.3-r0\n\n");
    let client = client(&source).known().cloned().flatten().unwrap();
    assert_eq!(client.version, Version::new(29, 1, 3));
}

#[test]
fn nothing_installed_is_no_client() {
    assert_eq!(client(&Fixed::new()), Fact::Known(None));
}

#[test]
fn rpm_names_the_newest_of_what_is_installed() {
    let packages = [
        ("containerd.io", "1.7.22"),
        ("docker-ce", "26.1.0"),
        ("docker-ce", "27.3.1"),
        ("docker-ce-cli", "27.3.1"),
        ("kubelet", "1.30.4"),
        ("systemd", "252"),
    ];
    let source = with_rpm(SQLITE, &packages);
    let versions = versions(&source, &Engines::default());
    let docker = read("27.3.1", "/var/lib/rpm/rpmdb.sqlite: docker-ce");
    assert_eq!(read_from(&versions, Component::Docker), docker);
    assert_eq!(read_from(&versions, Component::Containerd).0, "1.7.22");
    assert_eq!(read_from(&versions, Component::Kubernetes).0, "1.30.4");
    assert_eq!(read_from(&versions, Component::Systemd).0, "252.0.0");
    assert!(versions.of(Component::Podman).is_assumed());
    let client = client(&source).known().cloned().flatten().unwrap();
    assert_eq!(client.source, "/var/lib/rpm/rpmdb.sqlite: docker-ce-cli");
}

#[test]
fn a_database_that_cannot_be_read_says_why_and_none_beside_it_counts() {
    let source = with_rpm("/var/lib/rpm/Packages", &[("docker-ce", "19.3.1")])
        .refuse(question(SQLITE), Refusal::TooLarge);
    let versions = versions(&source, &Engines::default());
    assert!(versions.of(Component::Docker).is_assumed());
    assert_eq!(versions.unreadable[0].source, SQLITE);
    assert_eq!(client(&source).why(), Some(Why::TooLarge));
}

#[test]
fn what_an_engine_answers_counts_before_what_is_installed() {
    let docker = EngineVersion {
        version: "28.2.2".into(),
        components: vec![
            ("containerd".into(), "1.7.24~ds1".into()),
            ("runc".into(), "05044ec0a9a75232cad458027ca83437aae3f4da".into()),
        ],
        ..EngineVersion::default()
    };
    let podman = EngineVersion { version: "4.3.1".into(), ..EngineVersion::default() };
    let api = |name: &str, socket: &str, answer| EngineApi {
        name: name.into(),
        pid: 7,
        socket: socket.into(),
        answer,
    };
    let apis = vec![
        api("dockerd", "/tmp/x.sock", Fact::missing("GET", Why::TimedOut)),
        api("dockerd", "/run/docker.sock", Fact::Known(docker)),
        api("podman", "/run/podman/podman.sock", Fact::Known(podman)),
    ];
    let variable = ask::Variable { pid: None, name: "DOCKER_VERSION".into() };
    let source = with_rpm(SQLITE, &[("runc", "1.1.12"), ("containerd", "1.6.0")])
        .answer(variable, Some("27.0.1".into()));
    let versions = versions(&source, &Engines { apis, ..Engines::default() });
    let asked = "GET /version of /run/docker.sock";
    assert_eq!(read_from(&versions, Component::Docker), read("28.2.2", asked));
    assert_eq!(read_from(&versions, Component::Containerd), read("1.7.24", asked));
    assert_eq!(read_from(&versions, Component::Podman).0, "4.3.1");
    // A commit is no version.
    assert_eq!(read_from(&versions, Component::Runc).0, "1.1.12");
}
