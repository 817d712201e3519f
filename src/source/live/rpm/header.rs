//! The header of a package, as all databases keep it: two numbers (entries of the index, bytes of the
//! store), the index (tag, type, offset in the store, count), the store; numbers big-endian
//! (`lib/header.c` of rpm).

use super::input::{Blob, Prefix, u32_at};
use crate::source::{Package, Refusal};

const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const EPOCH: u32 = 1003;

const INT32: u32 = 4;
const STRING: u32 = 6;

/// Entries of an index; real ones have less than a hundred.
const ENTRIES: usize = 4096;
const ENTRY: usize = 16;

/// Where in the store names and versions are looked for: rpm writes it in the order of the tags.
const STORE: usize = 64 * 1024;

/// Bytes of a name or version.
const STRING_LIMIT: usize = 256;

/// Name and version of the package.
pub(super) fn package(blob: &mut dyn Blob) -> Result<Package, Refusal> {
    let mut blob = Prefix::of(blob);
    let entries = u32_at(blob.range(0, 8)?, 0, u32::from_be_bytes)? as usize;
    if entries > ENTRIES {
        return Err(Refusal::Malformed);
    }
    let index = blob.range(8, entries * ENTRY)?.to_vec();
    let store = 8 + index.len();
    let place = |tag, kind| {
        let entry = index.chunks_exact(ENTRY).find(|entry| {
            u32_at(entry, 0, u32::from_be_bytes) == Ok(tag)
                && u32_at(entry, 4, u32::from_be_bytes) == Ok(kind)
        })?;
        let offset = u32_at(entry, 8, u32::from_be_bytes).ok()? as usize;
        (offset <= STORE).then_some(store + offset)
    };
    let mut string = |tag| {
        let from = place(tag, STRING).ok_or(Refusal::Malformed)?;
        let known = blob.up_to(from + STRING_LIMIT)?.get(from..).unwrap_or_default();
        let end = known.iter().position(|b| *b == 0).ok_or(Refusal::Malformed)?;
        Ok(String::from_utf8_lossy(&known[..end]).into_owned())
    };
    let (name, version, release) = (string(NAME)?, string(VERSION)?, string(RELEASE)?);
    let epoch = match place(EPOCH, INT32) {
        Some(from) => Some(u32_at(blob.range(from, 4)?, 0, u32::from_be_bytes)?),
        None => None,
    };
    Ok(Package { name, epoch, version, release })
}
