//! stub
use super::Refusal;
use dind_doctor_checks::facts::*;
use std::time::Instant;
pub(super) fn links(_: Instant) -> Result<Vec<Link>, Refusal> {
    Err(Refusal::NotRecorded)
}
pub(super) fn addresses(_: Instant) -> Result<Vec<Address>, Refusal> {
    Err(Refusal::NotRecorded)
}
pub(super) fn routes(_: Instant) -> Result<Vec<Route>, Refusal> {
    Err(Refusal::NotRecorded)
}
