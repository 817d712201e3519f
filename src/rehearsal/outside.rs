//! What is beyond the network of a rehearsed engine: another network namespace, and a listener in it.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::net::UnixStream,
    time::Duration,
};

use dind_doctor_checks::facts::Action;
use nix::{
    sched::{CloneFlags, unshare},
    sys::signal::Signal,
};

use crate::{
    sys::fork,
    trial::{
        link,
        steps::{Failure, Steps},
    },
};

/// Of TEST-NET-2, which nobody has.
const UPLINK: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
const OUTSIDE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);
const PORT: u16 = 4242;

/// How long the other end may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Gives the room's network namespace an uplink; where a container is to connect to. The other end knows no way back to
/// the engine's network: what it answers comes only if it was masqueraded.
pub(super) fn listener(steps: &mut Steps) -> Option<SocketAddr> {
    let (ours, theirs) = UnixStream::pair().ok()?;
    ours.set_read_timeout(Some(PATIENCE)).ok()?;
    let far = fork::spawn(|| {
        let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
        let _ = listen(&theirs);
    });
    drop(theirs);
    steps.about("uplink", true);
    steps.step(Action::MakeLinks, || {
        let far = far?;
        hear(&ours)?;
        link::up("lo", Ipv4Addr::LOCALHOST, 8)?;
        link::veth("doctor0", "doctor1", far)?;
        link::up("doctor0", UPLINK, 24)?;
        say(&ours)?;
        hear(&ours)
    })?;
    steps.about("", true);
    Some((OUTSIDE, PORT).into())
}

/// The far end: it accepts whoever comes.
fn listen(stream: &UnixStream) -> Result<(), Failure> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    say(stream)?;
    hear(stream)?;
    link::up("doctor1", OUTSIDE, 24)?;
    let listener = TcpListener::bind((OUTSIDE, PORT))?;
    say(stream)?;
    loop {
        drop(listener.accept()?);
    }
}

fn say(mut stream: &UnixStream) -> Result<(), Failure> {
    stream.write_all(b".").map_err(Into::into)
}

fn hear(mut stream: &UnixStream) -> Result<(), Failure> {
    let failed = |_| Failure::seen("no link to another network namespace can be made");
    stream.read_exact(&mut [0]).map_err(failed)
}
