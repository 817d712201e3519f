use super::*;
use crate::{
    facts::{
        DataRootOwner::{Buildkit, Docker, Podman, RootlessBuildkit, RootlessDocker},
        Fact,
    },
    storage::data_roots::testing::{on, only_finding, with_roots_on},
    testing::{healthy_container, healthy_vm, mount, said_of},
    version::{Component, Version},
};

const ERROR: Option<Severity> = Some(Severity::Error);
const WARNING: Option<Severity> = Some(Severity::Warning);

fn severities(facts: &Facts) -> [Option<Severity>; 2] {
    let finding = only_finding(judged(facts));
    assert!(finding.severity.within(&CHECK.worst));
    [Target::Dockerd, Target::Kind].map(|target| finding.severity.get(target))
}

fn with_docker(mut facts: Facts, version: Version) -> Facts {
    facts.versions.give(Component::Docker, version);
    facts
}

#[test]
fn nfs_stops_docker_29_and_kind_and_slows_docker_28() {
    let facts = on("nfs4", "/var/lib/docker", &[Docker]);
    assert!(only_finding(judged(&facts)).summary.contains("nfs4"));
    assert_eq!(severities(&with_docker(facts.clone(), Version::new(29, 0, 0))), [ERROR, ERROR]);
    assert_eq!(severities(&with_docker(facts, Version::new(28, 0, 0))), [WARNING, ERROR]);
}

#[test]
fn podman_does_not_start_on_9p_and_buildkitd_copies() {
    let facts = on("9p", "/home", &[Podman, RootlessDocker, Buildkit]);
    let of = |target| only_finding(said_of(&CHECK, &facts, target)).severity.get(target);
    assert_eq!(of(Target::Rootless), ERROR);
    assert_eq!(of(Target::Buildkit), WARNING);
}

/// What virtiofs carries depends on the machine that serves it.
#[test]
fn what_is_found_for_podman_hides_nothing_that_is_unknown_for_dockerd() {
    let mut facts = on("virtiofs", "/var/lib/docker", &[Docker]);
    for root in &mut facts.storage.data_roots {
        if matches!(root.owner, Podman | RootlessDocker) {
            let nfs = on("nfs4", "/home", &[root.owner]);
            let of_nfs = nfs.storage.data_roots.into_iter().find(|other| other.owner == root.owner);
            root.filesystem = of_nfs.unwrap().filesystem;
        }
    }
    let said = |target| said_of(&CHECK, &facts, target);
    assert!(matches!(said(Target::Rootless), Ok(Outcome::Found(_))));
    for target in [Target::Dockerd, Target::Kind, Target::Docker] {
        let verdict = said(target);
        let open = match &verdict {
            Err(_) => true,
            Ok(Outcome::Found(found)) => found.iter().any(|finding| !finding.missing.is_empty()),
            Ok(_) => false,
        };
        assert!(open, "{target}: {verdict:?}");
    }
    let judgement = CHECK.judge(&facts, &crate::plan::Plans::of(&facts));
    let dockerd = judgement.targets.iter().find(|of| of.target == Target::Dockerd).unwrap();
    assert!(matches!(dockerd.said, crate::judge::Said::Unknown(_)), "{dockerd:?}");
    let buildkit = judgement.targets.iter().find(|of| of.target == Target::Buildkit).unwrap();
    assert_eq!(buildkit.said, crate::judge::Said::Pass);
}

#[test]
fn fat_cannot_hold_even_copies() {
    let facts = with_docker(on("vfat", "/var/lib/docker", &[Docker]), Version::new(28, 0, 0));
    assert_eq!(severities(&facts), [ERROR, ERROR]);
}

#[test]
fn xfs_without_d_type_is_found() {
    let mut facts = on("xfs", "/var/lib/docker", &[Docker]);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    let Fact::Known(filesystem) = &mut facts.storage.data_roots[0].filesystem else { panic!() };
    filesystem.d_type = Some(false);
    assert!(only_finding(judged(&facts)).summary.contains("without d_type"));
}

#[test]
fn zfs_depends_on_its_version_and_docker() {
    let mut facts = on("zfs", "/var/lib/docker", &[Docker]);
    facts.storage.zfs = Fact::Known(Some(Version::new(2, 2, 7)));
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    facts.storage.zfs = Fact::Known(Some(Version::new(2, 1, 5)));
    assert_eq!(severities(&with_docker(facts.clone(), Version::new(29, 0, 0))), [ERROR, ERROR]);
    let old = with_docker(facts.clone(), Version::new(28, 0, 0));
    assert_eq!(severities(&old), [WARNING, WARNING]);
    facts.storage.zfs = Fact::missing("/sys/module/zfs/version", Why::NotFound);
    assert!(judged(&facts).is_err());
}

#[test]
fn virtiofs_and_unknown_fuse_need_a_trial() {
    for fstype in ["virtiofs", "fuse.juicefs"] {
        let Err(unknown) = judged(&on(fstype, "/var/lib/docker", &[Docker])) else { panic!() };
        assert_eq!(unknown.missing[0].why, Why::NotProbed);
    }
}

#[test]
fn noexec_is_found_and_nosuid_only_for_rootless_buildkit() {
    let noexec = mount("/var/lib/docker", "ext4", &["noexec", "rw"]);
    assert_eq!(severities(&with_roots_on(&noexec, &[Docker])), [WARNING, WARNING]);
    let nosuid = mount("/home", "ext4", &["nodev", "nosuid", "rw"]);
    let mut facts = with_roots_on(&nosuid, &[Docker, RootlessDocker, RootlessBuildkit]);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    facts.identity.euid = Fact::Known(1000);
    let finding = only_finding(judged(&facts));
    assert_eq!(finding.severity.get(Target::Buildkit), WARNING);
    assert!(finding.summary.contains("mounted nosuid,nodev"));
}

#[test]
fn local_disks_overlays_and_tmpfs_pass_here() {
    assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
    assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
    for fstype in ["overlay", "tmpfs", "btrfs", "xfs"] {
        assert_eq!(judged(&on(fstype, "/", &[Docker])), Ok(Outcome::pass()), "{fstype}");
    }
}

#[test]
fn a_missing_filesystem_is_unknown() {
    let mut facts = healthy_container();
    facts.storage.data_roots[0].filesystem = Fact::missing("statfs", Why::TimedOut);
    assert!(judged(&facts).is_err());
}

#[test]
fn a_trial_tells_what_nothing_else_can() {
    use crate::{facts::Action, outcome::Proof, storage::tried::testing::tried};
    let mut facts = on("virtiofs", "/data", &[Docker]);
    facts.storage.data_roots.retain(|root| root.owner == Docker);
    assert!(judged(&facts).is_err());
    tried(&mut facts, "/var/lib/docker", "", None);
    assert_eq!(judged(&facts), Ok(Outcome::Pass(Proof::Trial)));

    facts.trials.runs.clear();
    tried(&mut facts, "/var/lib/docker", "", Some((Action::Whiteout, 95, "EOPNOTSUPP")));
    let finding = only_finding(judged(&facts));
    assert_eq!(finding.proof(), Proof::Trial);
    assert!(finding.summary.contains("where overlays do not work"), "{}", finding.summary);

    facts.trials.runs.clear();
    tried(&mut facts, "/var/lib/docker", "", Some((Action::MountOverlay, 19, "ENODEV")));
    assert!(
        judged(&facts).is_err(),
        "that the kernel has no overlay says nothing of the filesystem"
    );
}
