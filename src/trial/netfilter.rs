//! The rules of an engine, made by the program that it would use and in nf_tables without one, and each time
//! a packet that meets them.

mod expression;
mod nftables;

use std::{
    ffi::OsStr,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    os::unix::net::UnixStream,
    path::Path,
    time::{Duration, Instant},
};

use dind_doctor_checks::facts::{Action, Facts, IptablesTool, NF_TABLES, TrialName};
use nix::{
    errno::Errno,
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
};

use super::{
    Description, Plan, link, namespace,
    program::Program,
    steps::{Failure, Steps},
};
use crate::{
    source::{Refusal, legacy_entries, nft_tables, path::decode},
    sys::fork,
};

pub(super) const TRIAL: Description = Description {
    name: TrialName::Netfilter,
    does: "in a network namespace of its own executes the first iptables on the PATH to make the rules that \
           engines make, asks for nf_tables and for legacy tables, and sends one packet to another \
           namespace that has to arrive with the rewritten source; in another one does the same with rules \
           that it makes in nf_tables itself",
    loads: &[
        "ip_tables",
        "iptable_filter",
        "iptable_nat",
        "iptable_raw",
        "nf_tables",
        "nft_compat",
        "nft_chain_nat",
        "nft_counter",
        "nft_ct",
        "nft_fib_ipv4",
        "nft_masq",
        "nft_nat",
        "nfnetlink",
        "nf_conntrack",
        "nf_nat",
        "veth",
        "xt_addrtype",
        "xt_conntrack",
        "xt_MASQUERADE",
    ],
    plan,
};

/// What dockerd makes first, and what its rules consist of; addresses are of TEST-NET-1, which nobody has.
const RULES: [(Action, bool, &str); 5] = [
    (Action::NatChain, true, "-t nat -N DOCKER"),
    (Action::MatchAddrtype, true, "-t nat -A DOCKER -m addrtype --dst-type LOCAL -j RETURN"),
    (
        Action::MatchConntrack,
        true,
        "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    ),
    (Action::Masquerade, true, "-t nat -A POSTROUTING -s 192.0.2.0/24 ! -o lo -j MASQUERADE"),
    // Docker from 28.0.1 on.
    (Action::RawTable, false, "-t raw -A PREROUTING -d 192.0.2.9/32 ! -i lo -j DROP"),
];

/// The source of the packet, the uplink that it leaves by, and where it goes (TEST-NET-2).
const INSIDE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const UPLINK: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
const OUTSIDE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);
const PORT: u16 = 9;

/// How long the packet may take, ARP included.
const PATIENCE: Duration = Duration::from_millis(1500);

fn plan(facts: &Facts) -> Vec<Plan> {
    let root = facts.identity.euid.is_known_and(|euid| *euid == 0);
    let nf_tables = Plan::new(TrialName::Netfilter, NF_TABLES, Vec::new(), move |steps, _| {
        let _ = nftables::attempt(steps, root);
    });
    vec![program(facts, root), nf_tables]
}

fn program(facts: &Facts, root: bool) -> Plan {
    let skipped = |why: &str| Plan::skipped(TrialName::Netfilter, "", why);
    let tool = match facts.netfilter.iptables.known() {
        Some(Some(tool)) => tool.clone(),
        Some(None) => return skipped("there is no iptables on the PATH"),
        None => return skipped("which iptables is on the PATH is not known"),
    };
    let open = {
        let path = decode(&tool.path);
        move || Program::open(&path, "iptables")
    };
    // A PATH can lead to what others have put there.
    if let Err(error) = open() {
        let why = format!("not executed: {error}");
        return Plan::skipped(TrialName::Netfilter, tool.path, why);
    }
    Plan::new(TrialName::Netfilter, tool.path.clone(), Vec::new(), move |steps, _| {
        // Here, since a guardian has no other descriptors; and before anything covers what links lead through.
        if let Ok(program) = open() {
            let _ = attempt(steps, &program, &tool, root);
        }
    })
}

fn attempt(steps: &mut Steps, program: &Program, tool: &IptablesTool, root: bool) -> Option<()> {
    // Rootless engines have a network namespace in their user namespace.
    (if root { namespace::mounts(steps) } else { namespace::user(steps) })?;
    steps.step(Action::Unshare, || unshare(CloneFlags::CLONE_NEWNET))?;
    kernel(steps);
    // The program's lock is a file in /run that would stay.
    let covered = Path::new("/run").is_dir();
    if covered {
        steps.step(Action::MountTmpfs, || {
            mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), None::<&str>)
        })?;
    }
    for (action, needed, rule) in RULES {
        steps.about("", needed);
        steps.step(action, || execute(program, tool, rule));
    }
    steps.about("", true);
    packet(steps)
}

/// What the kernel serves, whatever the program talks to.
fn kernel(steps: &mut Steps) {
    for table in ["nat", "filter"] {
        steps.about(table, false);
        steps.step(Action::LegacyTable, || legacy_entries(4, table).map_err(failure));
    }
    steps.about("", false);
    let deadline = Instant::now() + Duration::from_secs(1);
    steps.step(Action::Nftables, || nft_tables(deadline).map_err(failure));
    steps.about("", true);
}

fn failure(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Errno(errno) => Errno::from_raw(errno).into(),
        other => Failure::seen(format!("{other:?}")),
    }
}

fn execute(program: &Program, tool: &IptablesTool, rule: &str) -> Result<(), Failure> {
    // The name says what it is to be.
    let arguments = ["--wait"].into_iter().chain(rule.split(' '));
    program.execute(OsStr::new(tool.path.as_str()), arguments)
}

/// From an address that is to be masqueraded, through a veth pair, to another network namespace.
fn packet(steps: &mut Steps) -> Option<()> {
    let (ours, theirs) = UnixStream::pair().ok()?;
    ours.set_read_timeout(Some(PATIENCE)).ok()?;
    let far = fork::spawn(|| {
        let _ = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL);
        let _ = receive(&theirs);
    });
    drop(theirs);
    steps.step(Action::MakeLinks, || {
        let far = far?;
        hear(&ours)?;
        link::up("lo", INSIDE, 32)?;
        link::veth("doctor0", "doctor1", far)?;
        link::up("doctor0", UPLINK, 24)?;
        say(&ours)?;
        hear(&ours)
    })?;
    steps.step(Action::SendPacket, || {
        UdpSocket::bind((INSIDE, 0))?.send_to(b"doctor", (OUTSIDE, PORT))?;
        let mut source = [0; 4];
        (&ours).read_exact(&mut source).map_err(|_| Failure::seen("it did not arrive"))?;
        match Ipv4Addr::from(source) {
            UPLINK => Ok(()),
            other => {
                Err(Failure::seen(format!("it arrived from {other}: the rule was not applied")))
            }
        }
    })
}

/// The far end: says from where the packet came.
fn receive(stream: &UnixStream) -> Result<(), Failure> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    say(stream)?;
    hear(stream)?;
    link::up("doctor1", OUTSIDE, 24)?;
    let socket = UdpSocket::bind((OUTSIDE, PORT))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    say(stream)?;
    let (_, source) = socket.recv_from(&mut [0; 16])?;
    if let SocketAddr::V4(source) = source {
        let mut stream = stream;
        stream.write_all(&source.ip().octets())?;
    }
    Ok(())
}

fn say(mut stream: &UnixStream) -> Result<(), Failure> {
    stream.write_all(b".").map_err(Into::into)
}

fn hear(mut stream: &UnixStream) -> Result<(), Failure> {
    let failed = |_| Failure::seen("no link to another network namespace can be made");
    stream.read_exact(&mut [0]).map_err(failed)
}
