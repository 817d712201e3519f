//! The path to a target that the user names, both ways.
//!
//! Outward, the kernel probes: datagrams and full-size segments that may not be fragmented. Inward, what
//! matters is what a *container's* connection would receive, and the size of that is decided by the MSS that
//! its SYN announces: the MTU of its link, less 40. No namespace, link, route or rule is needed to announce
//! it. The trial is the receiving half of a TCP connection itself, with a port of this network namespace that
//! the kernel holds for it ([`tap`]), and compares what comes when it announces the MTU of the way out with
//! what comes when it announces that of a container. When its process ends, nothing is left.
//!
//! Its packets pass the hooks OUTPUT and POSTROUTING, not FORWARD: a rule there that clamps the MSS is not
//! seen.

mod inward;
mod options;
mod outward;
mod request;
mod segment;
mod tap;

use std::{
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    time::Duration,
};

use dind_doctor_checks::{
    facts::{Action, Download, Facts, Learned, PathLearned, TrialName},
    mtus_to_try,
};

use self::request::Request;
use super::{
    Description, Plan,
    steps::{Failure, Steps},
};

pub(super) const TRIAL: Description = Description {
    name: TrialName::Mtu,
    does: "only with --mtu-target HOST:PORT: probes the path to it with packets that may not be fragmented, \
           and begins a download from it (HTTP or a TLS handshake, 16 KiB at most) by a connection of its own \
           that announces the segments which a container would announce: whether that stalls where smaller \
           ones come",
    loads: &["af_packet"],
    plan,
};

/// How long a connection may take, and how long nothing may come before a download has stalled: a segment
/// that was lost is sent again in a fraction of it, several times.
const PATIENCE: Duration = Duration::from_millis(1500);

/// What is tried where the MTU of the way out is too much already: of tunnels and overlay networks.
const LADDER: [u32; 8] = [1280, 1380, 1400, 1420, 1440, 1450, 1460, 1480];

fn plan(facts: &Facts) -> Vec<Plan> {
    let skipped = |why: &str| vec![Plan::skipped(TrialName::Mtu, "", why)];
    let Some(target) = facts.trials.mtu_target.clone() else {
        return skipped("nothing beyond this machine is contacted without --mtu-target HOST:PORT");
    };
    let mtus = mtus_to_try(facts);
    if mtus.is_empty() {
        return skipped("there is no default route, or it cannot be read");
    }
    let subject = target.clone();
    vec![Plan::new(TrialName::Mtu, subject, Vec::new(), move |steps, _| {
        let _ = attempt(steps, &target, &mtus);
    })]
}

fn attempt(steps: &mut Steps, target: &str, mtus: &[u32]) -> Option<()> {
    let address = steps.step(Action::ResolveName, || resolve(target))?;
    let stream =
        steps.step(Action::ConnectTarget, || TcpStream::connect_timeout(&address, PATIENCE))?;
    let outward = outward::probe(steps, stream, target);
    let mut path = PathLearned { outward, downloads: Vec::new() };
    steps.learned(Learned::Path(path.clone()));
    let SocketAddr::V4(address) = address else {
        steps.about("", false);
        let why = "not done by IPv6: name an IPv4 address of the target";
        return steps.step(Action::Download, || Err(Failure::seen(why)));
    };
    let mut announce = |mtu: u32, request: &Request, path: &mut PathLearned| {
        let result = inward::download(address, mtu, request);
        record(steps, mtu, &result);
        let download = result.ok()?;
        path.downloads.retain(|d| d.mtu != mtu);
        path.downloads.push(download.clone());
        steps.learned(Learned::Path(path.clone()));
        Some(download)
    };
    // The smallest is that of the way out: what the others are compared with.
    let (own, larger) = mtus.split_first()?;
    let [first, second] = request::both(target, address.port());
    let mut request = &first;
    let mut compared = announce(*own, &first, &mut path)?;
    if !compared.is_long() && !compared.stalled {
        // The answer to what speaks another protocol is short.
        request = &second;
        compared = announce(*own, &second, &mut path)?;
    }
    if compared.stalled {
        // By halves: the largest that does not stall.
        let mut left = LADDER.into_iter().filter(|mtu| mtu < own).collect::<Vec<_>>();
        while !left.is_empty() {
            let middle = left.len() / 2;
            let stalled = announce(left[middle], request, &mut path)?.stalled;
            left = if stalled { left[..middle].to_vec() } else { left[middle + 1..].to_vec() };
        }
    } else {
        for mtu in larger {
            announce(*mtu, request, &mut path)?;
        }
    }
    Some(())
}

fn resolve(target: &str) -> Result<SocketAddr, Failure> {
    let found: Vec<_> = target.to_socket_addrs()?.collect();
    let v4 = found.iter().find(|address| address.is_ipv4());
    v4.or(found.first()).copied().ok_or_else(|| Failure::seen("it has no address"))
}

/// The step of one download, which failed if it stalled.
fn record(steps: &mut Steps, mtu: u32, result: &Result<Download, Failure>) {
    let object = match result {
        Ok(Download { bytes, segment, stalled: false, .. }) => {
            format!("announcing MTU {mtu}: {bytes} bytes in segments of at most {segment}")
        }
        _ => format!("announcing MTU {mtu}"),
    };
    steps.about(&object, true);
    steps.step(Action::Download, || match result {
        Ok(Download { bytes, stalled: true, .. }) => {
            Err(Failure::seen(format!("stalled after {bytes} bytes")))
        }
        Ok(_) => Ok(()),
        Err(failure) => Err(failure.clone()),
    });
}
