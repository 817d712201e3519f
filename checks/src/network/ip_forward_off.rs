use alloc::{format, string::String};

use crate::{
    facts::{Facts, SettingAtBoot},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, DaemonOption, Place, Remedy, Task},
    target::Severity,
    version::Component,
};

check! {
    /// ## What it looks at
    /// `net.ipv4.ip_forward` of this network namespace, whether `/proc/sys` can be written, dockerd's `ip-forward` and
    /// `firewall-backend`, whether a dockerd runs whose bridges are there, and what `/etc/sysctl.conf` and the folders
    /// `sysctl.d` set it to.
    ///
    /// ## Why it matters
    /// dockerd turns forwarding on for its first network, and does not start where it cannot: `/proc/sys` is
    /// read-only, or its nftables backend, which leaves that to the administrator. Told `ip-forward: false`
    /// it starts, and packets of its containers reach this environment and nothing beyond it. Nor does it look again:
    /// where a hardening script, `sysctl --system` or another program turns forwarding off while it runs, published ports
    /// fall silent and containers lose the network until it starts anew, or forwarding is turned on again.
    ///
    /// ## When it is fine
    /// dockerd turns forwarding on by itself, if it may write the sysctl, is not told `ip-forward: false`,
    /// and makes its rules by iptables. With `bridge: none` it makes no network of its own. kind's nodes are
    /// containers on Docker's network. A file that sets it to 0 is only worth knowing, as long as dockerd, which starts
    /// after it was applied, turns it on.
    ///
    /// ## How to fix
    /// `sysctl -w net.ipv4.ip_forward=1` where it can be written; from outside `docker run --sysctl
    /// net.ipv4.ip_forward=1`, or `sysctls` in the pod's securityContext. Where a file sets it to 0, change that line.
    ///
    /// ## References
    /// moby `daemon/libnetwork/drivers/bridge`; `sysctl.d(5)`; captainzero93/security_harden_linux#10; <https://docs.docker.com/engine/network/packet-filtering-firewalls/>.
    "ip-forward-off",
    "IPv4 forwarding is off, and dockerd will not turn it on",
    { dockerd: Error, docker: Error, kind: Error, buildkit: Warning },
    [
        "IPv4 forwarding is disabled",
        "IPv4 forwarding is disabled. Networking will not work",
        "Enabling IP forwarding failed",
        "failed to set IP forwarding",
        "IPv6 global forwarding is disabled: check your host's firewalling",
    ]
}

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    let on = *facts.net_sysctls.ip_forward.get()?;
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
    if on {
        let turns_on = plan.engine() != "dockerd" || !nftables && !left_alone;
        return Ok(at_boot(facts, plan, turns_on));
    }
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
    } else if let Some(bridge) = has_turned_it_on(facts, plan) {
        return Ok(turned_off(facts, &bridge));
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
    if let Some(mount) = read_only {
        if facts.runtime.container.is_no() {
            // Nobody has launched a machine: whoever mounted it so can undo it.
            let target = mount.mount_point.as_str().into();
            let writable = Task::Remount { options: "remount,rw".into(), target };
            let on = Task::sysctl("net.ipv4.ip_forward", "1", "");
            return Ok(finding
                .caused_by("sys-or-procsys-readonly")
                .remedy(Remedy::tasks(
                    Place::Here,
                    "make it writable, and turn it on",
                    [writable, on],
                ))
                .into());
        }
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
    finding = of_file(facts, finding).remedy(Remedy::tasks(
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

/// A bridge of the dockerd that runs here: when it made that, it turned forwarding on.
fn has_turned_it_on(facts: &Facts, plan: &Plan) -> Option<String> {
    let runs = facts.engines.here("dockerd").next().is_some();
    let mut links = facts.network.links.known().into_iter().flatten();
    let bridge = links.find(|link| {
        (link.name == "docker0" || link.name.starts_with("br-"))
            && link.kind.as_ref().is_some_and(|kind| *kind == "bridge")
    });
    bridge.filter(|_| runs && plan.engine() == "dockerd").map(|link| link.name.as_str().into())
}

fn turned_off(facts: &Facts, bridge: &str) -> Outcome {
    let finding = Finding::new(
        "net.ipv4.ip_forward",
        severities!(dockerd: Warning, docker: Error, kind: Error),
        "net.ipv4.ip_forward was turned off after dockerd had turned it on: published ports and containers reach nothing",
    )
    .evidence("/proc/sys/net/ipv4/ip_forward", "0")
    .evidence("netlink: links", format!("{bridge}, with a dockerd that runs"));
    of_file(facts, finding)
        .remedy(Remedy::tasks(
            Place::Here,
            "turn it on again, and keep it so",
            [Task::sysctl("net.ipv4.ip_forward", "1", "99-zz-docker-forward.conf")],
        ))
        .into()
}

/// With the file that sets it to 0.
fn of_file(facts: &Facts, finding: Finding) -> Finding {
    let Some(file) = off_at_boot(facts) else { return finding };
    finding.evidence(file.path.as_str(), "net.ipv4.ip_forward = 0").remedy(Remedy::advice(
        Place::Host,
        format!(
            "take net.ipv4.ip_forward = 0 out of {}, or it is off again at the next boot",
            file.path
        ),
    ))
}

fn off_at_boot(facts: &Facts) -> Option<&SettingAtBoot> {
    facts.net_sysctls.ip_forward_at_boot.known()?.as_ref().filter(|file| file.value == 0)
}

/// Forwarding is on; a file of this machine turns it off whenever it is applied. A container's files are applied by
/// nobody, and what is not recorded is taken to set nothing.
fn at_boot(facts: &Facts, plan: &Plan, turns_on: bool) -> Outcome {
    let applied = facts.runtime.container.is_no() && plan.engine() == "dockerd";
    if !applied || off_at_boot(facts).is_none() {
        return Outcome::pass();
    }
    let (severity, effect) = if turns_on {
        (Severity::Info, "`sysctl --system` cuts containers off while dockerd runs")
    } else {
        (Severity::Warning, "containers reach nothing after the next boot")
    };
    let finding = Finding::new(
        "net.ipv4.ip_forward at boot",
        severities!(dockerd: Warning, kind: Warning).at_most(severity),
        format!("forwarding is on, and a file turns it off: {effect}"),
    );
    of_file(facts, finding).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::{Fact, Fact::Known, Why},
        remedy::Change,
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
    fn a_machine_is_not_launched_with_options() {
        let mut facts = off(serde_json::json!({}));
        facts.runtime.container = crate::facts::Tri::No;
        let Known(table) = &mut facts.mounts else { panic!() };
        table.rows.push(mount("/proc/sys", "proc", &["ro"]));
        let Change::Tasks(tasks) = &finding(&facts).remedies[0].change else { panic!() };
        assert!(matches!(tasks[..], [Task::Remount { .. }, Task::Sysctl { .. }]), "{tasks:?}");
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

    /// A machine with a dockerd that runs, and its bridge.
    fn running() -> Facts {
        let mut facts = healthy_vm();
        facts.net_sysctls.ip_forward = Known(false);
        facts.engines.running = Known(alloc::vec![crate::facts::EngineProcess {
            name: "dockerd".into(),
            pid: 7,
            arguments: Known(alloc::vec!["dockerd".into()]),
            same_mount_namespace: Some(true),
        }]);
        let Known(links) = &mut facts.network.links else { panic!() };
        let bridge = crate::facts::Link {
            index: 9,
            name: "docker0".into(),
            kind: Some("bridge".into()),
            ..links[1].clone()
        };
        links.push(bridge);
        facts
    }

    fn file(value: i64) -> Fact<Option<SettingAtBoot>> {
        Known(Some(SettingAtBoot { path: "/etc/sysctl.d/99-hardening.conf".into(), value }))
    }

    #[test]
    fn what_dockerd_turned_on_and_something_off_again_cuts_containers_off() {
        use crate::testing::{said_of, severity_for};
        let mut facts = running();
        for (target, wanted) in [
            (Target::Docker, Severity::Error),
            (Target::Kind, Severity::Error),
            (Target::Dockerd, Severity::Warning),
        ] {
            assert_eq!(severity_for(&CHECK, &facts, target), Some(wanted));
        }
        assert_eq!(said_of(&CHECK, &facts, Target::Podman), Ok(Outcome::pass()));
        facts.net_sysctls.ip_forward_at_boot = file(0);
        let Ok(Outcome::Found(found)) = said_of(&CHECK, &facts, Target::Docker) else { panic!() };
        assert!(found[0].remedies[0].text.contains("/etc/sysctl.d/99-hardening.conf"));
        // A daemon that has made no bridge has had no reason to.
        if let Known(links) = &mut facts.network.links {
            links.retain(|link| link.name != "docker0");
        }
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn a_file_that_turns_it_off_is_worth_knowing_and_more_where_dockerd_leaves_it_alone() {
        let mut facts = healthy_vm();
        facts.net_sysctls.ip_forward_at_boot = file(1);
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
        facts.net_sysctls.ip_forward_at_boot = file(0);
        assert_eq!(finding(&facts).severity.get(Target::Dockerd), Some(Severity::Info));
        if let Known(config) = &mut facts.engines.daemon_json {
            config.content = serde_json::json!({"firewall-backend": "nftables"});
        }
        assert_eq!(finding(&facts).severity.get(Target::Dockerd), Some(Severity::Warning));
        let mut inside = healthy_container();
        inside.net_sysctls.ip_forward_at_boot = file(0);
        assert_eq!(judged(&inside), Ok(Outcome::pass()), "nobody applies a container's files");
        facts.net_sysctls.ip_forward_at_boot = Fact::missing("/etc/sysctl.d", Why::NotRecorded);
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
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
