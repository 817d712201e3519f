//! Dumps without a socket, for fuzz targets.

use super::{ADDRESSES, Address, LINKS, Link, ROUTES, Refusal, Route, Table};
use crate::source::netlink;

fn rows<T>(table: &Table<T>, datagrams: &[&[u8]]) -> Result<Vec<T>, Refusal> {
    let mut rows = Vec::new();
    netlink::dump_of(datagrams, &mut |kind, payload| table.take(kind, payload, &mut rows))?;
    Ok(rows)
}

pub(in crate::source) fn links(datagrams: &[&[u8]]) -> Result<Vec<Link>, Refusal> {
    rows(&LINKS, datagrams)
}

pub(in crate::source) fn addresses(datagrams: &[&[u8]]) -> Result<Vec<Address>, Refusal> {
    rows(&ADDRESSES, datagrams)
}

pub(in crate::source) fn routes(datagrams: &[&[u8]]) -> Result<Vec<Route>, Refusal> {
    rows(&ROUTES, datagrams)
}
