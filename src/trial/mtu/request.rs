//! What makes a target send more than one segment: an HTTP request, or the beginning of a TLS handshake.

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
    let tls = Request { bytes: client_hello(host), is_done: is_flight };
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

/// `ClientHello` of TLS 1.2 (RFC 5246), to which a server answers with its certificates in the clear.
pub(in super::super) fn client_hello(host: &str) -> Vec<u8> {
    /// ECDHE and RSA, AES-GCM and ChaCha20: what servers of the last ten years take.
    const SUITES: [u16; 8] = [0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0x009c, 0x002f];
    // Without an address: server_name is for names.
    let is_name = host.parse::<std::net::Ipv4Addr>().is_err() && !host.starts_with('[');
    let mut extensions = Vec::new();
    if is_name {
        let name = [&[0][..], &with_length(host.as_bytes())].concat();
        extensions.extend(extension(0, &with_length(&name)));
    }
    // supported_groups: x25519, secp256r1, secp384r1.
    extensions.extend(extension(10, &with_length(&words(&[0x001d, 0x0017, 0x0018]))));
    extensions.extend(extension(11, &[1, 0]));
    // signature_algorithms: ECDSA, RSA-PSS and RSA with SHA-256 to SHA-512.
    let algorithms =
        words(&[0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601]);
    extensions.extend(extension(13, &with_length(&algorithms)));
    let mut hello = vec![3, 3];
    // A constant: nothing is ever encrypted with what follows from it.
    hello.extend([0x64; 32]);
    hello.push(0);
    hello.extend(with_length(&words(&SUITES)));
    hello.extend([1, 0]);
    hello.extend(with_length(&extensions));
    let handshake = [&[1, 0][..], &with_length(&hello)].concat();
    [&[22, 3, 1][..], &with_length(&handshake)].concat()
}

fn words(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn with_length(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes()[..], bytes].concat()
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &with_length(content)].concat()
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
    fn lengths_of_a_hello_add_up() {
        for host in ["registry.example", "192.0.2.1", "[2001:db8::1]"] {
            let hello = client_hello(host);
            assert_eq!(usize::from(u16::from_be_bytes([hello[3], hello[4]])), hello.len() - 5);
            assert_eq!(usize::from(u16::from_be_bytes([hello[7], hello[8]])), hello.len() - 9);
            let names = String::from_utf8_lossy(&hello).contains(host);
            assert_eq!(names, host == "registry.example");
        }
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
