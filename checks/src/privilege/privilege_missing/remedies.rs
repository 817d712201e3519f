//! What gives an engine the capabilities that it lacks.

use alloc::{format, vec, vec::Vec};

use serde_json::json;

use super::names;
use crate::{
    facts::{Capability, CapabilitySet, Facts, Sandbox},
    remedy::{ContainerSetting, Language, Place, Remedy, SecurityOption, Snippet},
    runtime::sandboxed_kernel,
};

pub(super) fn unprivileged(facts: &Facts, lacking: CapabilitySet, denied: bool) -> Vec<Remedy> {
    if facts.runtime.container.is_no() {
        return vec![bounding_set(lacking)];
    }
    let only_raw = lacking == [Capability::NET_RAW].into_iter().collect();
    if only_raw && facts.runtime.sandbox == Sandbox::Gvisor {
        return vec![sandboxed_kernel::net_raw()];
    }
    if !lacking.has(Capability::SYS_ADMIN) {
        let mut settings: Vec<_> = lacking.iter().map(ContainerSetting::CapAdd).collect();
        if denied {
            settings.push(ContainerSetting::SecurityOption(SecurityOption::AppArmorUnconfined));
        }
        return vec![Remedy::container("give the container what it lacks", settings)];
    }
    let mut remedies =
        vec![Remedy::container("run the container privileged", [ContainerSetting::Privileged])];
    if facts.runtime.kubernetes.is_yes() {
        remedies.push(Remedy::file(
            Place::Container,
            "or, with Kubernetes 1.33 and containerd 2.1 (cgroup_writable = true) or later, give it the \
             capabilities in a user namespace, where they do not reach the node",
            Snippet::Tree(Language::Yaml, user_namespace_pod()),
        ));
    }
    remedies.push(Remedy::advice(
        Place::Container,
        "do without: rootless BuildKit where only images are built, or a Sysbox runtime",
    ));
    remedies
}

fn user_namespace_pod() -> serde_json::Value {
    json!({"apiVersion": "v1", "kind": "Pod", "spec": {
        "hostUsers": false,
        "containers": [{"name": "dind", "securityContext": {
            "allowPrivilegeEscalation": true,
            "procMount": "Unmasked",
            "capabilities": {"add": ["SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE"]},
            "seccompProfile": {"type": "Unconfined"},
            "appArmorProfile": {"type": "Unconfined"},
        }}],
    }})
}

/// kind writes this by itself only where its nodes are in a user namespace.
pub(super) fn without_oom_score() -> Remedy {
    let patch = "[plugins.\"io.containerd.grpc.v1.cri\"]\n  restrict_oom_score_adj = true\n";
    let cluster = json!({
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "containerdConfigPatches": [patch],
    });
    Remedy::file(
        Place::Here,
        "have the nodes' containerd leave oom_score_adj where it is (kind create cluster --config FILE)",
        Snippet::Tree(Language::Yaml, cluster),
    )
}

pub(super) fn bounding_set(lacking: CapabilitySet) -> Remedy {
    Remedy::advice(
        Place::Host,
        format!(
            "start the engine where {} is in the bounding set: see CapabilityBoundingSet= of the \
             systemd unit, or what started this session",
            names(lacking)
        ),
    )
}
