//! SQLite, the format of Fedora, RHEL 9 and later: the blobs of the table `Packages`, read by SQLite's
//! file format (<https://www.sqlite.org/fileformat2.html>). Numbers are big-endian.

use std::collections::BTreeMap;

use super::input::{Blob, Input, Prefix, Visit, u16_at, u32_at};
use crate::source::Refusal;

pub(super) const MAGIC: &[u8] = b"SQLite format 3\0";

const PAGE_SIZE: usize = 16;
const RESERVED: usize = 20;
/// The header of the file, before that of the first page.
const FILE_HEADER: usize = 100;

const INTERIOR: u8 = 0x05;
const LEAF: u8 = 0x0d;

/// A tree of so many levels would hold more pages than a file can.
const DEPTH: u32 = 20;

/// Bytes of a record's header, and of a row of the schema.
const RECORD: usize = 64 * 1024;

struct Database<'a> {
    input: &'a Input<'a>,
    page_size: u32,
    /// Bytes of a page without those that extensions reserve.
    usable: usize,
    /// Pages that were committed to the log only, by their place there.
    log: Option<(&'a Input<'a>, BTreeMap<u32, u64>)>,
}

/// Calls `visit` for every package; `log` is the write-ahead log beside the file, if there is one.
pub(super) fn headers(
    input: &Input<'_>,
    log: Option<&Input<'_>>,
    visit: &mut Visit<'_>,
) -> Result<(), Refusal> {
    let header = input.at(0, FILE_HEADER)?;
    let page_size = match u16_at(&header, PAGE_SIZE, u16::from_be_bytes)? {
        1 => 65536,
        size => u32::try_from(size).unwrap_or_default(),
    };
    let usable = (page_size as usize).saturating_sub(usize::from(header[RESERVED]));
    if !page_size.is_power_of_two() || usable < 480 {
        return Err(Refusal::Malformed);
    }
    let log = match log {
        Some(log) => Some((log, committed(log, page_size)?)),
        None => None,
    };
    let database = Database { input, page_size, usable, log };
    let mut root = None;
    database.rows(1, &mut |payload| {
        if let Some(page) = table(payload)? {
            root = Some(page);
        }
        Ok(())
    })?;
    let root = root.ok_or(Refusal::Malformed)?;
    database.rows(root, &mut |payload| visit(&mut column(payload)?))
}

/// The pages of the last commit in a write-ahead log, by their place. What is left of an earlier
/// generation has other salts.
fn committed(log: &Input<'_>, page_size: u32) -> Result<BTreeMap<u32, u64>, Refusal> {
    const HEADER: usize = 32;
    const FRAME: usize = 24;
    let (mut pages, mut pending) = (BTreeMap::new(), BTreeMap::new());
    if log.size() < HEADER as u64 {
        return Ok(pages);
    }
    let header = log.at(0, HEADER)?;
    let size = u32_at(&header, 8, u32::from_be_bytes)?;
    if u32_at(&header, 0, u32::from_be_bytes)? & !1 != 0x377f_0682 || size != page_size {
        return Err(Refusal::Malformed);
    }
    let mut at = HEADER as u64;
    while at + FRAME as u64 + u64::from(page_size) <= log.size() {
        let frame = log.at(at, FRAME)?;
        if frame[8..16] != header[16..24] {
            break;
        }
        pending.insert(u32_at(&frame, 0, u32::from_be_bytes)?, at + FRAME as u64);
        // The pages of the database after this frame, if it ends a transaction.
        if u32_at(&frame, 4, u32::from_be_bytes)? != 0 {
            pages.append(&mut pending);
        }
        at += FRAME as u64 + u64::from(page_size);
    }
    Ok(pages)
}

/// The first page of the table `Packages`, if this row of the schema is about it: type, name, table, page.
fn table(payload: &mut Payload<'_>) -> Result<Option<u32>, Refusal> {
    let mut record = Prefix::of(payload);
    let (columns, mut at) = columns(&mut record)?;
    let mut values = Vec::new();
    for kind in columns.iter().take(4) {
        let length = length(*kind)?;
        if at.saturating_add(length) > RECORD {
            return Err(Refusal::Malformed);
        }
        values.push(record.range(at, length)?.to_vec());
        at += length;
    }
    let [kind, name, _, page] = &values[..] else { return Err(Refusal::Malformed) };
    if kind != b"table" || name != b"Packages" {
        return Ok(None);
    }
    let page = page.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    u32::try_from(page).map(Some).map_err(|_| Refusal::Malformed)
}

/// The second column of a row of `Packages`; the first is its key and holds nothing.
fn column<'a, 'b>(payload: &'b mut Payload<'a>) -> Result<Rest<'a, 'b>, Refusal> {
    let mut record = Prefix::of(payload);
    let (columns, from) = columns(&mut record)?;
    let [key, _] = columns[..] else { return Err(Refusal::Malformed) };
    let from = from + length(key)?;
    record.range(0, from)?;
    Ok(Rest { first: Some(record.into_rest(from)), payload })
}

