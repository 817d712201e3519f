//! One GET over a connected socket, with a deadline and a limit.

use std::{
    io::{self, ErrorKind, Read, Write},
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

/// A socket that does not block, read and written until a deadline; then it says `TimedOut`.
#[derive(Debug)]
pub(crate) struct Timed<'a> {
    stream: &'a UnixStream,
    deadline: Instant,
}

impl<'a> Timed<'a> {
    pub(crate) const fn new(stream: &'a UnixStream, deadline: Instant) -> Self {
        Self { stream, deadline }
    }

    /// Until there is something to read, or room to write.
    fn wait(&self, events: PollFlags) -> io::Result<()> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let mut ready = [PollFd::new(self.stream.as_fd(), events)];
        match poll(&mut ready, timeout) {
            _ if left.is_zero() => Err(ErrorKind::TimedOut.into()),
            Ok(0) => Err(ErrorKind::TimedOut.into()),
            Ok(_) | Err(nix::Error::EINTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    fn retry<T>(
        &self,
        events: PollFlags,
        mut work: impl FnMut(&UnixStream) -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            self.wait(events)?;
            match work(self.stream) {
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                done => return done,
            }
        }
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.retry(PollFlags::POLLIN, |mut stream| stream.read(buffer))
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.retry(PollFlags::POLLOUT, |stream| {
            send(stream.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL).map_err(io::Error::from)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The body of the answer to `GET target`, if its status is 200.
pub(crate) fn get(mut stream: impl Read + Write, target: &str) -> Result<Vec<u8>, Refusal> {
    // To HTTP/1.0 a server answers without chunks, and closes; that some do not is taken care of.
    let request = format!("GET {target} HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(|error| refusal(&error))?;
    let mut answer = Vec::new();
    let mut chunk = [0; 16 * 1024];
    loop {
        let read = stream.read(&mut chunk).map_err(|error| refusal(&error))?;
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

fn refusal(error: &io::Error) -> Refusal {
    if error.kind() == ErrorKind::TimedOut && error.raw_os_error().is_none() {
        Refusal::TimedOut
    } else {
        file::refusal(error)
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
