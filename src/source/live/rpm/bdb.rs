//! Berkeley DB, the format of RHEL 8 and before: a hash of numbers to headers, of which all that are not
//! tiny lie in chains of overflow pages (`dbinc/db_page.h` of Berkeley DB). Numbers have the byte order of
//! the machine that wrote them.

use super::input::{Blob, Input, Visit, u16_at, u32_at};
use crate::source::Refusal;

/// `DB_HASHMAGIC`, and where it is.
const MAGIC: u32 = 0x0006_1561;
const MAGIC_AT: usize = 12;
const PAGE_SIZE: usize = 20;
const LAST_PAGE: usize = 32;

/// `PAGE`: the next page of a chain, the number of items, where the bytes of an overflow page end, the type.
const NEXT: usize = 16;
const ITEMS: usize = 20;
const FILLED: usize = 22;
const KIND: usize = 25;
const HEADER: usize = 26;

const HASH_UNSORTED: u8 = 2;
const OVERFLOW: u8 = 7;
const HASH: u8 = 13;

/// `H_OFFPAGE`: a byte for the type, three that are unused, the first page, the bytes altogether.
const OFF_PAGE: u8 = 3;

struct Database<'a> {
    input: &'a Input<'a>,
    page_size: u32,
    u32: fn([u8; 4]) -> u32,
    u16: fn([u8; 2]) -> u16,
}

/// Calls `visit` for every package.
pub(super) fn headers(input: &Input<'_>, visit: &mut Visit<'_>) -> Result<(), Refusal> {
    let meta = input.at(0, LAST_PAGE + 4)?;
    let mut database =
        Database { input, page_size: 0, u32: u32::from_le_bytes, u16: u16::from_le_bytes };
    if u32_at(&meta, MAGIC_AT, u32::from_be_bytes)? == MAGIC {
        (database.u32, database.u16) = (u32::from_be_bytes, u16::from_be_bytes);
    } else if u32_at(&meta, MAGIC_AT, u32::from_le_bytes)? != MAGIC {
        return Err(Refusal::Malformed);
    }
    database.page_size = u32_at(&meta, PAGE_SIZE, database.u32)?;
    if !database.page_size.is_power_of_two() || !(512..=65536).contains(&database.page_size) {
        return Err(Refusal::Malformed);
    }
    for number in 1..=u32_at(&meta, LAST_PAGE, database.u32)? {
        let kind = database.input.at(database.place(number), HEADER)?[KIND];
        if matches!(kind, HASH | HASH_UNSORTED) {
            database.hash_page(&database.page(number)?, visit)?;
        }
    }
    Ok(())
}

impl Database<'_> {
    fn place(&self, number: u32) -> u64 {
        u64::from(number) * u64::from(self.page_size)
    }

    fn page(&self, number: u32) -> Result<Vec<u8>, Refusal> {
        self.input.at(self.place(number), self.page_size as usize)
    }

    /// Items are keys and values by turns. A value on the page itself is no header: those are longer.
    fn hash_page(&self, page: &[u8], visit: &mut Visit<'_>) -> Result<(), Refusal> {
        for item in (1..u16_at(page, ITEMS, self.u16)?).step_by(2) {
            let at = u16_at(page, HEADER + 2 * item, self.u16)?;
            if page.get(at) == Some(&OFF_PAGE) {
                let next = u32_at(page, at + 4, self.u32)?;
                let left = u32_at(page, at + 8, self.u32)?;
                visit(&mut Chain { database: self, next, left })?;
            }
        }
        Ok(())
    }
}

/// A value in overflow pages.
struct Chain<'a> {
    database: &'a Database<'a>,
    next: u32,
    left: u32,
}

impl Blob for Chain<'_> {
    fn next(&mut self) -> Result<Vec<u8>, Refusal> {
        if self.left == 0 || self.next == 0 {
            return Ok(Vec::new());
        }
        let page = self.database.page(self.next)?;
        let filled = u16_at(&page, FILLED, self.database.u16)?.min(self.left as usize);
        if page[KIND] != OVERFLOW || filled == 0 {
            return Err(Refusal::Malformed);
        }
        self.next = u32_at(&page, NEXT, self.database.u32)?;
        self.left -= u32::try_from(filled).unwrap_or(self.left);
        page.get(HEADER..HEADER + filled).map(<[u8]>::to_vec).ok_or(Refusal::Malformed)
    }
}
