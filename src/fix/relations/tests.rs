use dind_doctor_checks::{
    facts::{Fact, Facts, Launcher, Tri},
    remedy::{ContainerSetting, DaemonOption, ParentOf},
};

use super::*;
use crate::{fix::options, report::testing::report_of};

fn container() -> Facts {
    let mut facts = Facts::default();
    facts.runtime.container = Tri::Yes;
    facts.cgroup.version = Fact::Known(CgroupVersion::V2);
    facts
}

fn settled(launcher: Launcher, facts: &Facts, fill: impl FnOnce(&mut Composed)) -> Composed {
    let report = report_of(&[]);
    let given =
        Given { report: &report, facts, launcher: Some(launcher), redacted: false, image: None };
    let mut all = Composed::default();
    fill(&mut all);
    settle(&mut all, &given);
    all
}

fn setting(setting: ContainerSetting, id: &'static str) -> Traced<ContainerSetting> {
    Traced::new(setting, id)
}

#[test]
fn a_namespace_of_its_own_brings_the_nesting_with_it_and_leaves_no_parent_to_compute() {
    let all = settled(Launcher::Docker, &container(), |all| {
        all.settings.push(setting(PrivateCgroupNamespace, "host-cgroupns-on-v2"));
        all.task(Place::Image, Task::CgroupParent(ParentOf::Unified), &["other"]);
    });
    let leaf = Task::CgroupLeaf { directory: "/sys/fs/cgroup".to_owned() };
    assert_eq!(all.tasks.len(), 1);
    assert_eq!(all.tasks[0].value, (Place::Image, leaf));
    assert_eq!(all.tasks[0].why, ["host-cgroupns-on-v2", "other"]);
}

#[test]
fn on_a_machine_and_on_version_1_nothing_is_added() {
    let mut machine = container();
    machine.runtime.container = Tri::No;
    let mut v1 = container();
    v1.cgroup.version = Fact::Known(CgroupVersion::V1);
    for facts in [machine, v1] {
        let all = settled(Launcher::Docker, &facts, |all| {
            all.settings.push(setting(Privileged, "privilege-missing"));
        });
        assert!(all.tasks.is_empty());
    }
}

#[test]
fn what_a_pod_has_no_field_for_goes_into_the_image() {
    let all = settled(Launcher::Kubernetes, &container(), |all| {
        all.settings.push(setting(Init, "pid1-no-reaper"));
        all.settings.push(setting(PrivateCgroupNamespace, "host-cgroupns-on-v2"));
    });
    assert!(all.settings.is_empty());
    let own = Task::CgroupNamespace { command: "dockerd".to_owned(), prepared: true };
    let tasks: Vec<_> = all.tasks.iter().map(|task| &task.value.1).collect();
    assert_eq!(tasks, [&Task::InitInImage, &own]);
}

#[test]
fn a_daemon_without_rules_has_no_backend_and_that_is_said() {
    let all = settled(Launcher::Docker, &container(), |all| {
        for (option, id) in [
            (DaemonOption::firewall_backend("nftables"), "a"),
            (DaemonOption::iptables(false), "b"),
        ] {
            options::add(&mut all.options, Traced::new(option, id), &mut all.lost);
        }
    });
    assert_eq!(all.options.len(), 1);
    assert_eq!(all.lost[0].because, "dockerd makes no rules at all (b)");
}

#[test]
fn of_two_limits_the_larger_serves_both_and_switches_are_no_limits() {
    let all = settled(Launcher::Docker, &container(), |all| {
        for (name, value) in [("fs.a", "512"), ("fs.a", "8192"), ("net.b", "0"), ("net.b", "1")] {
            all.task(Place::Here, Task::sysctl(name, value, ""), &["x"]);
        }
    });
    let values: Vec<_> = all.tasks.iter().map(|task| task.value.1.commands().concat()).collect();
    assert_eq!(values, ["sysctl -w fs.a=8192", "sysctl -w net.b=0"]);
    assert_eq!(all.lost.len(), 1);
}
