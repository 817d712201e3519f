//! The API of the engine that Docker's clients reach from here.

mod answer;

use std::{
    fs,
    net::{TcpStream, ToSocketAddrs},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    time::{Duration, Instant},
};

use dind_doctor_checks::{
    EngineAddress, engine_address,
    facts::{Action, EngineLearned, EngineVersion, Facts, Learned, Text, TrialName},
};
use serde::de::DeserializeOwned;

use self::answer::{Info, Network};
use super::{
    Description, Plan,
    mtu::client_hello,
    steps::{Failure, Steps},
};
use crate::source::{Refusal, engine_get, engine_socket, engine_version, path};

pub(super) const TRIAL: Description = Description {
    name: TrialName::Api,
    does: "connects to the engine that clients reach here (DOCKER_HOST, the Docker context, \
           /var/run/docker.sock; where systemd listens, that starts Docker) and asks for /_ping, /version, \
           /info and /networks, by a socket or plain TCP; where clients are to use TLS, it only looks whether \
           a TLS handshake is answered",
    loads: &[],
    plan,
};

/// What one connection, and one answer, may take.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Networks that are kept: the first ones.
const NETWORKS: usize = 256;

fn plan(facts: &Facts) -> Vec<Plan> {
    vec![match engine_address(facts) {
        Err(why) => Plan::skipped(TrialName::Api, "", why),
        Ok(address) => {
            Plan::new(TrialName::Api, address.url.clone(), Vec::new(), move |steps, _| {
                let _ = ask(steps, &address);
            })
        }
    }]
}

fn ask(steps: &mut Steps, address: &EngineAddress) -> Option<()> {
    let stream = steps.step(Action::ConnectEngine, || connect(address))?;
    if address.tls {
        return steps.step(Action::BeginTls, || begin_tls(&stream, address));
    }
    steps.about("/_ping", true);
    steps.step(Action::AskEngine, || {
        ping(&stream).map_err(|failure| if answers_tls(address) { speaks_tls() } else { failure })
    })?;
    let mut learned = EngineLearned::default();
    steps.about("/version", true);
    learned.version = steps.step(Action::AskEngine, || {
        let body = get(address, "/version")?;
        engine_version(&body).ok_or_else(|| Failure::seen("the answer is no version"))
    })?;
    steps.learned(Learned::Engine(Box::new(learned.clone())));
    steps.about("/info", false);
    if let Some(info) = steps.step(Action::AskEngine, || json::<Info>(address, "/info")) {
        learned.name = info.name.into();
        learned.cgroup_driver = info.cgroup_driver.into();
        learned.cgroup_version = info.cgroup_version.into();
        learned.storage_driver = info.driver.into();
    }
    steps.about("/networks", false);
    if let Some(networks) =
        steps.step(Action::AskEngine, || json::<Vec<Network>>(address, "/networks"))
    {
        learned.networks = networks.into_iter().take(NETWORKS).map(Network::into_fact).collect();
    }
    steps.about(&described(&learned), false);
    steps.step(Action::KnowEngine, || Ok::<_, Failure>(()));
    steps.learned(Learned::Engine(Box::new(learned)));
    Some(())
}

/// `20.10.24, API 1.41 (from 1.12), cgroupfs on cgroup v1, overlay2, 3 networks`.
fn described(engine: &EngineLearned) -> String {
    let EngineVersion { version, api_version, minimum_api_version, .. } = &engine.version;
    let mut parts = vec![version.to_string()];
    if !api_version.is_empty() {
        parts.push(format!("API {api_version} (from {minimum_api_version})"));
    }
    if !engine.cgroup_driver.is_empty() {
        parts.push(format!("{} on cgroup v{}", engine.cgroup_driver, engine.cgroup_version));
    }
    parts.push(engine.storage_driver.to_string());
    for network in engine.networks.iter().take(8) {
        let subnets: Vec<_> = network.subnets.iter().map(Text::as_str).collect();
        let mtu = network.mtu.map(|mtu| format!(" mtu {mtu}")).unwrap_or_default();
        let range =
            if subnets.is_empty() { String::new() } else { format!(" {}", subnets.join(" ")) };
        parts.push(format!("network {}{range}{mtu}", network.name));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}

/// A stream that does not block; one of TCP is read and written in the same way.
fn connect(address: &EngineAddress) -> Result<UnixStream, Failure> {
    match &address.at {
        Ok(socket) => {
            let resolved = fs::canonicalize(path::decode(socket))?;
            engine_socket(&resolved).map_err(failure)
        }
        Err((host, port)) => {
            let mut last = Failure::seen("it has no address");
            for address in (host.as_str(), *port).to_socket_addrs()? {
                match TcpStream::connect_timeout(&address, PATIENCE) {
                    Ok(stream) => {
                        stream.set_nonblocking(true)?;
                        return Ok(UnixStream::from(OwnedFd::from(stream)));
                    }
                    Err(error) => last = error.into(),
                }
            }
            Err(last)
        }
    }
}

fn get(address: &EngineAddress, target: &str) -> Result<Vec<u8>, Failure> {
    let stream = connect(address)?;
    engine_get(&stream, target, Instant::now() + PATIENCE).map_err(failure)
}

fn json<T: DeserializeOwned>(address: &EngineAddress, target: &str) -> Result<T, Failure> {
    let body = get(address, target)?;
    serde_json::from_slice(&body).map_err(|_| Failure::seen("the answer is not what the API says"))
}

fn failure(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Errno(errno) => nix::errno::Errno::from_raw(errno).into(),
        Refusal::TimedOut => Failure::seen("no answer in time"),
        Refusal::TooLarge => Failure::seen("an answer without end"),
        _ => Failure::seen("the answer is not that of an engine"),
    }
}

