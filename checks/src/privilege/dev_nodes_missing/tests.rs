use super::*;
use crate::{
    facts::{CapabilitySet, Fact, Fact::Known},
    target::Severity,
    testing::{healthy_container, healthy_vm, private},
    version::Version,
};

fn with(device: Device, number: Option<&str>, usable: bool) -> Facts {
    let mut facts = healthy_container();
    for node in facts.security.devices.iter_mut().filter(|node| node.device == device) {
        node.number = match number {
            Some(number) => Known(number.into()),
            None => Fact::missing(device.path(), Why::NotFound),
        };
        node.usable = Known(usable);
    }
    facts
}

fn severity(facts: &Facts, target: Target) -> Option<Severity> {
    let Ok(Outcome::Found(found)) = judged(facts) else { panic!("{:?}", judged(facts)) };
    assert!(found[0].severity.within(&CHECK.worst));
    found[0].severity.get(target)
}

#[test]
fn a_privileged_container_and_a_vm_pass() {
    assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
    assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
}

#[test]
fn without_tun_rootless_engines_have_no_network() {
    let error = Some(Severity::Error);
    assert_eq!(severity(&with(Device::Tun, None, false), Target::Rootless), error);
    assert_eq!(severity(&with(Device::Tun, Some("10:200"), false), Target::Rootless), error);
    assert_eq!(severity(&with(Device::Tun, Some("1:3"), true), Target::Rootless), error);
    let mut facts = with(Device::Tun, None, false);
    let name = "DOCKERD_ROOTLESS_ROOTLESSKIT_NET";
    facts.runtime.variables = Known(alloc::vec![(name.into(), "host".into())]);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn kubelet_stops_at_a_refused_kmsg_and_kind_replaces_a_missing_one() {
    let refused = with(Device::Kmsg, Some("1:11"), false);
    assert_eq!(severity(&refused, Target::Kind), Some(Severity::Error));
    let absent = with(Device::Kmsg, None, false);
    assert_eq!(severity(&absent, Target::Kind), Some(Severity::Info));
    assert_eq!(judged(&with(Device::Kmsg, Some("5:1"), true)), Ok(Outcome::pass()));
    let mut user = refused.clone();
    user.identity.euid = Known(1000);
    assert_eq!(judged(&user), Ok(Outcome::pass()));
    let mut nested = refused;
    nested.identity.namespaces.user = private(4_026_532_600);
    assert_eq!(judged(&nested), Ok(Outcome::pass()));
}

#[test]
fn fuse_is_needed_only_where_the_kernel_has_no_overlay_for_users() {
    let mut facts = with(Device::Fuse, None, false);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    facts.kernel.version = Known(Version::new(5, 4, 0));
    assert_eq!(severity(&facts, Target::Rootless), Some(Severity::Warning));
    facts.kernel.build = Known("#1 SMP Ubuntu".into());
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
}

#[test]
fn an_unprivileged_container_explains_it() {
    let mut facts = with(Device::Tun, None, false);
    facts.capabilities.bounding = Known(CapabilitySet(0xa804_25fb));
    let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
    assert_eq!(found[0].caused_by, ["privilege-missing"]);
}

#[test]
fn what_cannot_be_looked_at_is_unknown() {
    let mut facts = healthy_container();
    facts.security.devices.clear();
    assert!(judged(&facts).is_err());
}

#[test]
fn opening_a_device_says_more_than_being_permitted_to() {
    use crate::testing::tried;
    let opened = |facts: &mut Facts, tun| {
        let steps = [("/dev/fuse", None), ("/dev/net/tun", tun), ("/dev/kmsg", None)];
        let steps = steps.map(|(device, refused)| (Action::OpenDevice, device, refused));
        tried(facts, TrialName::Privilege, "", &steps);
    };
    let mut facts = with(Device::Tun, Some("10:200"), false);
    opened(&mut facts, None);
    assert_eq!(judged(&facts), Ok(Outcome::proved()));
    let mut facts = healthy_container();
    opened(&mut facts, Some("ENODEV"));
    assert_eq!(severity(&facts, Target::Rootless), Some(Severity::Error));
    let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
    assert_eq!(found[0].evidence[1].source, "trial: open a device (/dev/net/tun)");
}

#[test]
fn a_podman_that_makes_no_network_needs_no_tun() {
    let mut facts = with(Device::Tun, None, false);
    facts.identity.euid = Known(1000);
    facts.capabilities.effective = Known(CapabilitySet(0));
    let hurt = |facts: &Facts| match crate::testing::said_of(&CHECK, facts, Target::Podman) {
        Ok(Outcome::Found(found)) => found.iter().any(|finding| finding.subject == "/dev/net/tun"),
        _ => false,
    };
    assert!(hurt(&facts));
    let told =
        |netns: &str| Known(PodmanDefaults { netns: netns.into(), ..PodmanDefaults::default() });
    for (netns, needs) in [("host", false), ("none", false), ("private", true)] {
        facts.resources.podman_defaults = told(netns);
        assert_eq!(hurt(&facts), needs, "{netns}");
    }
}
