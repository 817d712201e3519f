use super::*;
use crate::{
    cgroup::testing::{findings, v1_pod, v2_pod},
    testing::{healthy_container, healthy_vm, prepared_base},
};

fn base(facts: &mut Facts) -> &mut CgroupDirectory {
    match &mut facts.cgroup.base {
        Fact::Known(base) => base,
        Fact::Missing(_) => panic!("the healthy container has a base"),
    }
}

fn list(names: &str) -> Fact<Vec<Text>> {
    Fact::Known(names.split_whitespace().map(Into::into).collect())
}

fn set_read_only(facts: &mut Facts) {
    if let Fact::Known(mounts) = &mut facts.cgroup.mounts {
        mounts[0].read_only = true;
    }
    base(facts).writable = Fact::Known(false);
}

/// An ordinary user of a VM, to whom systemd delegates `controllers`.
fn vm_user(controllers: &str) -> Facts {
    let mut facts = healthy_vm();
    facts.identity.euid = Fact::Known(1000);
    base(&mut facts).writable = Fact::Known(false);
    facts.cgroup.user_service = Fact::Known(CgroupDirectory {
        path: "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service".into(),
        controllers: list(controllers),
        ..prepared_base()
    });
    facts
}

#[test]
fn a_read_only_mount_is_found_and_explained_by_the_missing_privilege() {
    let mut facts = healthy_container();
    set_read_only(&mut facts);
    let found = findings(judged(&facts)).remove(0);
    assert_eq!(found.severity, CHECK.worst);
    assert_eq!(found.caused_by, ["privilege-missing"]);
}

#[test]
fn a_read_only_mount_is_certain_without_the_rest() {
    let mut facts = healthy_container();
    set_read_only(&mut facts);
    facts.cgroup.base = Fact::missing("/sys/fs/cgroup", Why::NotPermitted);
    facts.identity.euid = Fact::missing("/proc/self/status", Why::NotPermitted);
    assert_eq!(findings(judged(&facts)).len(), 1);
}

#[test]
fn root_that_does_not_own_the_cgroup_is_refused() {
    let mut facts = healthy_container();
    base(&mut facts).writable = Fact::Known(false);
    let found = findings(judged(&facts)).remove(0);
    assert_eq!((found.severity, found.caused_by.len()), (CHECK.worst, 0));
}

#[test]
fn another_user_in_a_container_lacks_limits_only() {
    let mut facts = healthy_container();
    facts.identity.euid = Fact::Known(1000);
    base(&mut facts).writable = Fact::Known(false);
    let found = findings(judged(&facts));
    assert_eq!((found.len(), found[0].severity), (1, severities!(rootless: Warning)));
}

#[test]
fn missing_controllers_stop_kubelet_and_take_limits_from_the_others() {
    for (offered, severity) in [
        (
            "cpuset cpu io pids",
            severities!(dockerd: Warning, kind: Error, rootless: Warning, systemd: Warning, buildkit: Info),
        ),
        ("cpu io memory pids", severities!(kind: Error)),
        ("cpuset cpu memory pids", severities!(kind: Warning)),
    ] {
        let mut facts = healthy_container();
        base(&mut facts).controllers = list(offered);
        let found = findings(judged(&facts)).remove(0);
        assert_eq!(found.severity, severity, "{offered}");
        assert!(found.caused_by.is_empty());
    }
}

#[test]
fn in_a_threaded_cgroup_that_explains_what_is_missing() {
    let mut facts = healthy_container();
    base(&mut facts).controllers = list("cpuset cpu pids");
    base(&mut facts).kind = Fact::Known(CgroupType::Threaded);
    assert_eq!(findings(judged(&facts))[0].caused_by, ["cgroup2-internal-process"]);
}

#[test]
fn a_kernel_without_memory_hurts_a_host_too() {
    let mut facts = healthy_vm();
    base(&mut facts).controllers = list("cpuset cpu io pids");
    assert!(findings(judged(&facts))[0].remedies[0].text.contains("cgroup_disable="));
}

#[test]
fn a_user_gets_what_systemd_delegates() {
    let found = findings(judged(&vm_user("memory pids"))).remove(0);
    assert_eq!(found.severity, severities!(rootless: Warning));
    assert!(found.summary.contains("cpu cpuset io to user 1000"), "{}", found.summary);
    assert_eq!(judged(&vm_user("cpuset cpu io memory pids")), Ok(Outcome::pass()));
    let default = findings(judged(&vm_user("cpu memory pids"))).remove(0);
    assert_eq!(default.severity, severities!(rootless: Info));
}

