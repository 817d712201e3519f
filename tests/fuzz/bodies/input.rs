//! An input, taken from its front: a change of one byte stays a change of one choice, and what is cut off
//! is zero.

pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    pub(super) fn word(&mut self) -> usize {
        usize::from(self.byte()) | usize::from(self.byte()) << 8
    }

    /// At most so many bytes.
    pub(super) fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    pub(super) fn rest(&mut self) -> &'a [u8] {
        self.take(usize::MAX)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One change of something recorded: where, which, and what with.
#[derive(Clone, Copy)]
pub(super) struct Change<'a> {
    pub(super) place: usize,
    pub(super) kind: u8,
    pub(super) number: usize,
    pub(super) content: &'a [u8],
}

/// So many changes of one input count.
const CHANGES: usize = 16;

impl<'a> Input<'a> {
    /// The rest as changes.
    pub(super) fn changes(&mut self) -> Vec<Change<'a>> {
        let mut changes = Vec::new();
        while !self.is_empty() && changes.len() < CHANGES {
            let (place, kind, number) = (self.word(), self.byte(), self.word());
            let length = usize::from(self.byte());
            changes.push(Change { place, kind, number, content: self.take(length) });
        }
        changes
    }
}

/// The bytes of a change, for seeds.
pub(super) fn change(place: usize, kind: u8, number: usize, content: &[u8]) -> Vec<u8> {
    let [low, high, ..] = place.to_le_bytes();
    let [first, second, ..] = number.to_le_bytes();
    let length = u8::try_from(content.len()).unwrap();
    [&[low, high, kind, first, second, length], content].concat()
}
