//! Contents of files: what many files have in common is gone through once, and kept once.

use std::{collections::HashMap, sync::Arc};

use super::{Kind, files::Treatment, pseudonyms::Pseudonyms};

/// What became of bodies that several files share.
#[derive(Debug, Default)]
pub(super) struct Bodies(HashMap<(*const Vec<u8>, usize), Rewritten>);

/// What is left of a body, and what was left out of it.
#[derive(Debug, Clone)]
struct Rewritten {
    /// It keeps its place in memory, by which it is known, as long as this lives.
    _original: Arc<Vec<u8>>,
    content: Option<Arc<Vec<u8>>>,
    dropped: Vec<(Kind, usize)>,
}

impl Bodies {
    /// What is left of `bytes`; `None` if nothing is.
    pub(super) fn rewritten(
        &mut self,
        bytes: &Arc<Vec<u8>>,
        treatment: Treatment,
        names: &Pseudonyms,
    ) -> Option<Arc<Vec<u8>>> {
        let key = match treatment {
            Treatment::Keep => return Some(Arc::clone(bytes)),
            Treatment::Text => 0,
            Treatment::Rewrite(rewrite) => rewrite as usize,
            Treatment::Filter(filter) => filter as usize,
        };
        // That of the recording, and this one.
        if Arc::strong_count(bytes) <= 2 {
            return apply(treatment, bytes, names).map(Arc::new);
        }
        let known = self.0.get(&(Arc::as_ptr(bytes), key));
        if let Some(Rewritten { content, dropped, .. }) = known {
            names.dropped_again(dropped);
            return content.clone();
        }
        let before = names.all_dropped();
        let content = apply(treatment, bytes, names).map(Arc::new);
        let dropped = names.dropped_since(&before);
        let rewritten =
            Rewritten { _original: Arc::clone(bytes), content: content.clone(), dropped };
        self.0.insert((Arc::as_ptr(bytes), key), rewritten);
        content
    }
}

fn apply(treatment: Treatment, bytes: &[u8], names: &Pseudonyms) -> Option<Vec<u8>> {
    match treatment {
        Treatment::Keep => Some(bytes.to_vec()),
        Treatment::Text => Some(names.bytes(bytes)),
        Treatment::Rewrite(rewrite) => Some(rewrite(bytes, names)),
        Treatment::Filter(filter) => filter(bytes, names),
    }
}