#[test]
fn a_node_on_a_rootless_engine_needs_them() {
    let mut facts = vm_user("cpu io memory pids");
    let kind = |facts: &Facts| findings(judged(facts)).remove(0).severity.get(Target::Kind);
    assert_eq!(kind(&facts), None, "it may be on Docker");
    let socket = "unix:///run/user/1000/podman/podman.sock";
    facts.runtime.variables = Fact::Known(alloc::vec![("DOCKER_HOST".into(), socket.into())]);
    let all = findings(judged(&facts));
    assert!(all.iter().any(|f| f.severity.get(Target::Kind) == Some(Severity::Error)), "{all:?}");
}

#[test]
fn a_user_without_a_user_manager_has_no_limits() {
    let mut facts = vm_user("");
    facts.cgroup.user_service = Fact::missing("user@1000.service", Why::NotFound);
    assert_eq!(findings(judged(&facts))[0].severity, severities!(rootless: Warning));
}

#[test]
fn writable_cgroups_without_privilege_pass() {
    let mut facts = healthy_container();
    facts.capabilities.effective = Fact::Known(crate::facts::CapabilitySet(0xa804_25fb));
    assert_eq!(judged(&facts), Ok(Outcome::pass()));
    assert_eq!(judged(&v2_pod()), Ok(Outcome::pass()));
}

#[test]
fn a_host_passes_and_v1_is_not_judged() {
    assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
    assert!(matches!(judged(&v1_pod()), Ok(Outcome::NotApplicable(_))));
}

#[test]
fn without_the_files_it_is_unknown() {
    let breaks: [fn(&mut Facts); 4] = [
        |facts| facts.cgroup.base = Fact::missing("/sys/fs/cgroup", Why::NotPermitted),
        |facts| base(facts).writable = Fact::missing("cgroup.procs", Why::Io(5)),
        |facts| base(facts).controllers = Fact::missing("cgroup.controllers", Why::NotPermitted),
        |facts| facts.identity.euid = Fact::missing("/proc/self/status", Why::NotPermitted),
    ];
    for break_one in breaks {
        let mut facts = healthy_container();
        break_one(&mut facts);
        assert!(judged(&facts).is_err());
    }
    let mut facts = vm_user("memory");
    facts.cgroup.user_service = Fact::missing("user@1000.service", Why::NotPermitted);
    assert!(judged(&facts).is_err());
}

#[test]
fn a_cgroup_that_was_made_or_refused_decides() {
    use crate::{facts::TrialName, outcome::Proof, testing::tried};
    let mut facts = healthy_container();
    base(&mut facts).writable = Fact::Known(false);
    let made = (Action::MakeDirectory, "/sys/fs/cgroup", None);
    let has = (Action::ChildController, "memory", None);
    tried(&mut facts, TrialName::Cgroup, "/sys/fs/cgroup", &[made, has]);
    assert_eq!(judged(&facts), Ok(Outcome::proved()));

    let mut facts = healthy_container();
    let refused = (Action::MakeDirectory, "/sys/fs/cgroup", Some("EROFS"));
    tried(&mut facts, TrialName::Cgroup, "/sys/fs/cgroup", &[refused]);
    let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
    assert_eq!(found[0].proof(), Proof::Trial);
    assert_eq!(found[0].severity, CHECK.worst);
}

#[test]
fn kind_with_podman_sees_the_cgroup_that_it_is_called_in() {
    use crate::testing::{said_of, severity_for};
    let podman =
        || Fact::Known(alloc::vec![("KIND_EXPERIMENTAL_PROVIDER".into(), "podman".into())]);
    let mut facts = vm_user("cpuset cpu io memory pids");
    facts.cgroup.own = Fact::Known(CgroupDirectory {
        path: "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/x.service"
            .into(),
        controllers: list("memory pids"),
        ..prepared_base()
    });
    assert_eq!(
        said_of(&CHECK, &facts, Target::Kind),
        Ok(Outcome::Pass(crate::outcome::Proof::Static))
    );
    facts.runtime.variables = podman();
    let found = findings(said_of(&CHECK, &facts, Target::Kind)).remove(0);
    assert_eq!(found.severity.get(Target::Kind), Some(Severity::Error));
    assert!(found.summary.contains("does not offer cpu"), "{}", found.summary);
    if let Fact::Known(own) = &mut facts.cgroup.own {
        own.controllers = list("cpu memory pids");
    }
    assert_eq!(severity_for(&CHECK, &facts, Target::Kind), None);
    facts.cgroup.own = Fact::missing("/proc/self/cgroup", Why::NotPermitted);
    assert_eq!(severity_for(&CHECK, &facts, Target::Kind), None);
}
