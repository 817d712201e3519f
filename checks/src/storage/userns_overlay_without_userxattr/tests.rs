use alloc::vec::Vec;

use super::*;
use crate::{
    facts::Fact,
    outcome::Finding,
    testing::{healthy_container, healthy_vm, private},
    version::Version,
};

fn user_on(major: u32, minor: u32) -> Facts {
    let mut facts = healthy_vm();
    facts.identity.euid = Fact::Known(1000);
    facts.kernel.version = Fact::Known(Version::new(major, minor, 0));
    facts.kernel.release = Fact::Known(format!("{major}.{minor}.0-28-amd64").into());
    facts
}

fn found(facts: &Facts) -> Vec<Finding> {
    match judged(facts) {
        Ok(Outcome::Found(found)) => {
            assert!(found.iter().all(|f| f.severity.within(&CHECK.worst)), "{found:?}");
            found
        }
        other => panic!("{other:?}"),
    }
}

fn worst(facts: &Facts, target: Target) -> Option<Severity> {
    found(facts).iter().filter_map(|f| f.severity.get(target)).max()
}

#[test]
fn before_5_11_overlays_are_refused() {
    let facts = user_on(5, 10);
    assert_eq!(worst(&facts, Target::Rootless), Some(Severity::Error));
    assert_eq!(worst(&facts, Target::Buildkit), Some(Severity::Warning));
    assert_eq!(worst(&facts, Target::Kind), None);
    assert!(found(&facts)[0].summary.contains("Linux 5.10.0 refuses overlays"));
}

#[test]
fn debian_s_parameter_lets_broken_mounts_succeed() {
    let mut facts = user_on(5, 10);
    facts.storage.permit_mounts_in_userns = Fact::Known(Some(true));
    assert_eq!(worst(&facts, Target::Buildkit), Some(Severity::Error));
    facts.identity.namespaces.user = private(4_026_532_700);
    assert_eq!(worst(&facts, Target::Kind), Some(Severity::Warning));
    facts.storage.permit_mounts_in_userns = Fact::Known(Some(false));
    assert!(found(&facts)[0].summary.contains("refuses"));
}

#[test]
fn ubuntu_permits_it_and_rhel_8_cannot_be_told() {
    let mut facts = user_on(5, 4);
    facts.kernel.ubuntu_signature = Fact::Known(Some("Ubuntu 5.4.0-150.167-generic".into()));
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    let mut facts = user_on(4, 18);
    facts.kernel.release = Fact::Known("4.18.0-553.el8_10.x86_64".into());
    assert!(judged(&facts).is_err());
}

#[test]
fn selinux_needs_5_13() {
    let mut facts = user_on(5, 12);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    facts.security.selinux_mounted = Fact::Known(true);
    assert!(found(&facts)[0].summary.contains("SELinux"));
    facts.kernel.version = Fact::Known(Version::new(5, 13, 0));
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn fuse_overlayfs_makes_podman_only_slower() {
    let mut facts = user_on(5, 10);
    facts.storage.fuse_overlayfs = Fact::Known(Some("/usr/bin/fuse-overlayfs".into()));
    facts.storage.data_roots.retain(|root| root.owner == DataRootOwner::Podman);
    assert_eq!(worst(&facts, Target::Rootless), Some(Severity::Warning));
}

#[test]
fn root_of_the_machine_is_not_judged() {
    assert!(matches!(judged(&healthy_container()), Ok(Outcome::NotApplicable(_))));
    assert!(matches!(judged(&healthy_vm()), Ok(Outcome::NotApplicable(_))));
}

#[test]
fn without_the_kernel_s_release_it_is_unknown() {
    let mut facts = user_on(5, 10);
    facts.kernel.version = Fact::missing("uname", Why::NotRecorded);
    assert!(judged(&facts).is_err());
}

#[test]
fn gvisor_only_calls_itself_4_4() {
    let mut facts = user_on(4, 4);
    assert_eq!(found(&facts)[0].severity.get(Target::Rootless), Some(Severity::Error));
    facts.runtime.sandbox = Sandbox::Gvisor;
    assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
}

#[test]
fn a_trial_says_more_than_the_release() {
    use crate::{facts::Action, storage::tried::testing::tried};
    let mut facts = user_on(5, 10);
    tried(&mut facts, "/home", IN_USER_NAMESPACE, None);
    assert_eq!(judged(&facts), Ok(Outcome::Pass(Proof::Trial)));

    let mut facts = user_on(6, 1);
    tried(&mut facts, "/home", IN_USER_NAMESPACE, Some((Action::OpaqueDirectory, 5, "EIO")));
    assert_eq!(worst(&facts, Target::Buildkit), Some(Severity::Error), "mounted, and broken");
    assert_eq!(found(&facts)[0].proof(), Proof::Trial);

    let mut facts = user_on(6, 1);
    tried(&mut facts, "/home", IN_USER_NAMESPACE, Some((Action::MountOverlay, EPERM, "EPERM")));
    assert_eq!(worst(&facts, Target::Rootless), Some(Severity::Error));

    let mut facts = user_on(6, 1);
    tried(&mut facts, "/home", IN_USER_NAMESPACE, Some((Action::MountOverlay, 22, "EINVAL")));
    assert_eq!(judged(&facts), Ok(Outcome::pass()), "of the filesystem, which other checks judge");
}
