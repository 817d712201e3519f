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
