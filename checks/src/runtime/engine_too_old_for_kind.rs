use alloc::format;

use crate::{
    facts::Facts,
    outcome::{Finding, Outcome, Verdict},
    plan::{Plan, Provider},
    remedy::{Place, Remedy},
    version::{Component, KnownVersion, Version},
};

check! {
    /// ## What it looks at
    /// The version of the engine through which kind makes its nodes, as the engine, a package or `--assume` says, and
    /// that of kind.
    ///
    /// ## Why it matters
    /// From 0.20 on kind starts each node with `--cgroupns=private`, which Docker knows from 20.10 on (API 1.41). An older
    /// daemon, as old CI machines and appliances have it, answers `"--cgroupns" requires API version 1.41`, and no node is
    /// made. With podman, kind asks for 1.8.0 at least; with nerdctl, 0.24 is the first kind that knows it.
    ///
    /// ## When it is fine
    /// kind before 0.20 takes the older daemon. Where nothing tells the version of the engine, the newest is assumed.
    ///
    /// ## How to fix
    /// Docker 20.10 or later; or kind 0.19 with one of its own node images.
    ///
    /// ## References
    /// kind 0.20.0 and 0.24.0 release notes, `pkg/cluster/internal/providers`; ansible/awx-operator#1462.
    "engine-too-old-for-kind",
    "kind asks this engine for what it does not know yet",
    { kind: Error },
    [
        "\"--cgroupns\" requires API version 1.41",
        "podman version is too old, please upgrade to",
        "unknown flag: --cgroupns",
    ]
}

/// The first kind that gives its nodes a private cgroup namespace.
const PRIVATE: Version = Version::new(0, 20, 0);
/// The first Docker that can.
const DOCKER: Version = Version::new(20, 10, 0);
/// What kind compares the version of podman with.
const PODMAN: Version = Version::new(1, 8, 0);
/// The first kind with nerdctl.
const NERDCTL: Version = Version::new(0, 24, 0);

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    let kind = facts.versions.of(Component::Kind);
    match plan.provider.unwrap_or(Provider::Docker) {
        Provider::Docker => {
            let docker = facts.versions.sure(Component::Docker)?;
            if docker.version >= DOCKER || kind.version < PRIVATE {
                return Ok(Outcome::pass());
            }
            let summary = format!(
                "kind 0.20 and later start nodes with --cgroupns=private, which Docker {} does not know",
                docker.version
            );
            Ok(found("Docker", Component::Docker, &docker, summary)
                .rests_on(Component::Kind, &kind)
                .remedy(Remedy::advice(Place::Image, "use Docker 20.10 or later"))
                .remedy(Remedy::advice(
                    Place::Image,
                    "use kind 0.19 or earlier, with a node image of its release notes",
                ))
                .into())
        }
        Provider::Podman => {
            let podman = facts.versions.sure(Component::Podman)?;
            if podman.version >= PODMAN {
                return Ok(Outcome::pass());
            }
            let summary = format!("kind wants podman 1.8.0, and this is {}", podman.version);
            Ok(found("podman", Component::Podman, &podman, summary)
                .remedy(Remedy::advice(Place::Image, "use a newer podman"))
                .into())
        }
        Provider::Nerdctl if kind.version < NERDCTL => {
            let summary = format!("kind {} does not know nerdctl: 0.24 is the first", kind.version);
            Ok(found("kind", Component::Kind, &kind, summary)
                .remedy(Remedy::advice(Place::Image, "use kind 0.24 or later"))
                .into())
        }
        Provider::Nerdctl => Ok(Outcome::pass()),
    }
}

fn found(
    subject: &str,
    component: Component,
    version: &KnownVersion,
    summary: alloc::string::String,
) -> Finding {
    Finding::new(subject, CHECK.worst, summary)
        .evidence(subject, format!("{}", version.version))
        .rests_on(component, version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact::Known, Missing, Why},
        target::{Severity, Target},
        testing::{healthy_container, healthy_vm, said_of, severity_for},
    };

    fn with(docker: Version, kind: Option<Version>) -> Facts {
        let mut facts = healthy_vm();
        facts.versions.give(Component::Docker, docker);
        if let Some(kind) = kind {
            facts.versions.give(Component::Kind, kind);
        }
        facts
    }

    fn through(provider: &str) -> Facts {
        let mut facts = healthy_vm();
        facts.runtime.variables =
            Known(alloc::vec![("KIND_EXPERIMENTAL_PROVIDER".into(), provider.into())]);
        facts
    }

    #[test]
    fn a_daemon_without_cgroup_namespaces_makes_no_node_of_a_newer_kind() {
        for kind in [None, Some(Version::new(0, 20, 0)), Some(Version::new(0, 33, 0))] {
            let facts = with(Version::new(18, 6, 0), kind);
            let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
            assert_eq!(found[0].severity, CHECK.worst);
            assert!(found[0].remedies[0].text.contains("20.10"));
        }
        assert!(matches!(judged(&with(Version::new(19, 3, 15), None)), Ok(Outcome::Found(_))));
    }

    #[test]
    fn an_older_kind_and_a_newer_daemon_are_fine() {
        for facts in [
            with(Version::new(18, 6, 0), Some(Version::new(0, 19, 0))),
            with(Version::new(20, 10, 0), None),
            with(Version::new(29, 0, 0), None),
            healthy_vm(),
            healthy_container(),
        ] {
            assert_eq!(judged(&facts), Ok(Outcome::pass()));
        }
    }

    #[test]
    fn podman_and_nerdctl_have_floors_of_their_own() {
        let mut facts = through("podman");
        facts.versions.give(Component::Docker, Version::new(18, 6, 0));
        facts.versions.give(Component::Podman, Version::new(1, 6, 4));
        assert_eq!(severity_for(&CHECK, &facts, Target::Kind), Some(Severity::Error));
        facts.versions.give(Component::Podman, Version::new(3, 4, 4));
        assert_eq!(said_of(&CHECK, &facts, Target::Kind), Ok(Outcome::pass()));
        let mut facts = through("nerdctl");
        assert_eq!(said_of(&CHECK, &facts, Target::Kind), Ok(Outcome::pass()));
        facts.versions.give(Component::Kind, Version::new(0, 23, 0));
        assert_eq!(severity_for(&CHECK, &facts, Target::Kind), Some(Severity::Error));
    }

    #[test]
    fn a_database_of_packages_that_cannot_be_read_leaves_it_unknown() {
        let mut facts = healthy_vm();
        facts.versions.unreadable.push(Missing::new("/var/lib/dpkg/status", Why::NotPermitted));
        assert!(judged(&facts).is_err());
    }
}
