use super::*;
use crate::target::Severities;
use crate::{
    facts::{CgroupVersion, DaemonConfig, Fact, Why},
    testing::{healthy_container, healthy_vm, private},
    version::Version,
};

fn within(sandbox: Sandbox) -> Facts {
    let mut facts = healthy_container();
    facts.runtime.sandbox = sandbox;
    facts
}

fn severities(facts: &Facts) -> Severities {
    let Ok(Outcome::Found(found)) = judged(facts) else { panic!("{:?}", judged(facts)) };
    assert!(found[0].severity.within(&CHECK.worst));
    found[0].severity
}

#[test]
fn plain_linux_passes() {
    assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
    assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
}

#[test]
fn gvisor_stops_dockerd_until_iptables_is_off() {
    let mut facts = within(Sandbox::Gvisor);
    assert_eq!(severities(&facts).get(Target::Dockerd), Some(Severity::Error));
    facts.engines.daemon_json = Fact::Known(DaemonConfig {
        path: "/etc/docker/daemon.json".into(),
        content: serde_json::json!({"iptables": false, "ip6tables": false}),
    });
    assert_eq!(severities(&facts).get(Target::Dockerd), Some(Severity::Info));
    assert_eq!(severities(&facts).get(Target::Kind), Some(Severity::Error));
}

#[test]
fn kata_and_sysbox_are_only_told() {
    assert_eq!(
        severities(&within(Sandbox::Kata)),
        severities!(dockerd: Info, kind: Info, rootless: Info, systemd: Info, buildkit: Info)
    );
    assert_eq!(
        severities(&within(Sandbox::Sysbox)),
        severities!(dockerd: Info, kind: Info, rootless: Info, systemd: Info, buildkit: Info)
    );
}

#[test]
fn kind_does_not_start_in_sysbox_on_cgroup_v1() {
    let mut facts = within(Sandbox::Sysbox);
    facts.cgroup.version = Fact::Known(CgroupVersion::V1);
    assert_eq!(severities(&facts).get(Target::Kind), Some(Severity::Error));
}

#[test]
fn wsl_2_passes_on_cgroup_v2_and_wsl_1_never() {
    let mut facts = within(Sandbox::Wsl2);
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    facts.cgroup.version = Fact::Known(CgroupVersion::Hybrid);
    assert_eq!(severities(&facts).get(Target::Kind), Some(Severity::Warning));
    facts.kernel.version = Fact::Known(Version::new(4, 4, 0));
    assert_eq!(severities(&facts), CHECK.worst);
}

#[test]
fn lxc_is_told_what_it_is() {
    let mut facts = healthy_container();
    facts.runtime.engine = Engine::Lxc;
    facts.identity.namespaces.user = private(4_026_532_600);
    assert_eq!(
        severities(&facts),
        severities!(dockerd: Info, kind: Info, rootless: Info, buildkit: Info)
    );
}

#[test]
fn without_a_kernel_release_it_is_unknown() {
    let mut facts = within(Sandbox::Unknown);
    facts.kernel.release = Fact::missing("uname", Why::NotRecorded);
    assert_eq!(judged(&facts).unwrap_err().missing[0].source, "uname");
}
