//! One request to an engine that a rehearsal has started, over its socket.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::{Duration, Instant},
};

use serde::Deserialize;

use crate::trial::steps::Failure;

/// Bytes of an answer that are read.
const ANSWER: u64 = 1024 * 1024;

/// What is sent beside the request line.
pub(super) enum Body<'a> {
    None,
    Json(String),
    /// So many bytes of an archive, and who writes them.
    Archive(u64, &'a mut dyn FnMut(&mut UnixStream) -> io::Result<()>),
}

/// What engines say when they refuse something.
#[derive(Deserialize)]
struct Refusal {
    message: String,
}

/// The body of the answer; a refusal by the engine's words. By HTTP/1.0, in which an answer ends with its connection.
pub(super) fn ask(
    socket: &Path,
    request: &str,
    body: Body<'_>,
    deadline: Instant,
) -> Result<Vec<u8>, Failure> {
    let mut stream = UnixStream::connect(socket)?;
    let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    stream.set_read_timeout(Some(left))?;
    stream.set_write_timeout(Some(left))?;
    let (kind, length) = match &body {
        Body::None => ("text/plain", 0),
        Body::Json(text) => ("application/json", text.len() as u64),
        Body::Archive(length, _) => ("application/x-tar", *length),
    };
    write!(
        stream,
        "{request} HTTP/1.0\r\nHost: docker\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    )?;
    match body {
        Body::None => {}
        Body::Json(text) => stream.write_all(text.as_bytes())?,
        // Who refuses it early has said why.
        Body::Archive(_, write) => drop(write(&mut stream)),
    }
    let mut answer = Vec::new();
    // What came before it broke off is an answer too.
    let read = stream.take(ANSWER).read_to_end(&mut answer);
    if answer.is_empty() {
        read?;
    }
    understood(&answer)
}

fn understood(answer: &[u8]) -> Result<Vec<u8>, Failure> {
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let status = answer.strip_prefix(b"HTTP/1.").and_then(|rest| rest.get(2..5));
    let status = status.and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u16>().ok());
    let (Some(head), Some(status)) = (head, status) else {
        return Err(Failure::seen("the answer is not that of an engine"));
    };
    let body = &answer[head + 4..];
    if (200..400).contains(&status) {
        return Ok(body.to_vec());
    }
    let words = serde_json::from_slice::<Refusal>(body).map(|refusal| refusal.message);
    let words = words.unwrap_or_default().chars().take(400).collect::<String>();
    Err(Failure::seen(format!("HTTP {status}: {words}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_body_or_the_engines_words() {
        let of = |answer: &[u8]| understood(answer);
        assert_eq!(of(b"HTTP/1.0 204 No Content\r\nA: b\r\n\r\n").unwrap(), b"");
        assert_eq!(of(b"HTTP/1.1 200 OK\r\n\r\nbody").unwrap(), b"body");
        let refused = of(b"HTTP/1.0 500 Oops\r\n\r\n{\"message\":\"no \x1b room\"}");
        assert!(refused.is_err());
        let refused = of(b"HTTP/1.0 409 Conflict\r\n\r\n{\"message\":\"no room\"}").unwrap_err();
        assert!(refused.is("HTTP 409: no room"), "{refused:?}");
        for nonsense in [&b""[..], b"HTTP/1.0 2", b"SSH-2.0\r\n\r\n", b"HTTP/1.0 abc\r\n\r\n"] {
            assert!(of(nonsense).is_err());
        }
    }
}
