use alloc::format;

use crate::{
    facts::{CgroupVersion, Facts},
    outcome::{Finding, Outcome, Verdict},
    plan::{Plan, Provider},
    remedy::{Place, Remedy},
    target::Target,
    version::{Component, KnownVersion, Version},
};

check! {
    /// ## What it looks at
    /// Which version of cgroups is mounted at `/sys/fs/cgroup`, and the versions of what would be started: Docker,
    /// and the Kubernetes of kind's node image, as far as they are told or can be read.
    ///
    /// ## Why it matters
    /// Current distributions have cgroup v2 only. What is older looks for the directories of v1 and finds none:
    /// kubelet before 1.19 ends with "failed to find subsystem mount", Docker before 20.10 with "Devices cgroup isn't
    /// mounted". In kind the node starts, and `kubeadm init` waits for its kubelet until it gives up.
    ///
    /// ## When it is fine
    /// On cgroup v1 and on hybrid hosts. Where nothing tells a version, the newest is assumed.
    ///
    /// ## How to fix
    /// Use a newer engine or node image. Only where it has to be the old one: boot the host with
    /// `systemd.unified_cgroup_hierarchy=0`, which systemd 258 and later no longer know.
    ///
    /// ## References
    /// Kubernetes 1.19 release notes; moby pull request 40174; kubernetes-sigs/kind issues 1814 and 2082.
    "engine-too-old-for-cgroup2",
    "An engine from before cgroup v2 meets cgroup v2",
    { dockerd: Error, kind: Error },
    [
        "failed to find subsystem mount for required subsystem",
        "Failed to start ContainerManager system validation failed - Following Cgroup subsystem not mounted",
        "Following Cgroup subsystem not mounted",
        "cgroups: cgroup mountpoint does not exist",
        "Devices cgroup isn't mounted",
    ]
}

/// The first release that knows cgroup v2.
const DOCKER: Version = Version::new(20, 10, 0);
const KUBERNETES: Version = Version::new(1, 19, 0);

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    if *facts.cgroup.version.get()? != CgroupVersion::V2 {
        return Ok(Outcome::not_applicable("not cgroup v2"));
    }
    if plan.target == Target::Kind {
        let kubernetes = facts.versions.sure(Component::Kubernetes)?;
        if kubernetes.version < KUBERNETES {
            let remedy = Remedy::kind_config(
                "use a node image of Kubernetes 1.19 or later",
                serde_json::json!({
                    "nodes": [{"role": "control-plane", "image": "kindest/node:v1.19.16"}],
                }),
            );
            let what = ("kubelet", "no node gets ready");
            return Ok(found(Component::Kubernetes, &kubernetes, what).remedy(remedy).into());
        }
    }
    if plan.provider.is_some_and(|provider| provider != Provider::Docker) {
        return Ok(Outcome::pass());
    }
    let docker = facts.versions.sure(Component::Docker)?;
    if docker.version < DOCKER {
        let remedy = Remedy::advice(Place::Image, "use Docker 20.10 or later");
        let what = ("Docker", "no container starts");
        return Ok(found(Component::Docker, &docker, what).remedy(remedy).into());
    }
    Ok(Outcome::pass())
}

fn found(component: Component, version: &KnownVersion, what: (&str, &str)) -> Finding {
    let (name, consequence) = what;
    Finding::new(
        name,
        CHECK.worst,
        format!("cgroups are v2, which {name} {} does not know: {consequence}", version.version),
    )
    .evidence("/sys/fs/cgroup", "cgroup2")
    .rests_on(component, version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact, Why},
        target::Severity,
        testing::{healthy_container, healthy_vm, said_of},
    };

    #[test]
    fn an_old_kubelet_stops_kind_and_an_old_docker_everything() {
        let mut facts = healthy_container();
        facts.versions.give(Component::Kubernetes, Version::new(1, 18, 15));
        let Ok(Outcome::Found(found)) = said_of(&CHECK, &facts, Target::Kind) else { panic!() };
        assert_eq!(found[0].severity.get(Target::Kind), Some(Severity::Error));
        assert_eq!(said_of(&CHECK, &facts, Target::Dockerd), Ok(Outcome::pass()));
        let mut facts = healthy_container();
        facts.versions.give(Component::Docker, Version::new(19, 3, 15));
        for target in [Target::Dockerd, Target::Kind] {
            let Ok(Outcome::Found(found)) = said_of(&CHECK, &facts, target) else { panic!() };
            assert_eq!(found[0].subject, "Docker");
        }
    }

    #[test]
    fn what_is_newer_or_not_known_passes_and_v1_is_another_matter() {
        assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
        assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
        let mut facts = healthy_container();
        facts.versions.give(Component::Kubernetes, Version::new(1, 19, 0));
        facts.versions.give(Component::Docker, Version::new(20, 10, 0));
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
        facts.versions.give(Component::Docker, Version::new(18, 9, 0));
        facts.cgroup.version = Fact::Known(CgroupVersion::V1);
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn a_version_of_cgroups_that_cannot_be_read_is_unknown() {
        let mut facts = healthy_container();
        facts.cgroup.version = Fact::missing("statfs /sys/fs/cgroup", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
