//! What makes a target send more than one segment: an HTTP request, or the beginning of a TLS handshake.

use super::super::tls::hello;

/// Bytes after which a download is long enough: several full-size segments.
pub(super) const ENOUGH: usize = 16 * 1024;

/// What is sent, and how to see that the answer is complete.
pub(super) struct Request {
    pub(super) bytes: Vec<u8>,
    /// Whether nothing more will come, though the connection stays open.
    pub(super) is_done: fn(&[u8]) -> bool,
}

/// The likely one for the port first.
pub(super) fn both(target: &str, port: u16) -> [Request; 2] {
    let (host, _) = target.rsplit_once(':').unwrap_or((target, ""));
    let http = Request { bytes: get(target, "").into_bytes(), is_done: |_| false };
    let tls = Request { bytes: hello(host), is_done: is_flight };
    if port % 1000 == 443 { [tls, http] } else { [http, tls] }
}

fn get(target: &str, more: &str) -> String {
    format!(
        "GET / HTTP/1.1\r\nHost: {target}\r\nUser-Agent: dind-doctor\r\nAccept-Encoding: identity\r\n{more}\
         Connection: close\r\n\r\n"
    )
}

/// A request of several full-size segments: less than servers take for a header.
pub(super) fn padded(target: &str) -> Vec<u8> {
    get(target, &format!("X-Padding: {}\r\n", "0".repeat(6000))).into_bytes()
}

/// Whether the server has said all until it is the client's turn: `ServerHelloDone`, or an alert.
fn is_flight(mut answer: &[u8]) -> bool {
    const ALERT: u8 = 21;
    const SERVER_HELLO_DONE: u8 = 14;
    let mut messages = Vec::new();
    while let Some((header, rest)) = answer.split_first_chunk::<5>() {
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        let Some(content) = rest.get(..length) else { break };
        if header[0] == ALERT {
            return true;
        }
        messages.extend_from_slice(content);
        answer = &rest[length..];
    }
    let mut messages = messages.as_slice();
    while let Some((header, rest)) = messages.split_first_chunk::<4>() {
        if header[0] == SERVER_HELLO_DONE {
            return true;
        }
        let length = u32::from_be_bytes([0, header[1], header[2], header[3]]);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let Some(next) = rest.get(length..) else { return false };
        messages = next;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_tells_what_is_likely() {
        let is_tls = |port| both("registry.example:1", port)[0].bytes[0] == 22;
        assert!(is_tls(443) && is_tls(8443) && !is_tls(80));
        assert!(padded("registry.example:80").len() > 4 * 1460);
    }

    #[test]
    fn a_flight_ends_with_its_last_message_or_an_alert() {
        // ServerHello with two bytes, then ServerHelloDone, in two records that cut the first in half.
        let flight = [22, 3, 3, 0, 5, 2, 0, 0, 2, 9, 22, 3, 3, 0, 5, 9, 14, 0, 0, 0];
        assert!(is_flight(&flight));
        for length in 0..flight.len() {
            assert!(!is_flight(&flight[..length]), "{length}");
        }
        assert!(is_flight(&[21, 3, 3, 0, 2, 2, 40]));
        assert!(!is_flight(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
        assert!(!is_flight(&[22, 3, 3, 0, 4, 2, 0xff, 0xff, 0xff]));
    }
}
