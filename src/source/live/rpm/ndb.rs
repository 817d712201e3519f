//! ndb, the format of SUSE: slots that name blobs by their place in blocks (`lib/backend/ndb/rpmpkg.c` of
//! rpm). Numbers are little-endian.

use super::input::{Blob, Input, Visit, u32_at};
use crate::source::Refusal;

pub(super) const MAGIC: &[u8] = b"RpmP";

/// Bytes of a page of slots; the first holds the header in place of its first two.
const PAGE: u64 = 4096;
const SLOT: usize = 16;
const FIRST_SLOT: u64 = 32;
const SLOT_PAGES: usize = 12;

/// Blocks by which places are counted.
const BLOCK: u64 = 16;
/// Magic, number of the package, generation, bytes of the blob.
const BLOB_HEADER: usize = 16;

/// Bytes that are read of a blob at once: enough for nearly every header's index and names.
const CHUNK: u64 = 4096;

/// Calls `visit` for every package.
pub(super) fn headers(input: &Input<'_>, visit: &mut Visit<'_>) -> Result<(), Refusal> {
    let header = input.at(0, SLOT_PAGES + 4)?;
    let pages = u64::from(u32_at(&header, SLOT_PAGES, u32::from_le_bytes)?);
    for page in 0..pages {
        let from = if page == 0 { FIRST_SLOT } else { page * PAGE };
        let length = usize::try_from((page + 1) * PAGE - from).map_err(|_| Refusal::Malformed)?;
        for slot in input.at(from, length)?.chunks_exact(SLOT) {
            let number = u32_at(slot, 4, u32::from_le_bytes)?;
            if !slot.starts_with(b"Slot") {
                return Err(Refusal::Malformed);
            }
            if number == 0 {
                continue;
            }
            let from = u64::from(u32_at(slot, 8, u32::from_le_bytes)?) * BLOCK;
            let head = input.at(from, BLOB_HEADER)?;
            let is_of_slot = u32_at(&head, 4, u32::from_le_bytes) == Ok(number);
            if !head.starts_with(b"BlbS") || !is_of_slot {
                return Err(Refusal::Malformed);
            }
            let left = u64::from(u32_at(&head, 12, u32::from_le_bytes)?);
            visit(&mut Run { input, at: from + BLOB_HEADER as u64, left })?;
        }
    }
    Ok(())
}

/// Bytes that follow each other.
pub(super) struct Run<'a> {
    pub(super) input: &'a Input<'a>,
    pub(super) at: u64,
    pub(super) left: u64,
}

impl Blob for Run<'_> {
    fn next(&mut self) -> Result<Vec<u8>, Refusal> {
        let length = self.left.min(CHUNK);
        if length == 0 {
            return Ok(Vec::new());
        }
        let bytes = self.input.at(self.at, usize::try_from(length).unwrap_or_default())?;
        self.at += length;
        self.left -= length;
        Ok(bytes)
    }
}
