//! How often the doctor cries wolf: findings at warning or error where the thing works.

use std::io::{self, Write};

use dind_doctor_checks::target::{Severity, Target};

use super::hosts;

/// Recorded environments in which these were started and worked (`fixtures/outcomes`), or that are a usual machine of their
/// kind, before anything is started.
const HEALTHY: &[(&str, &[Target])] = &[
    ("bookworm-dind-healthy", &[Target::Dockerd, Target::Kind]),
    ("bookworm-dind-prepared", &[Target::Dockerd, Target::Kind]),
    ("bookworm-host", &[Target::Dockerd, Target::Kind, Target::Podman]),
    ("bookworm-host-bare", &[Target::Dockerd, Target::Kind]),
    ("bookworm-host-nft-only", &[Target::Dockerd, Target::Kind]),
    ("bookworm-rootless-user", &[Target::Rootless, Target::Podman]),
    ("bookworm-systemd-container", &[Target::Systemd]),
    ("bookworm-v1-host", &[Target::Dockerd]),
    ("sid-dind-prepared", &[Target::Dockerd, Target::Kind]),
    ("sid-host", &[Target::Dockerd, Target::Kind, Target::Podman]),
    ("sid-rootless-user", &[Target::Rootless, Target::Podman]),
    ("trixie-dind-prepared", &[Target::Dockerd, Target::Kind]),
    ("trixie-host", &[Target::Dockerd, Target::Kind, Target::Podman]),
    ("trixie-rootless-user", &[Target::Rootless, Target::Podman]),
];

/// Findings at warning or worse that a reader may be asked to read in a hundred healthy environments.
const WANTED: usize = 30;

#[test]
fn healthy_environments_are_quiet() {
    let hosts = hosts();
    let mut loud = Vec::new();
    for (name, targets) in HEALTHY {
        let host = hosts.iter().find(|host| host.name == *name).expect(name);
        for check in host.report().checks {
            let worst = |severity: dind_doctor_checks::target::Severities| severity.worst(targets);
            let found =
                check.findings.iter().filter(|f| worst(f.severity) >= Some(Severity::Warning));
            loud.extend(found.map(|f| format!("{name}: {}: {}", check.id, f.summary)));
        }
    }
    let hundredth = loud.len() * 100 / HEALTHY.len();
    writeln!(io::stdout(), "findings at warning in 100 healthy environments: {hundredth}")
        .expect("stdout");
    assert!(hundredth <= WANTED, "{hundredth} in 100 environments: {loud:#?}");
}