/// The types of a record's columns, and where the first value begins.
fn columns(record: &mut Prefix<'_>) -> Result<(Vec<u64>, usize), Refusal> {
    let (size, mut at) = varint(record.up_to(9)?).ok_or(Refusal::Malformed)?;
    let size = usize::try_from(size).ok().filter(|size| *size <= RECORD);
    let size = size.ok_or(Refusal::Malformed)?;
    let header = record.range(0, size)?;
    let mut columns = Vec::new();
    while at < size {
        let (kind, length) = varint(&header[at..]).ok_or(Refusal::Malformed)?;
        columns.push(kind);
        at += length;
    }
    Ok((columns, size))
}

/// Bytes of a value of this type.
fn length(kind: u64) -> Result<usize, Refusal> {
    Ok(match kind {
        0 | 8 | 9 => 0,
        1..=4 => usize::try_from(kind).unwrap_or_default(),
        5 => 6,
        6 | 7 => 8,
        10 | 11 => return Err(Refusal::Malformed),
        _ => usize::try_from((kind - 12) / 2).map_err(|_| Refusal::Malformed)?,
    })
}

/// A number of one to nine bytes, and how many it has.
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0;
    for (at, byte) in bytes.iter().take(8).enumerate() {
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, at + 1));
        }
    }
    bytes.get(8).map(|last| (number << 8 | u64::from(*last), 9))
}

impl Database<'_> {
    fn page(&self, number: u32) -> Result<Vec<u8>, Refusal> {
        let size = self.page_size as usize;
        if let Some((log, pages)) = &self.log
            && let Some(at) = pages.get(&number)
        {
            return log.at(*at, size);
        }
        let number = number.checked_sub(1).ok_or(Refusal::Malformed)?;
        self.input.at(u64::from(number) * u64::from(self.page_size), size)
    }

    /// Calls `row` for each row of the table whose tree begins at `root`.
    fn rows(
        &self,
        root: u32,
        row: &mut dyn FnMut(&mut Payload<'_>) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let log = self.log.as_ref().map_or(0, |(log, _)| log.size());
        // A tree has no page twice: one that has more than there are goes in circles.
        let mut pages = (self.input.size() + log) / u64::from(self.page_size);
        let mut stack = vec![(root, 0)];
        while let Some((number, depth)) = stack.pop() {
            pages = pages.checked_sub(1).ok_or(Refusal::Malformed)?;
            let page = self.page(number)?;
            let at = if number == 1 { FILE_HEADER } else { 0 };
            let kind = page[at];
            let cells = u16_at(&page, at + 3, u16::from_be_bytes)?;
            let first = at + if kind == INTERIOR { 12 } else { 8 };
            let places = (0..cells).map(|n| u16_at(&page, first + 2 * n, u16::from_be_bytes));
            match kind {
                INTERIOR if depth < DEPTH => {
                    stack.push((u32_at(&page, at + 8, u32::from_be_bytes)?, depth + 1));
                    for place in places {
                        stack.push((u32_at(&page, place?, u32::from_be_bytes)?, depth + 1));
                    }
                }
                LEAF => {
                    for place in places {
                        row(&mut self.payload(&page, place?)?)?;
                    }
                }
                _ => return Err(Refusal::Malformed),
            }
        }
        Ok(())
    }

    /// The payload of a cell of a leaf: its length, the key of the row, what fits here, and where the rest
    /// begins.
    fn payload(&self, page: &[u8], at: usize) -> Result<Payload<'_>, Refusal> {
        let cell = page.get(at..).ok_or(Refusal::Malformed)?;
        let (length, first) = varint(cell).ok_or(Refusal::Malformed)?;
        let (_, second) = varint(&cell[first..]).ok_or(Refusal::Malformed)?;
        let length = usize::try_from(length).map_err(|_| Refusal::Malformed)?;
        let (most, least) = (self.usable - 35, (self.usable - 12) * 32 / 255 - 23);
        let here = if length <= most {
            length
        } else {
            let fitting = least + (length - least) % (self.usable - 4);
            if fitting <= most { fitting } else { least }
        };
        let cell = &cell[first + second..];
        let next = if here == length { 0 } else { u32_at(cell, here, u32::from_be_bytes)? };
        let local = cell.get(..here).ok_or(Refusal::Malformed)?.to_vec();
        Ok(Payload { database: self, local: Some(local), next, left: length - here })
    }
}

/// The payload of a cell, the rest of which lies in overflow pages.
struct Payload<'a> {
    database: &'a Database<'a>,
    local: Option<Vec<u8>>,
    next: u32,
    left: usize,
}

impl Blob for Payload<'_> {
    fn next(&mut self) -> Result<Vec<u8>, Refusal> {
        if let Some(local) = self.local.take() {
            return Ok(local);
        }
        if self.left == 0 {
            return Ok(Vec::new());
        }
        let page = self.database.page(self.next)?;
        self.next = u32_at(&page, 0, u32::from_be_bytes)?;
        let here = self.left.min(self.database.usable - 4);
        self.left -= here;
        page.get(4..4 + here).map(<[u8]>::to_vec).ok_or(Refusal::Malformed)
    }
}

/// A payload without what was read of it already.
struct Rest<'a, 'b> {
    first: Option<Vec<u8>>,
    payload: &'b mut Payload<'a>,
}

impl Blob for Rest<'_, '_> {
    fn next(&mut self) -> Result<Vec<u8>, Refusal> {
        match self.first.take() {
            Some(first) if !first.is_empty() => Ok(first),
            _ => self.payload.next(),
        }
    }
}
