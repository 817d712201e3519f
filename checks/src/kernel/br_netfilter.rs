use alloc::{format, vec::Vec};

use crate::{
    facts::Facts,
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{ContainerSetting, Place, Remedy, Task},
};

check! {
    /// ## What it looks at
    /// `net.bridge.bridge-nf-call-iptables`, which is there if the module br_netfilter is in the kernel, and
    /// dockerd's `icc` and `userland-proxy`, which want it when they are false.
    ///
    /// ## Why it matters
    /// With `icc: false` or `userland-proxy: false` dockerd refuses to make bridges without the module.
    ///
    /// ## When it is fine
    /// On a host with the modules of its kernel dockerd loads it by itself. With dockerd's defaults it is not
    /// needed. kind skips kubeadm's preflight check for it, and its own
    /// CNI does not bridge; with one that does, a pod does not reach itself through its service. Where the
    /// module is there and the sysctl is 0, dockerd turns it on.
    ///
    /// ## How to fix
    /// `modprobe br_netfilter` on the host, or `DOCKER_IGNORE_BR_NETFILTER_ERROR=1` for dockerd.
    ///
    /// ## References
    /// moby#49240, #49293, #52294; kernel `ip-sysctl.rst`.
    "br-netfilter",
    "br_netfilter is not in the kernel, and dockerd wants it",
    Docker,
    { dockerd: Info, kind: Info, buildkit: Info },
    [
        "cannot restrict inter-container communication or run without the userland proxy",
        "/proc/sys/net/bridge/bridge-nf-call-iptables does not exist",
        "bridge-nf-call-iptables is disabled",
        "FileContent--proc-sys-net-bridge",
    ]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let off = |name: &'static str| {
        let flag = facts.engines.named("dockerd").find_map(|daemon| daemon.flag(name));
        flag.is_some_and(|value| value == "false")
            || facts.engines.configured(&[name]).and_then(serde_json::Value::as_bool) == Some(false)
    };
    let wanted: Vec<&str> =
        ["icc", "userland-proxy"].into_iter().filter(|name| off(name)).collect();
    if wanted.is_empty() {
        facts.engines.daemon_json.get()?;
        return Ok(Outcome::not_applicable("with dockerd's defaults br_netfilter is not needed"));
    }
    if facts.net_sysctls.bridge_nf_call_iptables.get()?.is_some() {
        return Ok(Outcome::pass());
    }
    let kernel = &facts.kernel;
    if facts.runtime.container.is_no()
        && kernel.modules_loadable.is_known_and(|loadable| *loadable)
        && kernel.modules_directory.is_known_and(|exists| *exists)
    {
        return Ok(Outcome::pass());
    }
    let settings = format!("{}=false", wanted.join("=false, "));
    Ok(Finding::new(
        "br_netfilter",
        severities!(dockerd: Info, kind: Info, buildkit: Info),
        format!("br_netfilter is not in the kernel, and dockerd with {settings} wants it"),
    )
    .evidence("/proc/sys/net/bridge/bridge-nf-call-iptables", "not there")
    .evidence("dockerd", settings)
    .remedy(Remedy::tasks(
        Place::Host,
        "load it, now and at every boot",
        [Task::Modules {
            names: ["br_netfilter".into()].into(),
            file: Some("br_netfilter.conf".into()),
        }],
    ))
    .remedy(Remedy::container(
        "let dockerd go on without; traffic between containers is then not filtered",
        [ContainerSetting::Variable("DOCKER_IGNORE_BR_NETFILTER_ERROR".into(), "1".into())],
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

    fn without(content: serde_json::Value) -> Facts {
        let mut facts = healthy_vm();
        facts.net_sysctls.bridge_nf_call_iptables = Known(None);
        facts.kernel.modules_loadable = Known(false);
        if let Known(config) = &mut facts.engines.daemon_json {
            config.content = content;
        }
        facts
    }

    #[test]
    fn with_dockers_defaults_nobody_wants_it() {
        for facts in [healthy_container(), healthy_vm(), without(serde_json::Value::Null)] {
            assert!(matches!(judged(&facts), Ok(Outcome::NotApplicable(_))));
        }
    }

    #[test]
    fn settings_that_want_it_are_named() {
        let mut facts = without(serde_json::json!({"icc": false, "userland-proxy": true}));
        let Ok(Outcome::Found(found)) = judged(&facts) else { panic!() };
        assert_eq!(
            found[0].summary,
            "br_netfilter is not in the kernel, and dockerd with icc=false wants it"
        );
        assert!(found[0].severity.within(&CHECK.worst));
        facts.net_sysctls.bridge_nf_call_iptables = Known(Some(false));
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
    }

    #[test]
    fn on_a_host_with_modules_dockerd_loads_it() {
        let mut facts = without(serde_json::json!({"icc": false}));
        facts.kernel.modules_loadable = Known(true);
        facts.kernel.modules_directory = Known(true);
        assert_eq!(judged(&facts), Ok(Outcome::pass()));
        facts.kernel.modules_directory = Known(false);
        assert!(matches!(judged(&facts), Ok(Outcome::Found(_))));
    }

    #[test]
    fn what_cannot_be_read_is_unknown() {
        let mut facts = without(serde_json::json!({"icc": false}));
        facts.net_sysctls.bridge_nf_call_iptables = Fact::missing("…", Why::NotPermitted);
        assert!(judged(&facts).is_err());
        facts.engines.daemon_json = Fact::missing("/etc/docker/daemon.json", Why::NotPermitted);
        assert!(judged(&facts).is_err());
    }
}
