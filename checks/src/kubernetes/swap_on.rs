use alloc::{format, vec::Vec};

use crate::{
    facts::{Facts, Why},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{Language, Place, Remedy, Snippet},
};

check! {
    /// ## What it looks at
    /// `/proc/swaps`, which is host-wide: a container sees the host's.
    ///
    /// ## Why it matters
    /// kubelet refuses to start where swap is on (`failSwapOn`, true by default).
    ///
    /// ## When it is fine
    /// kind, k3d and minikube set `failSwapOn: false` for their nodes. It matters where kubelet is
    /// started by a configuration of your own: kubeadm in a container or VM.
    ///
    /// ## How to fix
    /// `swapoff -a` on the host, or `failSwapOn: false` in the kubelet configuration.
    ///
    /// ## References
    /// `proc(5)`; <https://kubernetes.io/docs/concepts/cluster-administration/swap-memory-management/>.
    "swap-on",
    "Swap is on: a kubelet that is not kind's refuses to start",
    { kind: Info },
    [
        "running with swap on is not supported",
        "kubelet isn't running or healthy",
        "kubelet is not healthy after",
    ]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    if facts.resources.swaps.why() == Some(Why::NotFound) {
        return Ok(Outcome::not_applicable("this kernel has no swap"));
    }
    let swaps = facts.resources.swaps.get()?;
    if swaps.is_empty() {
        return Ok(Outcome::pass());
    }
    let names: Vec<&str> = swaps.iter().map(|swap| swap.name.as_str()).collect();
    let mebibytes = swaps.iter().map(|swap| swap.size / 1024).sum::<u64>();
    Ok(Finding::new(
        "swap",
        CHECK.worst,
        format!("{mebibytes} MiB of swap are on: kind allows it, kubelet by itself refuses to start"),
    )
    .evidence("/proc/swaps", names.join(", "))
    .remedy(Remedy::file(
        Place::Runtime,
        "where kubelet is configured by hand, let it run with swap",
        Snippet::Lines(
            Language::Yaml,
            "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nfailSwapOn: false\n"
                .into(),
        ),
    ))
    .remedy(Remedy::commands(
        Place::Host,
        "turn swap off; remove it from /etc/fstab to keep it so",
        ["swapoff -a"],
    ))
    .into())
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        facts::{Fact, Swap},
        testing::{healthy_container, healthy_vm},
    };

    #[test]
    fn swap_is_worth_knowing() {
        let mut facts = healthy_vm();
        facts.resources.swaps =
            Fact::Known(vec![Swap { name: "/swap.img".into(), size: 2_097_152 }]);
        let Ok(Outcome::Found(found)) = judged(&facts) else { panic!("not found") };
        assert_eq!(found[0].severity, CHECK.worst);
        assert!(found[0].summary.starts_with("2048 MiB"));
    }

    #[test]
    fn without_swap_it_passes() {
        assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
        let mut facts = healthy_vm();
        facts.resources.swaps = Fact::missing("/proc/swaps", Why::NotFound);
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn without_the_file_it_is_unknown() {
        let mut facts = healthy_vm();
        facts.resources.swaps = Fact::missing("/proc/swaps", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
