use alloc::format;

use crate::{
    facts::{Fact, Facts, PathMtu, Why},
    outcome::{Finding, Outcome, Unknown, Verdict},
    plan::Plan,
    remedy::{Place, Remedy},
};

check! {
    /// ## What it looks at
    /// Default routes and the kernel's answer whether any route leads out, proxies of this environment and of
    /// a dockerd that runs here, `registry-mirrors` in daemon.json, `DOCKER_HOST`. Nothing is contacted: that
    /// a registry answers is known only to whoever asks it, so this check finds the certain case, that there
    /// is no way out at all. That it passes is no promise that pulling will work.
    /// `--active` does not try it: no other machine is asked.
    ///
    /// ## Why it matters
    /// Engines start without a registry, and then every pull, build and new cluster fails. The daemon pulls,
    /// not the client: its routes, its proxy, its name servers and its certificate authorities count, and a
    /// kind node is one more daemon, with none of the outer one's mirrors and authorities.
    ///
    /// ## When it is fine
    /// With images that are loaded from archives, or a registry on a network that is attached here.
    ///
    /// ## How to fix
    /// Ask from where the daemon runs, and read what comes back:
    ///
    /// ```sh
    /// curl -sSI https://REGISTRY/v2/    # 401 is a registry that answers
    /// docker pull hello-world           # the same by the daemon's own way
    /// ```
    ///
    /// - `toomanyrequests`, 429: Docker Hub counts pulls per address, and a whole cluster can share one. Log
    ///   in (`docker login`), or pull by a mirror (`registry-mirrors` in daemon.json).
    /// - `x509: certificate signed by unknown authority`: a proxy or a registry of your own signs with an
    ///   authority that the *daemon* does not know. Put it into `/etc/docker/certs.d/HOST:PORT/ca.crt`, or
    ///   into the image's trust store; into kind nodes with `extraMounts`.
    /// - `server gave HTTP response to HTTPS client`: a registry without TLS belongs into
    ///   `insecure-registries`. Docker trusts `127.0.0.0/8` of its own accord; with rootless engines, in a
    ///   kind node or in a daemon of its own, `localhost` is another machine.
    /// - `proxyconnect`, 407, or a shell that reaches what the daemon does not: see `proxy-gaps`.
    /// - `no such host`, `Temporary failure in name resolution`: see `dns-loopback-resolver`.
    /// - Small answers come and layers or `TLS handshake timeout` do not: see `mtu-bridge-exceeds-path` and
    ///   `mtu-user-network-not-inherited`.
    /// - `certificate has expired or is not yet valid`: see `time-skew`.
    ///
    /// Without any way out, load images from an archive: `docker load`, `kind load image-archive`.
    ///
    /// ## References
    /// <https://docs.docker.com/docker-hub/usage/pulls/>;
    /// <https://docs.docker.com/engine/security/certificates/>;
    /// <https://kind.sigs.k8s.io/docs/user/local-registry/>; route(8).
    "registry-reachability",
    "No registry can be reached: pulls and builds fail",
    { dockerd: Warning, kind: Warning, rootless: Warning, buildkit: Warning },
    [
        "toomanyrequests:",
        "You have reached your pull rate limit",
        "You have reached your unauthenticated pull rate limit",
        "server gave HTTP response to HTTPS client",
        "x509: certificate signed by unknown authority",
        "request canceled while waiting for connection",
        "Client.Timeout exceeded while awaiting headers",
        "lookup registry-1.",
        "network is unreachable",
        "TLS handshake timeout",
        "Proxy Authentication Required",
        "dial tcp 127.0.0.1:",
    ]
}

/// Variables by which Go's and curl's clients are told a proxy.
const PROXIES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

