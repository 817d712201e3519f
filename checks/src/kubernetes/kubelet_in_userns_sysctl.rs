use alloc::{format, string::String, vec::Vec};

use serde_json::json;

use crate::{
    facts::{Facts, KernelSetting, Sandbox},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{Place, Remedy, Task},
};

check! {
    /// ## What it looks at
    /// The user namespace, and the values of the sysctls that kubelet sets when it starts:
    /// `vm.overcommit_memory`, `vm.panic_on_oom`, `kernel.panic`, `kernel.panic_on_oops`,
    /// `kernel.keys.root_maxkeys`, `kernel.keys.root_maxbytes`.
    ///
    /// ## Why it matters
    /// These belong to the whole machine, so that in a user namespace nobody may write them. kubelet
    /// writes each that has not the value it wants, and stops when it cannot.
    ///
    /// ## When it is fine
    /// In the initial user namespace a kind node is privileged, and may write them. Where the values are
    /// right already nothing is written. kind with rootless Docker or podman sets the feature gate by
    /// itself; it does not where a rootful dockerd runs in a user namespace (`hostUsers: false`, LXC).
    /// Sysbox answers for the kernel.
    ///
    /// ## How to fix
    /// The feature gate `KubeletInUserNamespace`, or the values on the host.
    ///
    /// ## References
    /// kubelet `pkg/kubelet/cm` `setupKernelTunables`;
    /// <https://kubernetes.io/docs/tasks/administer-cluster/kubelet-in-userns/>; k3s-io/k3s#4249.
    "kubelet-in-userns-sysctl",
    "kubelet cannot set kernel parameters in a user namespace",
    { kind: Error },
    [
        "failed to update sysctl",
        "Failed to start ContainerManager",
        "open /proc/sys/vm/overcommit_memory: permission denied",
        "open /proc/sys/kernel/panic: permission denied",
        "/proc/sys/vm/overcommit_memory: read-only file system",
        "/proc/sys/kernel/panic: read-only file system",
        "oom_score_adj: permission denied",
        "kubelet isn't running or healthy",
        "kubelet is not healthy after",
    ]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    if !facts.in_private_users()? {
        return Ok(Outcome::not_applicable("the initial user namespace may write them"));
    }
    if facts.sandbox()? == Sandbox::Sysbox {
        return Ok(Outcome::not_applicable("Sysbox answers for the kernel"));
    }
    facts.engines.running.told()?;
    facts.identity.euid.told()?;
    // kind knows of a rootless engine, and sets the gate itself.
    if facts.engines.named("rootlesskit").next().is_some() || is_user(facts) {
        return Ok(Outcome::not_applicable("kind sets the feature gate for rootless engines"));
    }
    let wrong: Vec<(&KernelSetting, i64)> = facts
        .kernel
        .kubelet_settings
        .iter()
        .filter_map(|setting| Some((setting, *setting.value.known()?)))
        .filter(|(setting, value)| *value != setting.wanted)
        .collect();
    if wrong.is_empty() {
        for setting in &facts.kernel.kubelet_settings {
            setting.value.get()?;
        }
        return Ok(Outcome::pass());
    }
    let dotted = |setting: &KernelSetting| setting.name.replace('/', ".");
    let names: Vec<String> = wrong.iter().map(|(setting, _)| dotted(setting)).collect();
    let mut finding = Finding::new(
        "kubelet",
        CHECK.worst,
        format!("kubelet wants to set {}, which a user namespace does not allow", names.join(", ")),
    );
    for (setting, value) in &wrong {
        finding = finding.evidence(
            format!("/proc/sys/{}", setting.name),
            format!("{value}, kubelet wants {}", setting.wanted),
        );
    }
    Ok(finding
        .remedy(Remedy::kind_config(
            "let kubelet go on without them",
            json!({"featureGates": {"KubeletInUserNamespace": true}}),
        ))
        .remedy(Remedy::tasks(
            Place::Host,
            "set them on the host, where kubelet finds them right",
            wrong.iter().map(|(s, _)| Task::sysctl(dotted(s), format!("{}", s.wanted), "")),
        ))
        .into())
}

/// An ordinary user, who starts kind with a rootless engine.
fn is_user(facts: &Facts) -> bool {
    facts.identity.euid.is_known_and(|uid| *uid != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact, Fact::Known, Why},
        testing::{healthy_container, healthy_vm, private},
    };

    fn nested(value: Fact<i64>) -> Facts {
        let mut facts = healthy_container();
        facts.identity.namespaces.user = private(4_026_532_600);
        facts.kernel.kubelet_settings =
            alloc::vec![KernelSetting { name: "vm/overcommit_memory".into(), value, wanted: 1 }];
        facts
    }

    #[test]
    fn a_wrong_value_in_a_user_namespace_stops_kubelet() {
        let Ok(Outcome::Found(found)) = judged(&nested(Known(0))) else { panic!() };
        assert!(found[0].summary.contains("vm.overcommit_memory"));
        let host = found[0].remedies[1].render(&crate::facts::Launcher::None.into());
        assert_eq!(host[0].commands, ["sysctl -w vm.overcommit_memory=1"]);
    }

    #[test]
    fn right_values_need_no_writing() {
        assert_eq!(judged(&nested(Known(1))), Ok(Outcome::pass()));
    }

    #[test]
    fn elsewhere_nothing_is_judged() {
        for facts in [healthy_container(), healthy_vm()] {
            assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
        }
        let mut sysbox = nested(Known(0));
        sysbox.runtime.sandbox = Sandbox::Sysbox;
        assert!(matches!(judged(&sysbox), Ok(Outcome::NotApplicable(_))));
        let mut user = nested(Known(0));
        user.identity.euid = Known(1000);
        assert!(matches!(judged(&user), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn without_the_values_or_the_namespace_it_is_unknown() {
        assert!(judged(&nested(Fact::missing("vm", Why::NotPermitted))).is_err());
        let mut facts = nested(Known(0));
        facts.identity.namespaces.user = Fact::missing("/proc/self/ns/user", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
