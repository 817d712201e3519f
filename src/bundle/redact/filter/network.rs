//! Network files of procfs and sysfs.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Pseudonyms, lines};

/// Sockets by which engines are known.
const SOCKETS: &[&str] = &[
    "/docker.sock",
    "/containerd.sock",
    "/containerd.sock.ttrpc",
    "/buildkitd.sock",
    "/podman.sock",
    "/crio.sock",
    "/cri-dockerd.sock",
    "/api.sock",
    "/docker/metrics.sock",
];

/// `/proc/net/route`: name, destination and gateway as hexadecimal numbers of the machine's byte order.
pub(in super::super) fn route(bytes: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    lines(bytes, names, |line| {
        let mut fields: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        if fields.first().is_some_and(|first| first == "Iface") {
            return Some(line.to_owned());
        }
        for field in fields.get_mut(1..3)? {
            let number = u32::from_str_radix(field, 16).ok()?;
            let address = names.address(Ipv4Addr::from(number.to_ne_bytes()).into());
            let std::net::IpAddr::V4(address) = address else { return None };
            *field = format!("{:08X}", u32::from_ne_bytes(address.octets()));
        }
        plain(fields.get(3..)?).then_some(())?;
        fields[0] = names.interface(&fields[0]);
        Some(fields.join("\t"))
    })
}

/// `/proc/net/if_inet6`: address, index, length, scope, flags, name.
pub(in super::super) fn if_inet6(bytes: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    lines(bytes, names, |line| inet6(line, &[0], 6, names))
}

/// `/proc/net/ipv6_route`: destination, source and next hop with lengths, …, name.
pub(in super::super) fn ipv6_route(bytes: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    lines(bytes, names, |line| inet6(line, &[0, 2, 4], 10, names))
}

fn inet6(line: &str, addresses: &[usize], count: usize, names: &Pseudonyms) -> Option<String> {
    let mut fields: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    if fields.len() != count {
        return None;
    }
    for at in addresses {
        let bits = u128::from_str_radix(&fields[*at], 16).ok()?;
        let address = names.address(Ipv6Addr::from_bits(bits).into());
        let std::net::IpAddr::V6(address) = address else { return None };
        fields[*at] = format!("{:032x}", address.to_bits());
    }
    let name = fields.pop()?;
    plain(&fields[1..]).then_some(())?;
    Some(format!("{} {:>8}", fields.join(" "), names.interface(&name)))
}

/// Whether these are hexadecimal numbers.
fn plain(fields: &[String]) -> bool {
    fields.iter().all(|field| field.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// `/proc/net/dev`: `name: counters`.
pub(in super::super) fn device_counters(bytes: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    lines(bytes, names, |line| {
        if line.starts_with("Inter-|") || line.starts_with(" face |") {
            return Some(line.to_owned());
        }
        let (name, counters) = line.rsplit_once(':')?;
        let digits = counters.bytes().all(|b| b.is_ascii_digit() || b == b' ');
        digits.then(|| format!("{:>6}:{counters}", names.interface(name.trim())))
    })
}

/// `/sys/class/net/*/uevent`: only what kind of device it is.
pub(in super::super) fn device_type(bytes: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    lines(bytes, names, |line| line.starts_with("DEVTYPE=").then(|| names.text(line)))
}

/// `/proc/net/unix`: only the sockets of engines.
pub(in super::super) fn engine_sockets(bytes: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(bytes);
    lines(text.as_bytes(), names, |line| {
        let kept = line.starts_with("Num ") || SOCKETS.iter().any(|name| line.ends_with(name));
        kept.then(|| names.text(line))
    })
}
