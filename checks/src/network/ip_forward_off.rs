use alloc::format;

use crate::{
    facts::Facts,
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, DaemonOption, Place, Remedy, Task},
    target::Severity,
    version::Component,
};

check! {
    /// ## What it looks at
    /// `net.ipv4.ip_forward` of this network namespace, whether `/proc/sys` can be written, and dockerd's
    /// `ip-forward` and `firewall-backend`.
    ///
    /// ## Why it matters
    /// dockerd turns forwarding on for its first network, and does not start where it cannot: `/proc/sys` is
    /// read-only, or its nftables backend, which leaves that to the administrator. Told `ip-forward: false`
    /// it starts, and packets of its containers reach this environment and nothing beyond it.
    ///
    /// ## When it is fine
    /// dockerd turns forwarding on by itself, if it may write the sysctl, is not told `ip-forward: false`,
    /// and makes its rules by iptables. With `bridge: none` it makes no network of its own. kind's nodes are
    /// containers on Docker's network.
    ///
    /// ## How to fix
    /// `sysctl -w net.ipv4.ip_forward=1` where it can be written; from outside `docker run --sysctl
    /// net.ipv4.ip_forward=1`, or `sysctls` in the pod's securityContext.
    ///
    /// ## References
    /// moby `daemon/libnetwork/drivers/bridge`; <https://docs.docker.com/engine/network/packet-filtering-firewalls/>.
    "ip-forward-off",
    "IPv4 forwarding is off, and dockerd will not turn it on",
    { dockerd: Error, kind: Error, buildkit: Warning },
    [
        "IPv4 forwarding is disabled",
        "IPv4 forwarding is disabled. Networking will not work",
        "Enabling IP forwarding failed",
        "failed to set IP forwarding",
        "IPv6 global forwarding is disabled: check your host's firewalling",
    ]
}

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    if *facts.net_sysctls.ip_forward.get()? {
        return Ok(Outcome::pass());
    }
    let option = |name: &'static str| {
        if plan.engine() != "dockerd" {
            return None;
        }
        let flag = facts.engines.named("dockerd").find_map(|daemon| daemon.flag(name));
        flag.or_else(|| {
            let value = facts.engines.configured(&[name])?;
            Some(value.as_str().map_or_else(|| format!("{value}"), Into::into))
        })
    };
    let nftables = option("firewall-backend").is_some_and(|backend| backend == "nftables");
    let left_alone = option("ip-forward").is_some_and(|value| value == "false");
    let mount = facts.mounts.known().and_then(|table| table.holding("/proc/sys/net"));
    let read_only = mount.filter(|mount| mount.read_only());
    let (reason, source, value) = if let Some(mount) = read_only {
        ("/proc/sys is read-only", "/proc/self/mountinfo: /proc/sys", mount.options.join(","))
    } else if nftables {
        (
            "with its nftables backend dockerd does not turn it on",
            "dockerd: firewall-backend",
            "nftables".into(),
        )
    } else if left_alone {
        ("dockerd is told not to turn it on", "dockerd: ip-forward", "false".into())
    } else {
        facts.mounts.get()?;
        facts.engines.daemon_json.get()?;
        return Ok(Outcome::pass());
    };
    // Its default bridge is a network too, and it does not start without.
    let starts = left_alone || option("bridge").is_some_and(|bridge| bridge == "none");
    let (severity, effect) = match plan.engine() {
        "dockerd" | "buildkitd" if !starts => (CHECK.worst, "dockerd does not start so"),
        _ => (CHECK.worst.at_most(Severity::Warning), "containers reach nothing beyond"),
    };
    let mut finding = Finding::new(
        "net.ipv4.ip_forward",
        severity,
        format!("net.ipv4.ip_forward is 0, and {reason}: {effect}"),
    )
    .evidence("/proc/sys/net/ipv4/ip_forward", "0")
    .evidence(source, value);
    if read_only.is_some() {
        return Ok(finding
            .caused_by("sys-or-procsys-readonly")
            .remedy(Remedy::container(
                "run the container privileged: /proc/sys is then writable",
                [ContainerSetting::Privileged],
            ))
            .remedy(Remedy::container(
                "turn it on when the container is started",
                [ContainerSetting::Sysctl("net.ipv4.ip_forward".into(), "1".into())],
            ))
            .into());
    }
    finding = finding.remedy(Remedy::tasks(
        Place::Here,
        format!("turn it on before {} starts", plan.engine()),
        [Task::sysctl("net.ipv4.ip_forward", "1", "")],
    ));
    if nftables {
        let docker = facts.versions.of(Component::Docker);
        finding = finding.rests_on(Component::Docker, &docker).remedy(Remedy::daemon(
            "let dockerd make its rules by iptables, and turn it on itself",
            [DaemonOption::firewall_backend("iptables")],
        ));
    }
    Ok(finding.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact, Fact::Known, Why},
        target::Target,
        testing::{healthy_container, healthy_vm, mount},
    };

    fn off(content: serde_json::Value) -> Facts {
        let mut facts = healthy_container();
        facts.net_sysctls.ip_forward = Known(false);
        if let Known(config) = &mut facts.engines.daemon_json {
            config.content = content;
        }
        facts
    }

    fn finding(facts: &Facts) -> Finding {
        match judged(facts) {
            Ok(Outcome::Found(findings)) if findings.len() == 1 => {
                assert!(findings[0].severity.within(&CHECK.worst));
                findings[0].clone()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn on_is_fine_and_off_is_turned_on_by_dockerd() {
        assert_eq!(judged(&healthy_container()), Ok(Outcome::pass()));
        assert_eq!(judged(&healthy_vm()), Ok(Outcome::pass()));
        assert_eq!(judged(&off(serde_json::Value::Null)), Ok(Outcome::pass()));
    }

    #[test]
    fn a_read_only_proc_sys_keeps_it_off() {
        let mut facts = off(serde_json::Value::Null);
        if let Known(table) = &mut facts.mounts {
            table.rows.push(mount("/proc/sys", "proc", &["ro"]));
        }
        let found = finding(&facts);
        assert_eq!(found.caused_by, ["sys-or-procsys-readonly"]);
        assert_eq!(found.severity, severities!(dockerd: Error, kind: Error, buildkit: Warning));
    }

    #[test]
    fn the_nftables_backend_and_ip_forward_false_leave_it_off() {
        let nftables = finding(&off(serde_json::json!({"firewall-backend": "nftables"})));
        assert_eq!(nftables.remedies.len(), 2);
        assert_eq!(nftables.severity.get(Target::Dockerd), Some(Severity::Error));
        let none = serde_json::json!({"firewall-backend": "nftables", "bridge": "none"});
        assert_eq!(finding(&off(none)).severity.get(Target::Dockerd), Some(Severity::Warning));
        let told = finding(&off(serde_json::json!({"ip-forward": false})));
        assert!(told.summary.contains("dockerd is told not to turn it on: containers reach"));
        assert_eq!(told.severity.get(Target::Dockerd), Some(Severity::Warning));
    }

    #[test]
    fn what_cannot_be_read_is_unknown() {
        let mut facts = healthy_container();
        facts.net_sysctls.ip_forward = Fact::missing("ip_forward", Why::NotFound);
        assert!(judged(&facts).is_err());
        let mut facts = off(serde_json::Value::Null);
        facts.mounts = Fact::missing("/proc/self/mountinfo", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
