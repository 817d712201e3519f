//! stub
use super::Refusal;
pub(super) fn path_mtu(_: std::net::IpAddr) -> Result<u32, Refusal> {
    Err(Refusal::NotRecorded)
}
pub(super) fn legacy_entries(_: u8, _: &str) -> Result<u32, Refusal> {
    Err(Refusal::NotRecorded)
}
