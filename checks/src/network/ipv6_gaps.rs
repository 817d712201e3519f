use crate::{
    facts::Facts,
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, Place, Remedy},
};

check! {
    /// ## What it looks at
    /// Whether this network namespace has IPv6 (`/proc/net/if_inet6`), and
    /// `net.ipv6.conf.all.disable_ipv6`.
    ///
    /// ## Why it matters
    /// kind asks Docker for a network with both families and silently goes on with IPv4 alone where that
    /// fails; a cluster with `ipFamily: ipv6` or `dual` does not come up. Docker networks made with `--ipv6`
    /// fail likewise.
    ///
    /// ## When it is fine
    /// Nothing breaks as long as nobody asks for IPv6: this is never more than worth knowing. Docker turns
    /// IPv6 off on the links of containers whose network has none.
    ///
    /// ## How to fix
    /// Turn it on from outside (`docker run --sysctl net.ipv6.conf.all.disable_ipv6=0`, the kernel's
    /// `ipv6.disable=0`), or keep clusters to `ipFamily: ipv4`.
    ///
    /// ## References
    /// <https://kind.sigs.k8s.io/docs/user/known-issues/>; sysbox#410; kernel `ip-sysctl.rst`.
    "ipv6-gaps",
    "There is no IPv6 here: networks get IPv4 alone",
    Docker,
    { dockerd: Info, kind: Info, rootless: Info, buildkit: Info },
    [
        "RTNETLINK answers: Permission denied",
        "can't initialize ip6tables table `nat'",
        "network is unreachable",
    ]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let sysctls = &facts.net_sysctls;
    let (summary, source, value) = if !*sysctls.ipv6.get()? {
        ("this kernel has no IPv6: networks get IPv4 alone", "/proc/net/if_inet6", "not there")
    } else if *sysctls.ipv6_disabled.get()? {
        (
            "IPv6 is turned off (disable_ipv6 is 1): networks get IPv4 alone",
            "/proc/sys/net/ipv6/conf/all/disable_ipv6",
            "1",
        )
    } else {
        return Ok(Outcome::pass());
    };
    let finding = Finding::new(
        "IPv6",
        severities!(dockerd: Info, kind: Info, rootless: Info, buildkit: Info),
        summary,
    )
    .evidence(source, value);
    let finding = finding.remedy(Remedy::kind_config(
        "kind clusters come up with IPv4 alone, which is the default",
        serde_json::json!({"networking": {"ipFamily": "ipv4"}}),
    ));
    if value != "1" {
        return Ok(finding.into());
    }
    if facts.runtime.container.is_no() {
        return Ok(finding
            .remedy(Remedy::commands(
                Place::Here,
                "turn it on",
                ["sysctl -w net.ipv6.conf.all.disable_ipv6=0"],
            ))
            .into());
    }
    Ok(finding
        .remedy(Remedy::container(
            "turn it on when the container is started",
            [ContainerSetting::Sysctl("net.ipv6.conf.all.disable_ipv6".into(), "0".into())],
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
    fn with_ipv6_it_passes() {
        assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
        assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
    }

    #[test]
    fn without_it_or_turned_off_it_is_worth_knowing() {
        for mut facts in [healthy_container(), healthy_vm()] {
            facts.net_sysctls.ipv6_disabled = Known(true);
            let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
            assert_eq!((found[0].severity, found[0].remedies.len()), (CHECK.worst, 2));
            facts.net_sysctls.ipv6 = Known(false);
            facts.net_sysctls.ipv6_disabled = Fact::missing("disable_ipv6", Why::NotFound);
            let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
            assert_eq!(found[0].remedies.len(), 1);
        }
    }

    #[test]
    fn what_cannot_be_read_is_unknown() {
        let mut facts = healthy_container();
        facts.net_sysctls.ipv6 = Fact::missing("/proc/net/if_inet6", Why::NotFound);
        assert!(judged(&facts).is_err());
    }
}
