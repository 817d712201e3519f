use alloc::{format, vec, vec::Vec};

use crate::{
    facts::{Capability, Engine, Facts, Sandbox},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{DaemonOption, Language, Loader, Place, Remedy, Snippet, Task},
    target::{Severity, Target},
};

check! {
    /// ## What it looks at
    /// Whether the kernel is another than plain Linux, or has a layer over it: gVisor and WSL by
    /// `uname(2)`, Kata and Sysbox by their mounts in `/proc/self/mountinfo`, LXC by what PID 1 and the
    /// cgroup paths say; then what is known to be needed in each.
    ///
    /// ## Why it matters
    /// Advice for an ordinary container is wrong there. gVisor implements its own network stack: dockerd
    /// stops at its iptables rules, and no kubelet has been made to run. In Kata the kernel is the guest's,
    /// so that modules and sysctls of the node change nothing. WSL's settings are in `.wslconfig`, on
    /// Windows. Sysbox needs no privilege, and on cgroup v1 kind's nodes do not start in it. LXC wants
    /// nesting switched on outside.
    ///
    /// ## When it is fine
    /// Sysbox, Kata and LXC run Docker when they are set up for it; what is said of them is for
    /// information. WSL 2 with cgroup v2 alone is a VM like others, and passes.
    ///
    /// ## How to fix
    /// gVisor: `runsc --net-raw`, `dockerd --iptables=false --ip6tables=false`. WSL: version 2, and
    /// `kernelCommandLine = cgroup_no_v1=all`. LXC: `security.nesting=true`, or in Proxmox
    /// `--features nesting=1,keyctl=1`.
    ///
    /// ## References
    /// <https://gvisor.dev/docs/tutorials/docker-in-gvisor/>, google/gvisor#9917, google/gvisor#11883,
    /// google/gvisor#12145; kata-containers#7805; nestybox/sysbox#410; kind#2323, kind#3433.
    "sandboxed-kernel",
    "This is not plain Linux: a sandbox changes the advice",
    { dockerd: Error, kind: Error, rootless: Warning, systemd: Warning, buildkit: Warning, sandbox: Error },
    [
        "Starting gVisor",
        "Failed to initialize nft: Protocol not supported",
        "Protocol not supported",
        "error adding pid",
    ]
}

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    Ok(match facts.runtime.sandbox {
        Sandbox::Gvisor if plan.target == Target::Sandbox => bubblewrap(facts).into(),
        Sandbox::Gvisor => gvisor(facts).into(),
        Sandbox::Kata => kata(facts).into(),
        Sandbox::Sysbox => sysbox(facts).into(),
        Sandbox::Wsl2 => Outcome::of(wsl(facts)),
        Sandbox::None if facts.runtime.engine == Engine::Lxc => lxc(facts).into(),
        Sandbox::None => {
            // LXC is told from plain Linux by what names it.
            if facts.in_container()? && facts.runtime.engine == Engine::Unknown {
                facts.pid1.container_variable.told()?;
                facts.cgroup.memberships.told()?;
            }
            Outcome::pass()
        }
        Sandbox::Unknown => return Err(unknown(facts)),
    })
}

/// What would have told.
fn unknown(facts: &Facts) -> Unknown {
    let mut missing = Vec::new();
    for result in [facts.kernel.release.get().map(|_| ()), facts.mounts.get().map(|_| ())] {
        missing.extend(result.err().into_iter().flat_map(|unknown| unknown.missing));
    }
    if missing.is_empty() {
        return Unknown::new("kind of kernel", crate::facts::Why::NotProbed);
    }
    Unknown { missing, remedy: None }
}

/// With the observations by which the sandbox was recognised.
fn seen(facts: &Facts, finding: Finding) -> Finding {
    let evidence = facts.runtime.evidence.iter();
    evidence.fold(finding, |finding, e| finding.evidence(e.source.as_str(), e.value.as_str()))
}

fn is_off(facts: &Facts, name: &str) -> bool {
    let by_flag = facts
        .engines
        .named("dockerd")
        .filter_map(|daemon| daemon.flag(name))
        .any(|value| value == "false");
    by_flag || facts.engines.configured(&[name]).and_then(serde_json::Value::as_bool) == Some(false)
}

/// runsc takes CAP_NET_RAW out of every container, whatever the container was given.
pub(crate) fn net_raw() -> Remedy {
    Remedy::file(
        Place::Host,
        "let the sandbox have raw sockets: in the runsc configuration (flag --net-raw)",
        Snippet::Lines(Language::Toml, "[runsc_config]\n  net-raw = \"true\"".into()),
    )
}

/// gVisor begins a network namespace with 127.0.0.1 already there, and bubblewrap takes it for fatal that it may not add
/// it (google/gvisor#13438).
fn bubblewrap(facts: &Facts) -> Finding {
    let summary = "gVisor: bwrap --unshare-net fails with \"loopback: Failed RTM_NEWADDR\"";
    seen(facts, Finding::new("gVisor", severities!(sandbox: Error), summary)).remedy(
        Remedy::advice(
            Place::Here,
            "share the network with the sandbox: bwrap --unshare-all --share-net; gVisor isolates it from the \
             host all the same",
        ),
    )
}

