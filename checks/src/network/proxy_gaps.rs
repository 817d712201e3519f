use alloc::{format, string::String, vec, vec::Vec};
use core::net::IpAddr;

use ipnet::IpNet;

use super::subnets::host_of;
use crate::{
    facts::{EngineProxy, Fact, Facts, PROXY_VARIABLES},
    outcome::{Finding, Outcome, Verdict},
    plan::Plan,
    remedy::{Language, Place, Remedy, Snippet, Task, quote},
};

check! {
    /// ## What it looks at
    /// `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` of the doctor's own environment in both spellings, of
    /// a dockerd that runs here, and `proxies` in daemon.json; the host of `DOCKER_HOST`.
    ///
    /// ## Why it matters
    /// Images are pulled by the daemon, with the daemon's environment: the shell's proxy does not help it.
    /// The other way round, a client whose `DOCKER_HOST` is not in `NO_PROXY` asks the proxy for the daemon.
    ///
    /// ## When it is fine
    /// Without a proxy nothing is looked at. A daemon that is started later from here inherits the variables.
    /// `localhost` and loopback addresses never go by the proxy in Go's clients, with or without `NO_PROXY`.
    /// kind hands the variables to its nodes and adds its own subnets and names to `NO_PROXY`.
    ///
    /// ## How to fix
    /// `proxies` in daemon.json (Docker 23 and later) or the variables in the daemon's unit or container; the
    /// daemon's host in `NO_PROXY`.
    ///
    /// ## References
    /// kind#689, #1579, #2884; <https://docs.docker.com/engine/daemon/proxy/>; Go
    /// `golang.org/x/net/http/httpproxy`.
    "proxy-gaps",
    "Shell, client and daemon do not agree on the proxy",
    Docker,
    { dockerd: Warning, kind: Warning, buildkit: Info },
    ["proxyconnect tcp:", "Proxy Authentication Required"]
}

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    facts.runtime.variables.get()?;
    let Some((name, proxy)) = proxy(facts) else {
        return Ok(Outcome::not_applicable("no proxy is set in this environment"));
    };
    let mut found: Vec<Finding> = daemon(facts, &name, &proxy).into_iter().collect();
    found.extend(client(facts));
    found.extend(spelling(facts));
    if found.is_empty() {
        for daemon in facts.proxies.daemons.get()? {
            daemon.variables.get()?;
        }
    }
    Ok(Outcome::of(found))
}

/// The value of a variable in the spelling that Go reads first.
fn variable(facts: &Facts, name: &str) -> Option<String> {
    let set = |name: &str| facts.runtime.variable(name).filter(|value| !value.is_empty());
    set(name).or_else(|| set(&name.to_ascii_lowercase())).map(String::from)
}

fn proxy(facts: &Facts) -> Option<(String, String)> {
    ["HTTPS_PROXY", "HTTP_PROXY"]
        .into_iter()
        .find_map(|name| Some((name.into(), variable(facts, name)?)))
}

/// Proxies may carry passwords: only the host is shown.
fn shown(proxy: &str) -> &str {
    let host = host_of(proxy);
    if host.is_empty() { "…" } else { host }
}

fn daemon(facts: &Facts, name: &str, proxy: &str) -> Option<Finding> {
    let configured = |key| facts.engines.configured(&["proxies", key]).is_some();
    if configured("https-proxy") || configured("http-proxy") {
        return None;
    }
    facts.engines.daemon_json.known()?;
    let has_none = |daemon: &&EngineProxy| {
        let none = |variables: &alloc::collections::BTreeMap<_, _>| {
            PROXY_VARIABLES[..2].iter().all(|name| !variables.contains_key(&(*name).into()))
        };
        daemon.variables.is_known_and(none)
    };
    let flags = |daemon: &&EngineProxy| {
        let engine = facts.engines.named("dockerd").find(|engine| engine.pid == daemon.pid);
        engine.is_some_and(|engine| {
            matches!(engine.arguments, Fact::Missing(_))
                || ["http-proxy", "https-proxy"].iter().any(|name| engine.flag(name).is_some())
        })
    };
    let daemons = facts.proxies.daemons.known()?;
    let daemon = daemons.iter().find(|daemon| has_none(daemon) && !flags(daemon))?;
    Some(
        Finding::new(
            format!("dockerd, PID {}", daemon.pid),
            severities!(dockerd: Warning, kind: Warning, buildkit: Info),
            format!("{name} is set here, and dockerd (PID {}) has no proxy: it pulls without", daemon.pid),
        )
        .evidence(name, shown(proxy))
        .evidence(format!("/proc/{}/environ", daemon.pid), "no HTTP_PROXY, no HTTPS_PROXY")
        .remedy(Remedy::file(
            Place::Runtime,
            "tell dockerd the proxy in /etc/docker/daemon.json (Docker 23 and later) and restart it; put the \
             values of this environment in",
            Snippet::Tree(
                Language::Json,
                serde_json::json!({"proxies": {
                    "http-proxy": "http://PROXY:PORT", "https-proxy": "http://PROXY:PORT",
                    "no-proxy": "localhost,127.0.0.1",
                }}),
            ),
        )),
    )
}

