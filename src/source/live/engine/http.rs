//! One GET over a connected socket, with a deadline and a limit.

use std::{
    io::{ErrorKind, Read},
    os::{
        fd::{AsFd, AsRawFd},
        unix::net::UnixStream,
    },
    time::Instant,
};

use httparse::{EMPTY_HEADER, Response, Status};
use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::socket::{MsgFlags, send},
};

use super::super::file;
use crate::source::Refusal;

/// Bytes of an answer with its head.
const LIMIT: usize = 256 * 1024;

const HEADERS: usize = 64;

/// The body of the answer to `GET target`, if its status is 200. The socket does not block.
pub(crate) fn get(
    mut stream: &UnixStream,
    target: &str,
    deadline: Instant,
) -> Result<Vec<u8>, Refusal> {
    // To HTTP/1.0 a server answers without chunks, and closes; that some do not is taken care of.
    let request = format!("GET {target} HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let sent = send(stream.as_raw_fd(), request.as_bytes(), MsgFlags::MSG_NOSIGNAL);
    // It fits into the empty buffer of a new socket.
    if sent.map_err(|errno| Refusal::Errno(errno as i32))? != request.len() {
        return Err(Refusal::Malformed);
    }
    let mut answer = Vec::new();
    let mut chunk = [0; 16 * 1024];
    loop {
        wait(stream, deadline)?;
        let read = match stream.read(&mut chunk) {
            Ok(read) => read,
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                continue;
            }
            Err(error) => return Err(file::refusal(&error)),
        };
        answer.extend_from_slice(&chunk[..read]);
        if answer.len() > LIMIT {
            return Err(Refusal::TooLarge);
        }
        // What can never become an answer is not waited for.
        if let Some(body) = body(&answer, read == 0)? {
            return Ok(body);
        }
    }
}

/// Until there is something to read.
fn wait(stream: &UnixStream, deadline: Instant) -> Result<(), Refusal> {
    let left = deadline.saturating_duration_since(Instant::now());
    let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
    let mut ready = [PollFd::new(stream.as_fd(), PollFlags::POLLIN)];
    match poll(&mut ready, timeout) {
        _ if left.is_zero() => Err(Refusal::TimedOut),
        Ok(0) => Err(Refusal::TimedOut),
        Ok(_) | Err(nix::Error::EINTR) => Ok(()),
        Err(errno) => Err(Refusal::Errno(errno as i32)),
    }
}

/// The body, if the answer is complete; `ended` if the server has closed.
pub(super) fn body(answer: &[u8], ended: bool) -> Result<Option<Vec<u8>>, Refusal> {
    let incomplete = || if ended { Err(Refusal::Malformed) } else { Ok(None) };
    let mut headers = [EMPTY_HEADER; HEADERS];
    let mut response = Response::new(&mut headers);
    let Status::Complete(head) = response.parse(answer).map_err(|_| Refusal::Malformed)? else {
        return incomplete();
    };
    if response.code != Some(200) {
        return Err(Refusal::Malformed);
    }
    let value = |name: &str| {
        let header = response.headers.iter().find(|h| h.name.eq_ignore_ascii_case(name));
        header.map(|h| h.value.trim_ascii())
    };
    let rest = &answer[head..];
    if value("transfer-encoding").is_some_and(|v| v.eq_ignore_ascii_case(b"chunked")) {
        return unchunked(rest)?.map_or_else(incomplete, |body| Ok(Some(body)));
    }
    let Some(length) = value("content-length") else {
        return Ok(ended.then(|| rest.to_vec()));
    };
    let length = std::str::from_utf8(length).ok().and_then(|length| length.parse().ok());
    match rest.get(..length.ok_or(Refusal::Malformed)?) {
        Some(body) => Ok(Some(body.to_vec())),
        None => incomplete(),
    }
}

/// The content of the chunks, if the last one has come.
fn unchunked(mut rest: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
    let mut body = Vec::new();
    loop {
        let size = httparse::parse_chunk_size(rest).map_err(|_| Refusal::Malformed)?;
        let Status::Complete((from, size)) = size else { return Ok(None) };
        if size == 0 {
            return Ok(Some(body));
        }
        let size = usize::try_from(size).ok().filter(|size| *size <= LIMIT);
        let end = from + size.ok_or(Refusal::TooLarge)?;
        let Some(after) = rest.get(end..end + 2) else { return Ok(None) };
        if after != b"\r\n" {
            return Err(Refusal::Malformed);
        }
        body.extend_from_slice(&rest[from..end]);
        rest = &rest[end + 2..];
    }
}
