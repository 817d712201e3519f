//! Expressions of nf_tables rules (`include/uapi/linux/netfilter/nf_tables.h`).

use netlink_packet_core::DefaultNla;

use crate::trial::nfnetlink::{nested, number, text};

const NFTA_LIST_ELEM: u16 = 1;
const NFTA_EXPR_NAME: u16 = 1;
const NFTA_EXPR_DATA: u16 = 2;
const NFTA_DATA_VALUE: u16 = 1;
const NFTA_DATA_VERDICT: u16 = 2;

/// `NFT_REG_1`, in which a value is compared or handed on.
const REGISTER: i32 = 1;

/// Bytes of the name of a link (`IFNAMSIZ`).
const LINK_NAME: usize = 16;

/// An expression with its attributes; those without attributes have no list.
pub(super) fn expression(name: &str, attributes: &[DefaultNla]) -> DefaultNla {
    let mut fields = vec![text(NFTA_EXPR_NAME, name)];
    if !attributes.is_empty() {
        fields.push(nested(NFTA_EXPR_DATA, attributes));
    }
    nested(NFTA_LIST_ELEM, &fields)
}

fn value(kind: u16, bytes: &[u8]) -> DefaultNla {
    nested(kind, &[DefaultNla::new(NFTA_DATA_VALUE, bytes.to_vec())])
}

/// The register is (`NFT_CMP_EQ`), or is not, this value.
fn compare(operator: i32, bytes: &[u8]) -> DefaultNla {
    expression("cmp", &[number(1, REGISTER), number(2, operator), value(3, bytes)])
}

/// `fib daddr type local`.
pub(super) fn to_local() -> [DefaultNla; 2] {
    const NFT_FIB_RESULT_ADDRTYPE: i32 = 3;
    const NFTA_FIB_F_DADDR: i32 = 2;
    const RTN_LOCAL: u32 = 2;
    let fib =
        [number(1, REGISTER), number(2, NFT_FIB_RESULT_ADDRTYPE), number(3, NFTA_FIB_F_DADDR)];
    [expression("fib", &fib), compare(libc::NFT_CMP_EQ, &RTN_LOCAL.to_ne_bytes())]
}

/// `ct state established,related`.
pub(super) fn established() -> [DefaultNla; 3] {
    // NF_CT_STATE_BIT(IP_CT_ESTABLISHED) and of IP_CT_RELATED.
    const STATES: u32 = 2 | 4;
    let key = [number(1, REGISTER), number(2, libc::NFT_CT_STATE)];
    let mask = [
        number(1, REGISTER),
        number(2, REGISTER),
        number(3, 4),
        value(4, &STATES.to_ne_bytes()),
        value(5, &[0; 4]),
    ];
    [expression("ct", &key), expression("bitwise", &mask), compare(libc::NFT_CMP_NEQ, &[0; 4])]
}

/// `ip saddr` (at byte 12) or `daddr` (16) begins with these bytes.
pub(super) fn address(at: i32, bytes: &[u8]) -> [DefaultNla; 2] {
    let length = i32::try_from(bytes.len()).unwrap_or(4);
    let field = [
        number(1, REGISTER),
        number(2, libc::NFT_PAYLOAD_NETWORK_HEADER),
        number(3, at),
        number(4, length),
    ];
    [expression("payload", &field), compare(libc::NFT_CMP_EQ, bytes)]
}

/// `oifname != "lo"`, or `iifname`: by the key.
pub(super) fn not_loopback(key: i32) -> [DefaultNla; 2] {
    let mut name = [0; LINK_NAME];
    name[..2].copy_from_slice(b"lo");
    let meta = [number(1, REGISTER), number(2, key)];
    [expression("meta", &meta), compare(libc::NFT_CMP_NEQ, &name)]
}

/// A verdict: `accept`, `drop`, `jump` to a chain.
pub(super) fn verdict(code: i32, chain: Option<&str>) -> DefaultNla {
    let mut verdict = vec![number(1, code)];
    verdict.extend(chain.map(|name| text(2, name)));
    let data = nested(2, &[nested(NFTA_DATA_VERDICT, &verdict)]);
    expression("immediate", &[number(1, libc::NFT_REG_VERDICT), data])
}

/// `dnat to` this address.
pub(super) fn dnat(to: [u8; 4]) -> [DefaultNla; 2] {
    let load = [number(1, REGISTER), value(2, &to)];
    let nat = [number(1, libc::NFT_NAT_DNAT), number(2, libc::NFPROTO_IPV4), number(3, REGISTER)];
    [expression("immediate", &load), expression("nat", &nat)]
}
