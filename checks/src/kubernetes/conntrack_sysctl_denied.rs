use alloc::format;

use crate::{
    facts::Facts,
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{Place, Remedy},
    version::{Component, Version},
};

check! {
    /// ## What it looks at
    /// The kernel's version and that of kind.
    ///
    /// ## Why it matters
    /// From Linux 5.12.2 on, `nf_conntrack_max` can be written in the initial network namespace only. A kind
    /// node has a namespace of its own, wherever it runs. kube-proxy wants to set the limit there, is
    /// refused, and ends again and again: no service is reachable.
    ///
    /// ## When it is fine
    /// kind from 0.11.1 on tells kube-proxy to leave the limit alone, and so do k3d and minikube of that
    /// time. Older kernels let it be written. A distribution may have taken the change into a kernel that
    /// calls itself older: there this check sees nothing.
    ///
    /// ## How to fix
    /// A newer kind, or `conntrack.maxPerCore: 0` for kube-proxy; k3d:
    /// `--kube-proxy-arg=conntrack-max-per-core=0`.
    ///
    /// ## References
    /// kind#2240, #2241; k3d#607; minikube#11418.
    "conntrack-sysctl-denied",
    "kube-proxy may not set nf_conntrack_max in a kind node",
    { kind: Error },
    [
        "open /proc/sys/net/netfilter/nf_conntrack_max: permission denied",
        "nf_conntrack_max: read-only file system",
    ]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let kind = facts.versions.of(Component::Kind);
    if kind.version >= Version::new(0, 11, 1) {
        return Ok(Outcome::not_applicable(format!(
            "kind {} tells kube-proxy to leave nf_conntrack_max alone",
            kind.version
        )));
    }
    let kernel = *facts.kernel.version.get()?;
    if kernel < Version::new(5, 12, 2) {
        return Ok(Outcome::pass());
    }
    let mut finding = Finding::new(
        "nf_conntrack_max",
        severities!(kind: Error),
        format!(
            "kube-proxy of kind {} sets nf_conntrack_max, and Linux {kernel} refuses it in a node",
            kind.version
        ),
    )
    .evidence("uname", format!("{kernel}"))
    .rests_on(Component::Kind, &kind);
    if let Some(Some(limit)) = facts.net_sysctls.conntrack_max.known() {
        let source = "/proc/sys/net/netfilter/nf_conntrack_max";
        finding = finding.evidence(source, format!("{limit}"));
    }
    Ok(finding
        .remedy(Remedy::kind_config(
            "tell kube-proxy to leave the limit alone",
            serde_json::json!({"kubeadmConfigPatches": [
                "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n\
                 conntrack:\n  maxPerCore: 0\n",
            ]}),
        ))
        .remedy(Remedy::advice(Place::Runtime, "use kind 0.11.1 or later"))
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact, Fact::Known, Why},
        testing::{healthy_container, healthy_vm},
    };

    fn with_kind(mut facts: Facts, kind: Version, kernel: Version) -> Facts {
        facts.versions.give(Component::Kind, kind);
        facts.kernel.version = Known(kernel);
        facts
    }

    #[test]
    fn an_old_kind_on_a_new_kernel_is_found_wherever_it_runs() {
        for facts in [healthy_container(), healthy_vm()] {
            let facts = with_kind(facts, Version::new(0, 11, 0), Version::new(5, 12, 2));
            let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
            assert_eq!(found[0].severity, CHECK.worst);
        }
    }

    #[test]
    fn a_newer_kind_or_an_older_kernel_is_fine() {
        assert!(matches!(judged(&healthy_container()), Ok(Outcome::NotApplicable(_))));
        assert!(matches!(judged(&healthy_vm()), Ok(Outcome::NotApplicable(_))));
        let old = with_kind(healthy_vm(), Version::new(0, 11, 0), Version::new(5, 12, 1));
        assert_eq!(judged(&old), Ok(Outcome::pass()));
    }

    #[test]
    fn without_the_kernels_version_it_is_unknown() {
        let mut facts = with_kind(healthy_vm(), Version::new(0, 11, 0), Version::new(6, 1, 0));
        facts.kernel.version = Fact::missing("uname", Why::Malformed);
        assert!(judged(&facts).is_err());
    }
}
