use super::*;
use crate::{
    facts::{CapabilitySet, Fact, Fact::Known, Program},
    testing::{healthy_container, healthy_vm},
};

fn only(facts: &Facts) -> Finding {
    match judged(facts) {
        Ok(Outcome::Found(mut found)) if found.len() == 1 => {
            assert!(found[0].severity.within(&CHECK.worst));
            found.remove(0)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_healthy_container_and_a_vm_pass() {
    assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
    assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
}

#[test]
fn each_switch_is_found_by_its_own_name() {
    let mut facts = healthy_vm();
    facts.userns.max = Known(0);
    assert!(only(&facts).summary.contains("max_user_namespaces"));
    let mut facts = healthy_vm();
    facts.userns.unprivileged = Known(false);
    assert!(only(&facts).summary.contains("unprivileged_userns_clone"));
    let mut facts = healthy_vm();
    facts.identity.namespaces.user = Fact::missing("/proc/self/ns/user", Why::NotFound);
    assert!(only(&facts).summary.contains("CONFIG_USER_NS"));
}

#[test]
fn buildkitd_as_root_needs_no_user_namespace() {
    let mut facts = healthy_vm();
    facts.userns.max = Known(0);
    assert_eq!(only(&facts).severity.get(Target::Buildkit), None);
    facts.capabilities.bounding = Known(CapabilitySet(0xa804_25fb));
    assert_eq!(only(&facts).severity.get(Target::Buildkit), Some(Severity::Error));
}

#[test]
fn ubuntus_restriction_spares_programs_with_a_profile() {
    let mut facts = healthy_vm();
    facts.identity.euid = Known(1000);
    facts.userns.apparmor_restricted = Known(true);
    assert_eq!(only(&facts).severity.get(Target::Rootless), Some(Severity::Error));
    facts.userns.profiles = Known(["podman", "rootlesskit"].map(Into::into).into());
    let found = only(&facts);
    assert_eq!(found.severity.get(Target::Rootless), Some(Severity::Info));
    assert_eq!(found.severity.get(Target::Buildkit), Some(Severity::Info));
}

#[test]
fn the_profile_of_a_container_refuses_mounts_and_ones_own_is_not_judged() {
    let mut facts = healthy_container();
    facts.userns.apparmor_restricted = Known(true);
    for label in ["my-profile (enforce)", "docker-default (complain)"] {
        facts.security.label = Known(label.into());
        assert_eq!(judged(&facts), Ok(Outcome::pass()), "{label}");
    }
    facts.identity.euid = Known(1000);
    facts.capabilities.bounding = Known(CapabilitySet(0xa804_25fb));
    facts.security.label = Known("cri-containerd.apparmor.d (enforce)".into());
    let wanted = severities!(rootless: Error, buildkit: Error, sandbox: Error);
    assert_eq!(only(&facts).severity, wanted);
}

#[test]
fn bubblewrap_of_root_needs_no_user_namespace_but_may_not_map_root_without_setfcap() {
    let mut facts = healthy_vm();
    facts.userns.max = Known(0);
    assert_eq!(only(&facts).severity.get(Target::Sandbox), None);
    facts.identity.euid = Known(1000);
    assert_eq!(only(&facts).severity.get(Target::Sandbox), Some(Severity::Error));

    let mut facts = healthy_container();
    facts.capabilities.effective = Known(CapabilitySet(0x2000_21b7));
    assert_eq!(only(&facts).severity, severities!(sandbox: Error));
    facts.identity.euid = Known(1000);
    assert_eq!(judged(&facts), Ok(Outcome::pass()), "an ordinary user maps himself");
}

#[test]
fn without_a_switch_it_is_unknown_unless_another_one_tells() {
    let mut facts = healthy_container();
    facts.userns.unprivileged = Fact::missing(SOURCE_CLONE, Why::NotPermitted);
    assert!(judged(&facts).is_err());
    facts.userns.max = Known(0);
    assert!(matches!(judged(&facts), Ok(Outcome::Found(_))));
    let mut old = healthy_container();
    old.userns.max = Fact::missing(SOURCE_MAX, Why::NotFound);
    assert_eq!(judged(&old), Ok(Outcome::pass()));
}

#[test]
fn a_trial_says_more_than_the_switches() {
    use crate::{outcome::Proof, testing::tried};
    let (unshare, map, mount) = (Action::Unshare, Action::MapIds, Action::MountTmpfs);
    let mut facts = healthy_vm();
    facts.userns.unprivileged = Known(false);
    tried(&mut facts, TrialName::Userns, "uid 1000", &[(unshare, "", None), (mount, "", None)]);
    assert_eq!(judged(&facts), Ok(Outcome::proved()));

    let mut facts = healthy_vm();
    let steps = [(unshare, "", None), (map, "", None), (mount, "", Some("EACCES"))];
    tried(&mut facts, TrialName::Userns, "uid 1000", &steps);
    let found = only(&facts);
    assert_eq!(found.summary, "uid 1000 fails to mount tmpfs for a user namespace: EACCES");
    assert_eq!(found.proof(), Proof::Trial);

    facts.userns.max = Known(0);
    let found = only(&facts);
    assert!(found.summary.contains("max_user_namespaces"));
    assert_eq!(found.evidence.last().unwrap().source, "trial: mount tmpfs (uid 1000)");
}

#[test]
fn in_a_chroot_nobody_makes_one() {
    let mut facts = healthy_container();
    let Known(table) = &mut facts.mounts else { panic!() };
    table.rows.retain(|row| row.mount_point != "/");
    facts.identity.euid = Known(1000);
    let found = only(&facts);
    assert!(found.summary.contains("chroot"));
    assert_eq!(found.severity.get(Target::Sandbox), Some(Severity::Error));
}

#[test]
fn one_user_namespace_is_too_few_for_bubblewrap_of_a_user_only() {
    let mut facts = healthy_vm();
    facts.userns.max = Known(1);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    facts.identity.euid = Known(1000);
    assert_eq!(only(&facts).severity, severities!(sandbox: Error));
}

#[test]
fn a_profile_spares_the_program_that_it_is_for_and_no_other() {
    let rootless = |path: &str, profile: &str| {
        let mut facts = healthy_vm();
        facts.identity.euid = Known(1000);
        facts.userns.apparmor_restricted = Known(true);
        facts.security.label = Known("unconfined".into());
        facts.userns.profiles = Known(alloc::vec![profile.into()]);
        let program = Program { name: "rootlesskit".into(), path: Known(Some(path.into())) };
        facts.engines.programs = alloc::vec![program];
        only(&facts).severity.get(Target::Rootless)
    };
    let (info, error) = (Some(Severity::Info), Some(Severity::Error));
    assert_eq!(rootless("/usr/bin/rootlesskit", "rootlesskit"), info);
    assert_eq!(rootless("/home/a/bin/rootlesskit", "rootlesskit"), error);
    assert_eq!(rootless("/home/a/bin/rootlesskit", "home.a.bin.rootlesskit"), info);
    assert_eq!(rootless("/home/a/bin/rootlesskit", "/usr/bin/rootlesskit"), error);
    assert_eq!(rootless("/opt/rootlesskit", "rootlesskit-of-ours"), info, "it may be for it");
}

#[test]
fn a_bubblewrap_that_is_root_needs_no_user_namespace() {
    use crate::testing::said_of;
    let sandbox = |facts: &Facts| said_of(&CHECK, facts, Target::Sandbox);
    let mut facts = healthy_vm();
    facts.userns.max = Known(0);
    assert!(matches!(sandbox(&facts), Ok(Outcome::Found(_))));
    facts.userns.set_user_id_bwrap = Known(true);
    assert!(matches!(sandbox(&facts), Ok(Outcome::NotApplicable(_))));
    facts.security.label = Known("docker-default (enforce)".into());
    facts.runtime.container = crate::facts::Tri::Yes;
    assert!(
        matches!(sandbox(&facts), Ok(Outcome::Found(_))),
        "the profile refuses mounts to root, too"
    );
}
