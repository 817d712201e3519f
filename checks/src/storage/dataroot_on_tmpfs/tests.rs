use super::*;
use crate::{
    facts::{
        DataRootOwner::{Docker, Podman, RootlessDocker},
        Fact, Mount, Why,
    },
    storage::data_roots::testing::{on, only_finding, with_roots_on},
    testing::{healthy_container, healthy_vm, mount},
    version::{Component, Version},
};

fn rootless(kernel: Fact<Version>) -> Option<Severity> {
    let mut facts = on("tmpfs", "/home", &[Podman, RootlessDocker]);
    facts.identity.euid = Fact::Known(1000);
    facts.kernel.version = kernel;
    only_finding(judged(&facts)).severity.get(Target::Rootless)
}

#[test]
fn docker_in_memory_is_a_warning_with_its_limit() {
    let limited = Mount {
        super_options: ["rw".into(), "size=1048576k".into()].into(),
        ..mount("/var/lib/docker", "tmpfs", &["rw"])
    };
    let finding = only_finding(judged(&with_roots_on(&limited, &[Docker])));
    assert!(finding.summary.contains("size=1048576k"));
    assert_eq!(finding.severity.worst(&Target::ALL), Some(Severity::Warning));
    assert_eq!(finding.severity.get(Target::Kind), Some(Severity::Warning));
}

#[test]
fn rootless_engines_need_the_attributes_of_linux_6_6() {
    assert_eq!(rootless(Fact::Known(Version::new(6, 1, 0))), Some(Severity::Error));
    assert_eq!(rootless(Fact::Known(Version::new(6, 6, 0))), Some(Severity::Warning));
}

#[test]
fn an_unknown_kernel_leaves_the_warning_that_is_certain() {
    let missing = Fact::missing("uname", Why::NotRecorded);
    assert_eq!(rootless(missing), Some(Severity::Warning));
}

#[test]
fn podman_as_root_needs_no_user_attributes() {
    let mut facts = on("tmpfs", "/var/lib/containers", &[Podman]);
    facts.kernel.version = Fact::Known(Version::new(5, 15, 0));
    facts.storage.data_roots.retain(|root| root.owner != RootlessDocker);
    assert_eq!(
        only_finding(judged(&facts)).severity.get(Target::Rootless),
        Some(Severity::Warning)
    );
}

#[test]
fn the_version_of_docker_is_noted_where_it_decides() {
    let mut facts = on("tmpfs", "/home", &[RootlessDocker, Podman]);
    facts.kernel.version = Fact::Known(Version::new(6, 1, 0));
    assert!(only_finding(judged(&facts)).assumed.contains_key(&Component::Docker));
}

#[test]
fn disks_pass_in_a_container_and_a_vm() {
    assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
    assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
}

#[test]
fn a_missing_filesystem_is_unknown() {
    let mut facts = healthy_container();
    facts.storage.data_roots[0].filesystem = Fact::missing("statfs", Why::TimedOut);
    assert!(judged(&facts).is_err());
}
