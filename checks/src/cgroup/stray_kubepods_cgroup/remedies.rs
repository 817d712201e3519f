//! What to change so that a nested kubelet does not see, or does not touch, pods of another.

use alloc::vec;

use serde_json::json;

use crate::{
    cgroup::{namespace, nesting},
    facts::{Facts, Tri},
    outcome::Finding,
    remedy::{ContainerSetting, DaemonOption, Place, Remedy},
};

/// The cgroup namespace first, since it takes the trees out of sight; then, for kernels or node images
/// that cannot have it, a cgroup root of the kubelet's own.
pub(super) fn add(mut finding: Finding, facts: &Facts, is_v1: bool) -> Finding {
    let supported = namespace::are_supported(facts);
    if supported && facts.runtime.kubernetes != Tri::Yes {
        finding = finding.remedy(Remedy::container(
            "start this container with a cgroup namespace of its own (kernel 4.6, Docker 20.10)",
            [ContainerSetting::PrivateCgroupNamespace],
        ));
    }
    if !is_v1 {
        return finding.remedy(Remedy::tasks(
            Place::Image,
            "start whatever runs kubelet here in a cgroup namespace of its own, in the entrypoint",
            [nesting::renamespaced("k3s server")],
        ));
    }
    if supported {
        finding = finding.remedy(Remedy::daemon(
            "give every nested node a cgroup namespace of its own (Docker 20.10 and later; kind 0.20 and later \
             asks for it by itself)",
            [DaemonOption {
                argument: "--default-cgroupns-mode=private".into(),
                keys: vec!["default-cgroupns-mode"],
                value: "private".into(),
            }],
        ));
    }
    // In a pod of a kind node the outer pods are below /kubelet as well.
    if facts.cgroup.own_path().is_some_and(namespace::is_in_kind_pod) {
        return finding;
    }
    finding
        .remedy(Remedy::kind_config(
            "let kubelet look for pods below /kubelet only; node images of Kubernetes 1.20 and later do so \
             themselves",
            json!({"kubeadmConfigPatches": [patch("InitConfiguration"), patch("JoinConfiguration")]}),
        ))
        .remedy(Remedy::commands(
            Place::Image,
            "with that, an older node image has to make the cgroup in every controller, before systemd in its \
             entrypoint: kubelet does not start if one misses it, and a cpuset without CPUs takes no process",
            [
                // Mounted onto itself, or systemd removes the empty directory.
                "for c in /sys/fs/cgroup/*; do [ -L \"$c\" ] || { mkdir -p \"$c/kubelet\" && \
                 mount --bind \"$c/kubelet\" \"$c/kubelet\"; }; done",
                "for f in cpus mems; do cat /sys/fs/cgroup/cpuset/cpuset.$f > \
                 /sys/fs/cgroup/cpuset/kubelet/cpuset.$f; done",
            ],
        ))
}

fn patch(kind: &str) -> alloc::string::String {
    alloc::format!(
        "kind: {kind}\nnodeRegistration:\n  kubeletExtraArgs:\n    cgroup-root: \"/kubelet\"\n"
    )
}
