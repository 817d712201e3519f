use crate::{
    facts::Facts,
    netfilter::ip6tables,
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, Place, Remedy, Task},
    target::{Severity, Target},
    version::{Component, Version},
};

check! {
    /// ## What it looks at
    /// Whether this network namespace has IPv6 (`/proc/net/if_inet6`), and
    /// `net.ipv6.conf.all.disable_ipv6`; and whether a legacy ip6tables finds its tables in the kernel
    /// (`/proc/net/ip6_tables_names`).
    ///
    /// ## Why it matters
    /// kind asks Docker for a network with both families and silently goes on with IPv4 alone where the kernel has no
    /// IPv6; a cluster with `ipFamily: ipv6` or `dual` does not come up. Docker networks made with `--ipv6`
    /// fail likewise, and so they do where Docker 27 or later makes rules with a legacy ip6tables whose module is
    /// not loaded: a container cannot load it, and `kind create cluster` ends there before kind 0.25 ("ip6tables: … table
    /// `nat'").
    ///
    /// ## When it is fine
    /// Nothing breaks as long as nobody asks for IPv6: this is only worth knowing, but for two releases of Docker. 20.10.6
    /// publishes no port without IPv6, and 28.0.0 makes rules with a legacy ip6tables all the same and stops at the first.
    /// Docker turns IPv6 off on the links of containers whose network has none.
    ///
    /// ## How to fix
    /// Turn it on from outside (`docker run --sysctl net.ipv6.conf.all.disable_ipv6=0`, the kernel's
    /// `ipv6.disable=0`), load ip6_tables on the host, or keep clusters to `ipFamily: ipv4`.
    ///
    /// ## References
    /// <https://kind.sigs.k8s.io/docs/user/known-issues/>; sysbox#410; moby#47895, #42288, #49504;
    /// devcontainers/features#1023; kernel `ip-sysctl.rst`.
    "ipv6-gaps",
    "Networks get IPv4 only: there is no IPv6 here",
    Docker,
    { dockerd: Error, kind: Error, rootless: Info, buildkit: Info },
    [
        "socket: address family not supported by protocol",
        "RTNETLINK answers: Permission denied",
        "can't initialize ip6tables table `nat'",
        "can't initialize ip6tables table `filter': Address family not supported by protocol",
        "network is unreachable",
    ]
}

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    let sysctls = &facts.net_sysctls;
    let (summary, source, value) = if !*sysctls.ipv6.get()? {
        ("this kernel has no IPv6: networks get IPv4 only", "/proc/net/if_inet6", "not there")
    } else if *sysctls.ipv6_disabled.get()? {
        (
            "IPv6 is turned off (disable_ipv6 is 1): networks get IPv4 only",
            "/proc/sys/net/ipv6/conf/all/disable_ipv6",
            "1",
        )
    } else {
        let lacking = ip6tables::lacking(facts, plan)?;
        return Ok(lacking.map_or_else(Outcome::pass, Outcome::from));
    };
    let finding = Finding::new(
        "IPv6",
        severities!(dockerd: Info, kind: Info, rootless: Info, buildkit: Info),
        summary,
    )
    .evidence(source, value);
    if let Some(finding) = publishes_nothing(facts, plan, source, value)? {
        return Ok(finding.into());
    }
    if value != "1"
        && let Some(finding) = ip6tables::refused(facts, plan)?
    {
        return Ok(finding.into());
    }
    if value != "1" {
        return Ok(finding
            .remedy(Remedy::advice(
                Place::Host,
                "if you need IPv6: boot without ipv6.disable=1, or a kernel with CONFIG_IPV6",
            ))
            .into());
    }
    if facts.runtime.container.is_no() {
        return Ok(finding
            .remedy(Remedy::tasks(
                Place::Here,
                "if you need IPv6, turn it on",
                [Task::sysctl("net.ipv6.conf.all.disable_ipv6", "0", "")],
            ))
            .into());
    }
    Ok(finding
        .remedy(Remedy::container(
            "if you need IPv6, turn it on when the container is started",
            [ContainerSetting::Sysctl("net.ipv6.conf.all.disable_ipv6".into(), "0".into())],
        ))
        .into())
}

/// Docker 20.10.6, and no other, binds published ports to `[::]` whether or not there is IPv6.
fn publishes_nothing(
    facts: &Facts,
    plan: &Plan,
    source: &str,
    value: &str,
) -> Result<Option<Finding>, Unknown> {
    if plan.engine() != "dockerd" {
        return Ok(None);
    }
    let docker = facts.versions.sure(Component::Docker)?;
    if docker.version != Version::new(20, 10, 6) {
        return Ok(None);
    }
    let summary = "there is no IPv6 here, and Docker 20.10.6 publishes no port without: address family not supported";
    // A kernel that has it gives the socket, whatever disable_ipv6 says.
    let dockerd = if value == "1" { Severity::Warning } else { Severity::Error };
    let severity = severities!(kind: Info).with(Target::Dockerd, Some(dockerd));
    Ok(Some(
        Finding::new("IPv6", severity, summary)
            .evidence(source, value)
            .rests_on(Component::Docker, &docker)
            .remedy(Remedy::advice(Place::Image, "use Docker 20.10.7 or later"))
            .remedy(Remedy::advice(
                Place::Here,
                "until then name an address of IPv4 when you publish: -p 0.0.0.0:8080:80",
            )),
    ))
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
            let info = severities!(dockerd: Info, kind: Info, rootless: Info, buildkit: Info);
            assert_eq!((found[0].severity, found[0].remedies.len()), (info, 1));
            facts.net_sysctls.ipv6 = Known(false);
            facts.net_sysctls.ipv6_disabled = Fact::missing("disable_ipv6", Why::NotFound);
            let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
            assert_eq!(found[0].remedies.len(), 1);
        }
    }

    #[test]
    fn one_release_publishes_no_port_without_it() {
        let mut facts = healthy_vm();
        facts.net_sysctls.ipv6 = Known(false);
        facts.versions.give(Component::Docker, Version::new(20, 10, 6));
        let Ok(Outcome::Found(found)) = crate::testing::said_of(&CHECK, &facts, Target::Dockerd)
        else {
            panic!()
        };
        assert_eq!(found[0].severity, severities!(dockerd: Error, kind: Info));
        let mut turned_off = facts.clone();
        turned_off.net_sysctls.ipv6 = Known(true);
        turned_off.net_sysctls.ipv6_disabled = Known(true);
        let Ok(Outcome::Found(found)) = judged(&turned_off) else { panic!() };
        assert_eq!(found[0].severity.get(Target::Dockerd), Some(Severity::Warning));
        facts.versions.give(Component::Docker, Version::new(20, 10, 7));
        let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
        assert_eq!(found[0].severity.get(Target::Dockerd), Some(Severity::Info));
    }

    #[test]
    fn what_cannot_be_read_is_unknown() {
        let mut facts = healthy_container();
        facts.net_sysctls.ipv6 = Fact::missing("/proc/net/if_inet6", Why::NotFound);
        assert!(judged(&facts).is_err());
    }
}
