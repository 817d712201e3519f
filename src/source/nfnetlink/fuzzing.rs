//! A dump without a socket, for fuzz targets.

use super::{NftTable, Refusal, Tables};
use crate::source::netlink;

/// The datagrams may hold rows of every kind.
pub(in crate::source) fn tables(datagrams: &[&[u8]]) -> Result<Vec<NftTable>, Refusal> {
    let mut tables = Tables::default();
    netlink::dump_of(datagrams, &mut |kind, message| tables.add(kind, message))?;
    Ok(tables.into_facts())
}
