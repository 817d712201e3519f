//! Parsers of what the live machine answers, for fuzz targets.

use std::{
    io::{Read, Write},
    time::Instant,
};

use dind_doctor_checks::facts::{Address, EngineVersion, Link, NftTable, Route};

use super::{Package, Refusal, document, engine_get, engine_version, live, nfnetlink, rtnetlink};

/// The values at `keys` of a JSON or YAML document.
pub fn values(content: &[u8], keys: &[String]) -> Result<Vec<u8>, Refusal> {
    document::values(content, keys)
}

/// The paragraphs of a file that have one of `lines`.
pub fn paragraphs(path: &str, lines: &[String], deadline: Instant) -> Result<Vec<u8>, Refusal> {
    live::paragraphs::paragraphs(path, lines, deadline)
}

/// Those of `names` that a database of rpm holds.
pub fn rpm_packages(
    path: &str,
    names: &[String],
    deadline: Instant,
) -> Result<Vec<Package>, Refusal> {
    live::rpm::packages(path, names, deadline)
}

/// What an engine says of itself on this stream.
pub fn engine_answer(stream: impl Read + Write) -> Result<EngineVersion, Refusal> {
    engine_version(&engine_get(stream, "/version")?).ok_or(Refusal::Malformed)
}

/// The links in the datagrams of a dump, and so on.
pub fn netlink_links(datagrams: &[&[u8]]) -> Result<Vec<Link>, Refusal> {
    rtnetlink::fuzzing::links(datagrams)
}

/// Addresses.
pub fn netlink_addresses(datagrams: &[&[u8]]) -> Result<Vec<Address>, Refusal> {
    rtnetlink::fuzzing::addresses(datagrams)
}

/// Routes.
pub fn netlink_routes(datagrams: &[&[u8]]) -> Result<Vec<Route>, Refusal> {
    rtnetlink::fuzzing::routes(datagrams)
}

/// Tables of nf_tables: datagrams of tables, of chains and of rules.
pub fn nft_tables(datagrams: &[&[u8]]) -> Result<Vec<NftTable>, Refusal> {
    nfnetlink::fuzzing::tables(datagrams)
}