fn gvisor(facts: &Facts) -> Finding {
    let off = is_off(facts, "iptables") && is_off(facts, "ip6tables");
    let raw = facts.capabilities.bounding.known().is_none_or(|set| set.has(Capability::NET_RAW));
    let (dockerd, summary) = if !off {
        (Severity::Error, "gVisor: dockerd does not get past iptables rules unless they are off")
    } else if !raw {
        (Severity::Warning, "gVisor without CAP_NET_RAW: dockerd's networks need runsc --net-raw")
    } else {
        (Severity::Info, "gVisor: dockerd runs with iptables off; containers need --network=host")
    };
    let severity = CHECK.worst.with(Target::Dockerd, Some(dockerd));
    let mut finding = seen(facts, Finding::new("gVisor", severity, summary));
    if !off {
        finding = finding.remedy(Remedy::daemon(
            "start dockerd without firewall rules",
            [DaemonOption::iptables(false), DaemonOption::ip6tables(false)],
        ));
    }
    finding.remedy(net_raw()).remedy(Remedy::advice(
        Place::Container,
        "for kind, run this pod with the node's own runtime, Kata or Sysbox: choose another \
             runtimeClassName",
    ))
}

fn kata(facts: &Facts) -> Finding {
    let release = facts.kernel.release.known().map_or("", |release| release.as_str());
    let summary = format!(
        "Kata: kernel {release} is the guest's own; modules and sysctls of the node change nothing here"
    );
    seen(
        facts,
        Finding::new(
            "Kata",
            severities!(dockerd: Info, kind: Info, rootless: Info, systemd: Info, buildkit: Info),
            summary,
        ),
    )
    .remedy(Remedy::advice(
        Place::Host,
        "what the kernel lacks goes into the guest's kernel image and kernel_params of Kata's \
         configuration.toml; put data roots on a block volume, not on the shared directory",
    ))
}

fn sysbox(facts: &Facts) -> Finding {
    let v1 = facts.cgroup.version.is_known_and(|version| version.is_v1());
    if v1 {
        return seen(
            facts,
            Finding::new(
                "Sysbox",
                severities!(dockerd: Info, kind: Error, rootless: Info, systemd: Info, buildkit: Info),
                "Sysbox on cgroup v1: kind's nodes do not start",
            ),
        )
        .remedy(Remedy::tasks(
            Place::Host,
            "boot the host with cgroup v2 (then reboot)",
            [Task::KernelArguments {
                add: ["systemd.unified_cgroup_hierarchy=1".into()].into(),
                remove: [].into(),
                loader: Loader::Grubby,
            }],
        ));
    }
    seen(
        facts,
        Finding::new(
            "Sysbox",
            severities!(dockerd: Info, kind: Info, rootless: Info, systemd: Info, buildkit: Info),
            "Sysbox: engines, systemd and kind run here without privilege; do not add --privileged",
        ),
    )
}

fn wsl(facts: &Facts) -> Vec<Finding> {
    let release = facts.kernel.release.known().map_or("", |release| release.as_str());
    // The first kernel of WSL 2 was 4.19; WSL 1 says 4.4.0 for ever.
    if facts.kernel.version.is_known_and(|version| !version.at_least(4, 19)) {
        let finding = Finding::new(
            "WSL",
            CHECK.worst,
            "WSL 1 is no Linux kernel: it has no namespaces, cgroups or overlays",
        )
        .evidence("uname", release)
        .remedy(Remedy::advice(
            Place::Host,
            "convert the distribution to WSL 2, on Windows: wsl --set-version NAME 2",
        ));
        return vec![finding];
    }
    if !facts.cgroup.version.is_known_and(|version| version.is_v1()) {
        return vec![];
    }
    let mode = facts.cgroup.version.known().map_or("v1", |version| version.name());
    let finding = Finding::new(
        "WSL 2",
        severities!(dockerd: Info, kind: Warning, rootless: Info, systemd: Info, buildkit: Info),
        format!("WSL 2 with cgroup {mode}: runc fails to move processes into some hierarchies"),
    )
    .evidence("uname", release)
    .caused_by("cgroup-v1-end-of-life")
    .remedy(Remedy::file(
        Place::Host,
        "in %UserProfile%\\.wslconfig on Windows, then: wsl --shutdown",
        Snippet::Lines(Language::Ini, "[wsl2]\nkernelCommandLine = cgroup_no_v1=all".into()),
    ));
    vec![finding]
}

fn lxc(facts: &Facts) -> Finding {
    let kind = if facts.identity.namespaces.user_is_private().is_yes() {
        "unprivileged"
    } else {
        "privileged"
    };
    let summary =
        format!("an LXC container ({kind}): engines need nesting switched on in its configuration");
    seen(
        facts,
        Finding::new(
            "LXC",
            severities!(dockerd: Info, kind: Info, rootless: Info, buildkit: Info),
            summary,
        ),
    )
    .remedy(Remedy::commands(
        Place::Host,
        "LXD or Incus (incus config set …), then restart the container",
        ["lxc config set \"$CONTAINER\" security.nesting true"],
    ))
    .remedy(Remedy::commands(
        Place::Host,
        "Proxmox, then restart the container",
        ["pct set \"$CONTAINER_ID\" --features nesting=1,keyctl=1"],
    ))
}

#[cfg(test)]
mod tests;
