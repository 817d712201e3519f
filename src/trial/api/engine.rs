//! Connections to the engine that clients reach, each for one question.

use std::{
    fs,
    net::{TcpStream, ToSocketAddrs},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    time::Instant,
};

use dind_doctor_checks::{EngineAddress, facts::Action};
use serde::de::DeserializeOwned;

use super::{
    super::{
        steps::{Failure, Steps},
        tls::{self, Client},
    },
    PATIENCE,
    protocol::{self, speaks_tls},
};
use crate::source::{Refusal, Timed, engine_get, engine_socket, path};

/// The engine, and how its clients speak to it.
pub(super) struct Engine<'a> {
    address: &'a EngineAddress,
    tls: Option<Client>,
}

impl<'a> Engine<'a> {
    /// The first connection, with its handshake if there is to be one.
    pub(super) fn reach(steps: &mut Steps, address: &'a EngineAddress) -> Option<Self> {
        let stream = steps.step(Action::ConnectEngine, || connect(address))?;
        let mut engine = Self { address, tls: None };
        if let Some(directory) = &address.certificates {
            let client = steps.step(Action::BeginTls, || {
                let directory = Path::new(directory.as_str());
                let client = Client::with_certificates(address.host(), directory)?;
                let session = client.connect(timed(&stream));
                let mut session = session.map_err(|failure| engine.correct(failure))?;
                // Since TLS 1.3 who is refused learns it when he has asked something.
                let _ = engine_get(&mut session, "/_ping");
                let refused = session.refused.take();
                refused.map_or(Ok(client), Err)
            });
            engine.tls = Some(client?);
        }
        Some(engine)
    }

    /// Whether it answers at all, which also tells protocols apart.
    pub(super) fn ping(&self) -> Result<(), Failure> {
        if self.tls.is_some() {
            return self.get("/_ping").map(drop);
        }
        let answered = protocol::ping(&connect(self.address)?);
        answered.map_err(|failure| if self.answers_tls() { speaks_tls() } else { failure })
    }

    /// The body of what it answers.
    pub(super) fn get(&self, target: &str) -> Result<Vec<u8>, Failure> {
        let stream = connect(self.address)?;
        let Some(client) = &self.tls else {
            return engine_get(timed(&stream), target).map_err(failure);
        };
        let mut session = client.connect(timed(&stream))?;
        let answer = engine_get(&mut session, target);
        answer.map_err(|refusal| session.refused.take().unwrap_or_else(|| failure(refusal)))
    }

    pub(super) fn json<T: DeserializeOwned>(&self, target: &str) -> Result<T, Failure> {
        let body = self.get(target)?;
        serde_json::from_slice(&body)
            .map_err(|_| Failure::seen("the answer is not what the API says"))
    }

    /// Whether a port that does not answer a plain request answers the beginning of a handshake.
    fn answers_tls(&self) -> bool {
        let answers = |stream| protocol::answers(&stream, &tls::hello(self.address.host()));
        self.address.at.is_err() && connect(self.address).is_ok_and(answers)
    }

    /// Of what is no TLS: whether it is what clients without TLS would expect.
    fn correct(&self, failure: Failure) -> Failure {
        let plain = || connect(self.address).and_then(|stream| protocol::ping(&stream));
        if failure.is(tls::NOT_TLS) && plain().is_ok() {
            Failure::seen("it speaks plain HTTP, and clients here speak TLS")
        } else {
            failure
        }
    }
}

fn timed(stream: &UnixStream) -> Timed<'_> {
    Timed::new(stream, Instant::now() + PATIENCE)
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

fn failure(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Errno(errno) => nix::errno::Errno::from_raw(errno).into(),
        Refusal::TimedOut => Failure::seen("no answer in time"),
        Refusal::TooLarge => Failure::seen("an answer without end"),
        _ => Failure::seen("the answer is not that of an engine"),
    }
}
