use super::*;

fn map(addresses: &[IpAddr]) -> Vec<IpAddr> {
    let mut map = Addresses::default();
    for address in addresses {
        map.pseudonym(*address);
    }
    map.settle();
    addresses.iter().map(|address| map.pseudonym(*address)).collect()
}

fn v4(texts: &[&str]) -> Vec<String> {
    let addresses: Vec<IpAddr> = texts.iter().map(|text| text.parse().unwrap()).collect();
    map(&addresses).iter().map(ToString::to_string).collect()
}

fn common(a: IpAddr, b: IpAddr) -> Option<u32> {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => Some((a.to_bits() ^ b.to_bits()).leading_zeros()),
        (IpAddr::V6(a), IpAddr::V6(b)) => Some((a.to_bits() ^ b.to_bits()).leading_zeros()),
        _ => None,
    }
}

fn is_reserved(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => V4.iter().any(|(pin, n)| common(ip.into(), (*pin).into()) >= Some(*n)),
        IpAddr::V6(ip) if ip.is_unicast_link_local() || ip.is_unique_local() => {
            u64::try_from(ip.to_bits() & u128::from(u64::MAX)).unwrap() < 1 << 16
        }
        IpAddr::V6(ip) if common(address, MAPPED.into()) >= Some(96) => {
            is_reserved(ip.to_ipv4_mapped().unwrap().into())
        }
        IpAddr::V6(_) if common(address, NAT64.into()) >= Some(96) => false,
        IpAddr::V6(ip) => V6.iter().any(|(pin, n)| common(ip.into(), (*pin).into()) >= Some(*n)),
    }
}

#[test]
fn reserved_ranges_and_the_probe_destinations_stay() {
    let stay = [
        "0.0.0.0",
        "10.1.2.3",
        "100.100.0.1",
        "127.0.0.11",
        "169.254.169.254",
        "172.17.0.1",
        "192.168.65.7",
        "192.0.2.1",
        "203.0.113.9",
        "224.0.0.1",
        "255.255.255.255",
        "1.1.1.1",
        "::",
        "::1",
        "fe80::1",
        "fd00:10:96::a",
        "ff02::1",
        "2001:db8::5",
        "2606:4700:4700::1111",
    ];
    assert_eq!(v4(&stay), stay);
}

#[test]
fn public_addresses_keep_what_tells_them_apart() {
    assert_eq!(v4(&["8.8.8.8", "8.8.4.4"]), ["8.0.8.0", "8.0.0.0"]);
    assert_eq!(v4(&["2a01:4f8:1:2::3"]), ["2800::"]);
    assert_eq!(v4(&["::ffff:8.8.8.8"]), ["::ffff:8.0.0.0"]);
}

#[test]
fn a_hardware_address_in_a_link_local_one_goes() {
    assert_eq!(v4(&["fe80::5054:ff:fe12:3456"]), ["fe80::4000:0:0:0"]);
}

#[test]
fn prefixes_order_and_pseudonyms_survive() {
    arbtest::arbtest(|u| {
        let near: [u32; 3] = u.arbitrary()?;
        let mut addresses: Vec<IpAddr> = Vec::new();
        for _ in 0..u.int_in_range(1..=20)? {
            addresses.push(match u.int_in_range(0..=5)? {
                0 => Ipv4Addr::from_bits(u.arbitrary()?).into(),
                1 => Ipv6Addr::from_bits(u.arbitrary()?).into(),
                2 => {
                    let (pin, _) = u.choose(V4)?;
                    Ipv4Addr::from_bits(pin.to_bits() ^ 1 << u.int_in_range(0..=31)?).into()
                }
                3 => {
                    let (pin, _) = u.choose(V6)?;
                    Ipv6Addr::from_bits(pin.to_bits() ^ 1 << u.int_in_range(0..=127)?).into()
                }
                _ => Ipv4Addr::from_bits(u.choose(&near)? ^ 1 << u.int_in_range(0..=31)?).into(),
            });
        }
        let once = map(&addresses);
        assert_eq!(map(&once), once);
        for (a, b) in addresses.iter().zip(&once) {
            for (x, y) in addresses.iter().zip(&once) {
                assert_eq!(common(*a, *x), common(*b, *y), "{a} {x}: {b} {y}");
                assert_eq!(a.cmp(x), b.cmp(y));
            }
            assert!(a == b || !is_reserved(*b));
        }
        Ok(())
    });
}

#[test]
fn a_network_holds_a_reserved_range_as_before() {
    assert_eq!(v4(&["128.0.0.0", "140.82.112.3"]), ["128.0.0.0", "136.0.0.0"]);
    assert_eq!(v4(&["172.0.0.0", "172.65.1.2"]), ["172.0.0.0", "172.64.0.0"]);
}
