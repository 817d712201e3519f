mod needs;

use alloc::{collections::BTreeSet, format, string::String, vec::Vec};

use crate::{
    facts::{Facts, Tri},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{Place, Remedy, Task},
    target::Severities,
};
use needs::Need;

check! {
    /// ## What it looks at
    /// Programs that the engine executes, on the PATH that it has and in the folders where it looks besides: for dockerd
    /// containerd, its shim, runc and docker-proxy; for rootless Docker a network driver (slirp4netns, vpnkit); for podman crun or
    /// runc, conmon, pasta or slirp4netns for a user, netavark and aardvark-dns for root; for buildkitd runc. Only
    /// where the engine itself is installed here.
    ///
    /// ## Why it matters
    /// An engine that was copied without its companions, or is started with a PATH of its own (systemd, cron, agents, Nix), ends or
    /// starts nothing: `could not find pasta`, `exec: "runc": executable file not found in $PATH`.
    ///
    /// ## When it is fine
    /// With a daemon that runs, which has found its containerd and docker-proxy. Where daemon.json names another runtime, or
    /// `userland-proxy` is false. rootlesskit 3 (Docker 29.5) has its network built in. podman up to 4 takes slirp4netns,
    /// and goes on with CNI where there is no netavark. iptables, newuidmap and fuse-overlayfs have checks of their own.
    ///
    /// ## How to fix
    /// Install the package that has it, or let the PATH of the engine lead to it.
    ///
    /// ## References
    /// moby `daemon/config` (`verifyUserlandProxyConfig`), `contrib/dockerd-rootless.sh`; `containers.conf(5)`,
    /// `helper_binaries_dir`; podman#26489.
    "engine-helper-missing",
    "A program that the engine executes is not installed",
    { dockerd: Error, kind: Error, rootless: Error, buildkit: Error },
    [
        "could not find pasta, the network namespace can't be configured",
        "could not find slirp4netns, the network namespace can't be configured",
        "could not find \"netavark\" in one of",
        "could not find a working conmon binary",
        "exec: \"runc\": executable file not found in $PATH",
        "failed to start containerd: exec: \"containerd\": executable file not found in $PATH",
        "invalid userland-proxy-path: userland-proxy is enabled, but userland-proxy-path is not set",
        "exec: \"docker-proxy\": executable file not found in $PATH",
        "runtime \"io.containerd.runc.v2\" binary not installed",
        "Either slirp4netns (>= v0.4.0) or vpnkit needs to be installed",
        "default OCI runtime \"crun\" not found",
        "aardvark-dns binary not found",
        "rootlesskit needs to be installed",
    ]
}

fn run(facts: &Facts, plan: &Plan) -> Verdict {
    let mut missing = Vec::new();
    let mut unknown = None;
    for need in needs::of(facts, plan) {
        match need.is_missing(facts) {
            Ok(true) => missing.push(need),
            Ok(false) => {}
            Err(error) => unknown = unknown.or(Some(error)),
        }
    }
    if missing.is_empty() && unknown.is_none() {
        return Ok(Outcome::pass());
    }
    if !needs::is_installed(facts, plan)? {
        let engine = plan.engine();
        return Ok(Outcome::not_applicable(format!("{engine} is not installed here")));
    }
    // Another version may not want it.
    for (component, _) in missing.iter().filter_map(|need| need.version.as_ref()) {
        facts.versions.sure(*component)?;
    }
    match unknown {
        Some(unknown) if missing.is_empty() => Err(unknown),
        _ => Ok(found(facts, plan, &missing).into()),
    }
}

/// All that is missing, so that one command installs it.
fn found(facts: &Facts, plan: &Plan, missing: &[Need]) -> Finding {
    let name = |need: &Need| need.names.join(" nor ");
    let all = |part: &dyn Fn(&Need) -> String, between: &str| {
        missing.iter().map(part).collect::<Vec<_>>().join(between)
    };
    let severity = missing.iter().map(|need| need.severity).max();
    let packages: BTreeSet<&str> = missing.iter().map(|need| need.package).collect();
    let packages: Vec<String> = packages.into_iter().map(Into::into).collect();
    let elsewhere: BTreeSet<&str> = missing.iter().map(|need| need.elsewhere).collect();
    let elsewhere = elsewhere.into_iter().collect::<Vec<_>>().join("; ");
    let place = if facts.runtime.container == Tri::No { Place::Here } else { Place::Image };
    let mut finding = Finding::new(
        all(&name, ", "),
        Severities::NONE.with(plan.target, severity),
        format!(
            "not on the PATH of {}: {}",
            plan.engine(),
            all(&|need| format!("{} ({})", name(need), need.consequence), ", ")
        ),
    )
    .evidence("PATH", format!("no {}", all(&name, ", ")))
    .remedy(Remedy::tasks(
        place,
        if place == Place::Here && facts.identity.euid.is_known_and(|uid| *uid != 0) {
            format!("as root, install what is missing ({elsewhere})")
        } else {
            format!("install what is missing ({elsewhere})")
        },
        [Task::Packages { debian: packages, alpine: Vec::new(), fedora: Vec::new() }],
    ));
    for (component, version) in missing.iter().filter_map(|need| need.version.as_ref()) {
        finding = finding.rests_on(*component, version);
    }
    finding
}

#[cfg(test)]
mod tests;
