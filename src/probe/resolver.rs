//! Name resolution.

use std::net::IpAddr;

use dind_doctor_checks::facts::{Fact, NameServer, ResolvConf, Resolver, Text};

use super::Reader;

/// Lines of each kind that are kept; the C library uses three servers and six domains.
const KEPT: usize = 16;

pub(super) fn probe(reader: &Reader<'_>) -> Resolver {
    let read = |path| Fact::from(reader.bytes(path)).map(|bytes| parse(&bytes));
    Resolver {
        resolv_conf: read("/etc/resolv.conf"),
        systemd: read("/run/systemd/resolve/resolv.conf"),
    }
}

/// `resolv.conf(5)`; a line that cannot be understood is skipped, as the C library does.
fn parse(bytes: &[u8]) -> ResolvConf {
    let text = Text::from_bytes(bytes);
    let mut found = ResolvConf::default();
    for line in text.lines() {
        if let Some(servers) = line.strip_prefix("# ExtServers: ") {
            found.behind_embedded = ext_servers(servers);
            continue;
        }
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            Some("nameserver") if found.servers.len() < KEPT => {
                found.servers.extend(words.next().and_then(name_server));
            }
            Some("search" | "domain") => {
                found.search = words.take(KEPT).map(Text::from).collect();
            }
            _ => {}
        }
    }
    found
}

fn name_server(word: &str) -> Option<NameServer> {
    let (address, zone) = match word.split_once('%') {
        Some((address, zone)) => (address, Some(zone.into())),
        None => (word, None),
    };
    Some(NameServer { address: address.parse().ok()?, zone })
}

/// `[10.0.0.2 host(127.0.0.53)]`
fn ext_servers(list: &str) -> Vec<IpAddr> {
    let list = list.trim().trim_start_matches('[').trim_end_matches(']');
    list.split_ascii_whitespace().filter_map(|word| word.parse().ok()).take(KEPT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixed::Fixed;

    #[test]
    fn servers_and_domains_are_read_and_the_rest_is_skipped() {
        let file = "; comment\n# nameserver 9.9.9.9\nnameserver 127.0.0.53\nnameserver  fe80::1%eth0 \n\
                    nameserver nonsense\nnameserver\nsearch a.example b.example\noptions ndots:5\n";
        let found = parse(file.as_bytes());
        assert_eq!(found.servers.len(), 2);
        assert!(found.servers[0].address.is_loopback());
        assert_eq!(found.servers[1].zone, Some("eth0".into()));
        assert_eq!(found.search, ["a.example", "b.example"].map(Text::from));
        assert!(found.servers.iter().all(|server| !server.is_usable_elsewhere()));
    }

    #[test]
    fn docker_says_who_is_behind_its_embedded_server() {
        let found = parse(b"nameserver 127.0.0.11\n# ExtServers: [host(127.0.0.53) 10.0.0.2]\n");
        assert_eq!(found.behind_embedded, [IpAddr::from([10, 0, 0, 2])]);
    }

    #[test]
    fn what_is_kept_is_bounded_and_bytes_are_data() {
        let many = "nameserver 1.1.1.1\n".repeat(1000);
        assert_eq!(parse(many.as_bytes()).servers.len(), KEPT);
        assert_eq!(parse(b"nameserver \xff\0\n"), ResolvConf::default());
        arbtest::arbtest(|u| {
            let bytes: Vec<u8> = u.arbitrary()?;
            drop(parse(&bytes));
            Ok(())
        });
    }

    #[test]
    fn a_file_that_is_not_there_is_missing() {
        let source = Fixed::new().file("/etc/resolv.conf", "nameserver 10.0.0.2\n");
        let found = probe(&Reader::new(&source));
        assert_eq!(found.resolv_conf.known().map(|conf| conf.servers.len()), Some(1));
        assert!(found.systemd.known().is_none());
    }
}
