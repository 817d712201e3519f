use crate::{
    facts::{Facts, Link, Tri},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{Language, Place, Remedy, Snippet},
};

check! {
    /// ## What it looks at
    /// Whether links here are Cilium's (`cilium_host`, `cilium_net`, `cilium_vxlan`). Its eBPF programs
    /// cannot be seen from here, and in a pod of its own network namespace its links cannot either.
    ///
    /// ## Why it matters
    /// A hypothesis, partly supported by the reports below: Cilium in place of kube-proxy can translate the
    /// addresses of services when a program calls connect(). Its programs sit on cgroups, and so see
    /// containers nested in a pod too: the service addresses of an inner cluster would be answered by
    /// the outer one, if both use the same range.
    ///
    /// ## When it is fine
    /// Without such links in the network namespace of the node: Cilium is not there. With kube-proxy, with
    /// `socketLB.hostNamespaceOnly: true`, or where the inner cluster has another service subnet than the
    /// outer. Whether it happens can only be tried.
    ///
    /// ## How to fix
    /// `socketLB.hostNamespaceOnly: true` in Cilium's Helm values, or another `serviceSubnet` for kind.
    ///
    /// ## References
    /// cilium#16259, #33565.
    "socketlb-nested-clusterip",
    "Cilium may answer for the services of an inner cluster",
    { dockerd: Info, kind: Info, buildkit: Info },
    []
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    if !facts.in_pod()? {
        return Ok(Outcome::not_applicable("not in a pod: there is no outer cluster"));
    }
    let links = facts.network.links.get()?;
    let is_ciliums = |link: &&Link| link.name.starts_with("cilium_");
    let Some(link) = links.iter().find(is_ciliums) else {
        let nodes =
            facts.identity.namespaces.net.known().is_some_and(|net| net.initial == Tri::Yes);
        if nodes {
            return Ok(Outcome::pass());
        }
        return Ok(Outcome::not_applicable("no links of Cilium in this network namespace"));
    };
    Ok(Finding::new(
        link.name.as_str(),
        severities!(dockerd: Info, kind: Info, buildkit: Info),
        "hypothesis: Cilium's socket load balancer answers for services of an inner cluster",
    )
    .evidence(facts.network.source.as_str(), link.name.as_str())
    .remedy(Remedy::file(
        Place::Host,
        "if inner services answer from the outer cluster: Cilium's Helm values",
        Snippet::Tree(Language::Yaml, serde_json::json!({"socketLB": {"hostNamespaceOnly": true}})),
    ))
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact, Fact::Known, Why},
        testing::{healthy_container, healthy_vm},
    };

    #[test]
    fn ciliums_links_in_a_pod_are_worth_knowing() {
        let mut facts = healthy_container();
        if let Known(links) = &mut facts.network.links {
            links[1].name = "cilium_host".into();
        }
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
        facts.runtime.kubernetes = Tri::Yes;
        let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
        assert!(found[0].summary.starts_with("hypothesis") && found[0].severity == CHECK.worst);
    }

    #[test]
    fn elsewhere_there_is_no_question() {
        assert!(matches!(judged(&healthy_vm()), Ok(Outcome::NotApplicable(_))));
        let mut facts = healthy_container();
        facts.runtime.kubernetes = Tri::Yes;
        assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
    }

    #[test]
    fn a_node_without_its_links_has_no_cilium() {
        let mut facts = healthy_container();
        facts.runtime.kubernetes = Tri::Yes;
        if let Known(net) = &mut facts.identity.namespaces.net {
            net.initial = Tri::Yes;
        }
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn without_links_it_is_unknown() {
        let mut facts = healthy_container();
        facts.runtime.kubernetes = Tri::Yes;
        facts.network.links = Fact::missing("netlink: links", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
