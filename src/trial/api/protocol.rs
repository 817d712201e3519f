//! Which protocol is spoken where clients look for an engine: what comes first tells.

use std::{
    io::{ErrorKind, Read, Write},
    os::{fd::AsFd, unix::net::UnixStream},
    time::Instant,
};

use nix::poll::{PollFd, PollFlags, poll};

use super::{super::steps::Failure, PATIENCE};

/// What is said of a server that speaks TLS to clients that do not.
pub(super) fn speaks_tls() -> Failure {
    Failure::seen("it speaks TLS, and clients here speak plain HTTP")
}

/// What a server says to a plain request.
pub(super) fn ping(stream: &UnixStream) -> Result<(), Failure> {
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

/// Whether the beginning of a handshake is answered.
pub(super) fn answers(stream: &UnixStream, hello: &[u8]) -> bool {
    first_bytes(stream, hello).is_ok_and(|answer| is_tls(&answer))
}

/// A record of a handshake, or an alert.
fn is_tls(answer: &[u8]) -> bool {
    matches!(answer, [21 | 22, 3, ..])
}

/// What comes first in answer to `request`: until the peer pauses, ends or has said enough.
fn first_bytes(stream: &UnixStream, request: &[u8]) -> Result<Vec<u8>, Failure> {
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
    let mut ready = [PollFd::new(stream.as_fd(), PollFlags::POLLIN)];
    // The loop looks at the clock.
    let _ = poll(&mut ready, 50_u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `ping` says of a server that answers this.
    fn said_of(answer: &'static [u8]) -> Option<String> {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        #[expect(clippy::disallowed_methods, reason = "the server is a thread of the test")]
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
}