fn run(facts: &Facts, _plan: &Plan) -> Verdict {
    let network = &facts.network;
    let routes = network.routes.get()?;
    // A VPN may have two halves in place of a default route.
    let leads_out = routes.iter().any(|route| {
        let link = route.interface.and_then(|index| network.link(index));
        route.unicast && route.destination.prefix_len() <= 1 && !link.is_some_and(|l| l.loopback)
    });
    // Routes are not all that decides: only the kernel's own answer makes it certain. One that could not be asked
    // for is none.
    let paths = [&network.path_mtu_v4, &network.path_mtu_v6];
    if leads_out || paths.iter().any(|path| path.known().is_some()) {
        return Ok(Outcome::pass());
    }
    for path in paths {
        path.told()?;
    }
    // An older recording does not say.
    if !paths.into_iter().all(is_no_way) {
        return Ok(Outcome::pass());
    }
    if let Some(by) = way_around(facts)? {
        let reason =
            format!("no route leads out; whether {by} serves images is known only by asking it");
        return Ok(Outcome::not_applicable(reason));
    }
    Ok(finding(facts).into())
}

/// Whether there is no way out by this family, or no such family.
fn is_no_way(path: &Fact<PathMtu>) -> bool {
    matches!(path.why(), Some(Why::NotFound | Why::Unsupported))
}

/// What brings images without a route of our own.
fn way_around(facts: &Facts) -> Result<Option<&'static str>, Unknown> {
    facts.runtime.variables.get()?;
    let set = |name: &&str| facts.runtime.variable(name).is_some_and(|value| !value.is_empty());
    if PROXIES.iter().any(set) {
        return Ok(Some("the proxy"));
    }
    let is_elsewhere = |host: &str| !host.is_empty() && !host.starts_with("unix:");
    if facts.runtime.variable("DOCKER_HOST").is_some_and(is_elsewhere) {
        return Ok(Some("the daemon of DOCKER_HOST"));
    }
    facts.engines.daemon_json.get()?;
    let proxy = |key| facts.engines.configured(&["proxies", key]).is_some();
    if proxy("https-proxy") || proxy("http-proxy") {
        return Ok(Some("the proxy of daemon.json"));
    }
    let mirrors = facts.engines.configured(&["registry-mirrors"]);
    if mirrors.and_then(|mirrors| mirrors.as_array()).is_some_and(|mirrors| !mirrors.is_empty()) {
        return Ok(Some("the mirror of daemon.json"));
    }
    let told = |flag: &str| facts.engines.named("dockerd").any(|d| d.flag(flag).is_some());
    if ["registry-mirror", "https-proxy", "http-proxy"].into_iter().any(told) {
        return Ok(Some("what dockerd is told in its arguments"));
    }
    for daemon in facts.proxies.daemons.get()? {
        if daemon.variables.get()?.keys().any(|name| name != "NO_PROXY") {
            return Ok(Some("the proxy of dockerd"));
        }
    }
    Ok(None)
}

fn finding(facts: &Facts) -> Finding {
    let network = &facts.network;
    let links = network.links.known().map(alloc::vec::Vec::as_slice).unwrap_or_default();
    let alone = !links.is_empty() && links.iter().all(|link| link.loopback);
    let (why, fix) = if alone {
        (
            "there is no network but loopback",
            "give the container a network: without --network none, in a pod or a job with the usual one",
        )
    } else {
        ("no route leads out of here", "give the container a network with a default route")
    };
    let summary = format!("{why} and no proxy is set: images can be pulled from nowhere outside");
    Finding::new(
        "default route",
        severities!(dockerd: Warning, kind: Warning, rootless: Warning, buildkit: Warning),
        summary,
    )
    .evidence(network.source.as_str(), "no default route")
    .evidence("path MTU to the outside", "no route, neither by IPv4 nor by IPv6")
    .remedy(Remedy::advice(Place::Container, fix))
    .remedy(Remedy::commands(
        Place::Here,
        "bring the images as archives (docker save elsewhere)",
        ["docker load -i images.tar", "kind load image-archive images.tar"],
    ))
    .remedy(Remedy::advice(
        Place::Runtime,
        "name a proxy (proxies) or a mirror that is on an attached network (registry-mirrors) in \
             daemon.json",
    ))
}

#[cfg(test)]
mod tests;
