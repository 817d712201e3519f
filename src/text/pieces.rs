//! Bytes, cut at a byte.

use memchr::memchr;

/// What lies between occurrences of one byte, as `slice::split` has it; tables of megabytes are cut by this.
#[derive(Debug, Clone)]
pub(crate) struct Pieces<'a> {
    rest: Option<&'a [u8]>,
    at: u8,
}

impl<'a> Pieces<'a> {
    pub(crate) const fn of(content: &'a [u8], at: u8) -> Self {
        Self { rest: Some(content), at }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let found =
            memchr(self.at, rest).and_then(|end| Some((rest.get(..end)?, rest.get(end + 1..)?)));
        self.rest = found.map(|(_, after)| after);
        Some(found.map_or(rest, |(piece, _)| piece))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_cut_as_the_standard_library_cuts_them() {
        arbtest::arbtest(|u| {
            let bytes: Vec<u8> = u.arbitrary()?;
            let at = bytes.first().copied().unwrap_or(b' ');
            assert!(Pieces::of(&bytes, at).eq(bytes.split(|byte| *byte == at)));
            Ok(())
        });
    }
}