/// A client that would ask the proxy for the daemon.
fn client(facts: &Facts) -> Option<Finding> {
    let docker_host = facts.runtime.variable("DOCKER_HOST")?;
    if !(docker_host.starts_with("tcp://") || docker_host.starts_with("http")) {
        return None;
    }
    let tls = ["DOCKER_TLS_VERIFY", "DOCKER_TLS"]
        .iter()
        .any(|name| facts.runtime.variable(name).is_some_and(|value| !value.is_empty()));
    let name = if tls { "HTTPS_PROXY" } else { "HTTP_PROXY" };
    let proxy = variable(facts, name)?;
    let host = host_of(docker_host);
    let no_proxy = variable(facts, "NO_PROXY").unwrap_or_default();
    if host.is_empty() || is_exempt(host, &no_proxy) {
        return None;
    }
    let wanted = if no_proxy.is_empty() { host.into() } else { format!("{no_proxy},{host}") };
    let wanted = quote(&wanted);
    Some(
        Finding::new(
            "NO_PROXY",
            severities!(dockerd: Warning, kind: Warning, buildkit: Info),
            format!("the client asks the proxy {} for the daemon at {host}", shown(&proxy)),
        )
        .evidence("DOCKER_HOST", host)
        .evidence("NO_PROXY", if no_proxy.is_empty() { "not set" } else { no_proxy.as_str() })
        .remedy(Remedy::tasks(
            Place::Here,
            "let the daemon's host be asked directly",
            [Task::Environment {
                set: vec![("NO_PROXY".into(), wanted.clone()), ("no_proxy".into(), wanted)],
                unset: Vec::new(),
            }],
        )),
    )
}

/// As `golang.org/x/net/http/httpproxy`.
fn is_exempt(host: &str, no_proxy: &str) -> bool {
    let address = host.parse::<IpAddr>().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    no_proxy.split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        if entry == "*" {
            return true;
        }
        if let (Ok(net), Some(address)) = (entry.parse::<IpNet>(), address) {
            return net.contains(&address);
        }
        let entry = host_of(entry).to_ascii_lowercase();
        let entry = entry.strip_prefix('*').unwrap_or(&entry);
        let name = entry.strip_prefix('.').unwrap_or(entry);
        let below = host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
        below || !entry.starts_with('.') && host == name
    })
}

/// Two spellings with two values: who reads which depends on the program.
fn spelling(facts: &Facts) -> Option<Finding> {
    let set = |name: &str| facts.runtime.variable(name).filter(|value| !value.is_empty());
    let name = PROXY_VARIABLES.into_iter().find(|name| {
        let small = name.to_ascii_lowercase();
        set(name).zip(set(&small)).is_some_and(|(capitals, small)| capitals != small)
    })?;
    let small = name.to_ascii_lowercase();
    Some(
        Finding::new(
            name,
            severities!(dockerd: Info, kind: Info, buildkit: Info),
            format!("{name} and {small} differ: programs do not agree which one counts"),
        )
        .evidence("environment", format!("{name} and {small} have different values"))
        .remedy(Remedy::tasks(
            Place::Here,
            "let both say the same",
            [Task::Environment { set: vec![(small, format!("\"${name}\""))], unset: Vec::new() }],
        )),
    )
}

#[cfg(test)]
mod tests;
