//! Finds many texts in one pass.

/// Where a part of a text ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    /// Which text.
    pub(super) text: usize,
    /// Which of its parts.
    pub(super) part: usize,
}

#[derive(Debug, Default)]
struct Node {
    /// By byte, in order.
    next: Vec<(u8, usize)>,
    ends: Vec<End>,
}

/// The parts of all texts, by their bytes. Looking costs a walk for each byte of a line, which is as long as what
/// the line shares with a part: a few bytes, and a whole part only where that is there.
#[derive(Debug)]
pub(super) struct Trie {
    nodes: Vec<Node>,
    /// What begins with each byte; 0 if nothing does.
    first: Vec<usize>,
}

impl Default for Trie {
    fn default() -> Self {
        Self { nodes: vec![Node::default()], first: vec![0; 256] }
    }
}

impl Trie {
    pub(super) fn add(&mut self, bytes: &[u8], end: End) {
        let mut node = 0;
        for (depth, byte) in bytes.iter().enumerate() {
            node = match self.nodes[node].next.binary_search_by_key(byte, |(b, _)| *b) {
                Ok(at) => self.nodes[node].next[at].1,
                Err(at) => {
                    let new = self.nodes.len();
                    self.nodes[node].next.insert(at, (*byte, new));
                    self.nodes.push(Node::default());
                    if depth == 0 {
                        self.first[usize::from(*byte)] = new;
                    }
                    new
                }
            };
        }
        self.nodes[node].ends.push(end);
    }

    /// Calls `found` with each part that begins at `start`, and with where it ends.
    pub(super) fn at(&self, bytes: &[u8], start: usize, mut found: impl FnMut(End, usize)) {
        let Some(byte) = bytes.get(start) else { return };
        let mut node = self.first[usize::from(*byte)];
        let mut end = start + 1;
        while node != 0 {
            for part in &self.nodes[node].ends {
                found(*part, end);
            }
            let Some(byte) = bytes.get(end) else { return };
            let next = &self.nodes[node].next;
            node = next.binary_search_by_key(byte, |(b, _)| *b).map_or(0, |at| next[at].1);
            end += 1;
        }
    }
}