/// What a server says to a plain request, of which the first bytes tell the protocol.
fn ping(stream: &UnixStream) -> Result<(), Failure> {
    let answer = first_bytes(stream, b"GET /_ping HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let text = String::from_utf8_lossy(&answer);
    if is_tls(&answer) || text.contains("HTTP request to an HTTPS server") {
        return Err(speaks_tls());
    }
    match text.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)) {
        Some("200") => Ok(()),
        Some(status) if status.bytes().all(|b| b.is_ascii_digit()) => {
            Err(Failure::seen(format!("HTTP status {status}")))
        }
        _ => Err(Failure::seen("the answer is not that of an engine")),
    }
}

fn speaks_tls() -> Failure {
    Failure::seen("it speaks TLS, and clients here speak plain HTTP")
}

/// Whether a port that does not answer a plain request answers the beginning of a handshake.
fn answers_tls(address: &EngineAddress) -> bool {
    let again = || begin_tls(&connect(address).ok()?, address).ok();
    address.at.is_err() && again().is_some()
}

fn begin_tls(stream: &UnixStream, address: &EngineAddress) -> Result<(), Failure> {
    let host = address.at.as_ref().err().map_or("", |(host, _)| host.as_str());
    let answer = first_bytes(stream, &client_hello(host))?;
    if is_tls(&answer) {
        return Ok(());
    }
    Err(Failure::seen(if answer.starts_with(b"HTTP/") {
        "it speaks plain HTTP, and clients here speak TLS"
    } else {
        "the answer is not TLS"
    }))
}

/// A record of a handshake, or an alert.
fn is_tls(answer: &[u8]) -> bool {
    matches!(answer, [21 | 22, 3, ..])
}

/// What comes first in answer to `request`: until the peer pauses, ends or has said enough.
fn first_bytes(stream: &UnixStream, request: &[u8]) -> Result<Vec<u8>, Failure> {
    use std::io::{ErrorKind, Read, Write};
    const ENOUGH: usize = 512;
    let end = Instant::now() + PATIENCE;
    (&*stream).write_all(request)?;
    let mut answer = Vec::new();
    while answer.len() < ENOUGH {
        let mut chunk = [0; ENOUGH];
        match (&*stream).read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => answer.extend_from_slice(&chunk[..read]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                // A head that is complete is enough.
                let whole = answer.len() >= 7 && (is_tls(&answer) || answer.ends_with(b"\n"));
                if whole || Instant::now() >= end {
                    break;
                }
                wait(stream);
            }
            Err(error) if answer.is_empty() => return Err(error.into()),
            Err(_) => break,
        }
    }
    if answer.is_empty() { Err(Failure::seen("no answer")) } else { Ok(answer) }
}

fn wait(stream: &UnixStream) {
    use nix::poll::{PollFd, PollFlags, poll};
    let mut ready = [PollFd::new(stream.as_fd(), PollFlags::POLLIN)];
    // The loop looks at the clock.
    let _ = poll(&mut ready, 50_u8);
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    /// What `ping` says of a server that answers this.
    fn said_of(answer: &'static [u8]) -> Option<String> {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let server = std::thread::spawn(move || {
            assert!(theirs.read(&mut [0; 512]).unwrap() > 0);
            theirs.write_all(answer).unwrap();
        });
        let said = ping(&ours).err().map(|failure| format!("{failure:?}"));
        server.join().unwrap();
        said
    }

    #[test]
    fn protocols_are_told_apart_by_what_comes_first() {
        assert_eq!(said_of(b"HTTP/1.0 200 OK\r\n\r\nOK"), None);
        let tls = "it speaks TLS";
        let words =
            b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
        for (answer, expected) in [
            (&words[..], tls),
            (&[21, 3, 1, 0, 2, 2, 10], tls),
            (b"HTTP/1.1 403 Forbidden\r\n\r\n", "HTTP status 403"),
            (b"HTTP/1.1 \xff\x1b[31m", "not that of an engine"),
            (b"SSH-2.0-OpenSSH\r\n", "not that of an engine"),
            (b"", "no answer"),
        ] {
            let said = said_of(answer).unwrap();
            assert!(said.contains(expected), "{said}");
        }
    }

    #[test]
    fn networks_have_ranges_and_options() {
        let body = r#"[{"Name": "bridge", "Driver": "bridge", "IPAM": {"Config": [{"Subnet": "172.17.0.0/16"}]},
            "Options": {"com.docker.network.driver.mtu": "1400"}},
            {"Name": "none", "Driver": "null", "Options": null, "IPAM": {"Config": null}}]"#;
        let networks: Vec<Network> = serde_json::from_str(body).unwrap();
        let networks = networks.into_iter().map(Network::into_fact).collect();
        let version = EngineVersion { version: "28.2.2".into(), ..EngineVersion::default() };
        let engine = EngineLearned { version, networks, ..EngineLearned::default() };
        assert_eq!(
            described(&engine),
            "28.2.2, network bridge 172.17.0.0/16 mtu 1400, network none"
        );
    }
}
