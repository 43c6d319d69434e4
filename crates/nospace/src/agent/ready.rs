//! What a look tells, made ready before anybody asks: writing and packing thousands of samples takes longer than a scrape may.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

use nospace_core::metrics::{self, Dialect, Exposition};

use super::{Packing, Piece, Seen};
use crate::ui::json;

/// What only a look changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The samples of the report, without an end.
    Metrics(Dialect),
    /// /api/v1/report.
    Report,
}

const CONTENTS: [Content; 3] = [
    Content::Metrics(Dialect::Prometheus),
    Content::Metrics(Dialect::OpenMetrics),
    Content::Report,
];
const SLOTS: usize = CONTENTS.len() * Packing::ALL.len();

/// Each content in each packing.
fn slots() -> impl Iterator<Item = (Content, Packing)> {
    let packed = |content| Packing::ALL.map(|packing| (content, packing));
    CONTENTS.into_iter().flat_map(packed)
}

fn slot(content: Content, packing: Packing) -> usize {
    let place = slots().position(|slot| slot == (content, packing));
    place.unwrap_or_default()
}

/// What was asked for of late: for how many looks it is still made ready.
#[derive(Debug, Default)]
pub struct Wishes([AtomicU8; SLOTS]);

impl Wishes {
    /// A wish is good for so many looks, ten minutes at the usual interval: who asked once costs nothing for ever.
    const LOOKS: u8 = 40;

    fn note(&self, slot: usize) {
        self.0[slot].store(Self::LOOKS, Ordering::Relaxed);
    }

    /// Whether it is wished for, in one look more.
    fn take(&self, slot: usize) -> bool {
        let less = |left: u8| left.checked_sub(1);
        let left = self.0[slot].fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        left.is_ok()
    }
}

/// Pieces of one look, each made when it is first asked for.
#[derive(Debug, Default)]
pub struct Ready([OnceLock<Piece>; SLOTS]);

impl Seen {
    /// What it tells, with a row of its own for `top` pods. The next looks will have it ready.
    pub fn piece(&self, content: Content, packing: Packing, top: usize, wishes: &Wishes) -> &Piece {
        wishes.note(slot(content, packing));
        self.make(content, packing, top)
    }

    /// Makes what was wished for of earlier looks.
    pub fn prepare(&self, top: usize, wishes: &Wishes) {
        for (slot, (content, packing)) in slots().enumerate() {
            if wishes.take(slot) {
                self.make(content, packing, top);
            }
        }
    }

    fn make(&self, content: Content, packing: Packing, top: usize) -> &Piece {
        let made = &self.ready.0[slot(content, packing)];
        made.get_or_init(|| Piece::pack(self.write(content, top), packing))
    }

    fn write(&self, content: Content, top: usize) -> Vec<u8> {
        match content {
            Content::Metrics(dialect) => {
                let mut out = Exposition::new(dialect);
                metrics::report(&self.report, &self.growth, top, &mut out);
                out.into_text().into_bytes()
            }
            Content::Report => {
                let mut text = Vec::new();
                // Writing into memory does not fail.
                let _ = json::write(&self.report, &mut text);
                text
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::agent::kube::samples::{healthy, seen};

    #[test]
    fn what_is_asked_for_is_ready_for_some_looks() {
        let wishes = Wishes::default();
        let ready = || {
            let look = seen(healthy(), Instant::now(), 0);
            look.prepare(10, &wishes);
            let ready = look.ready.0.iter();
            ready.filter(|made| made.get().is_some()).count()
        };
        assert_eq!(ready(), 0);
        let look = seen(healthy(), Instant::now(), 0);
        look.piece(Content::Report, Packing::Gzip, 10, &wishes);
        look.piece(
            Content::Metrics(Dialect::OpenMetrics),
            Packing::Gzip,
            10,
            &wishes,
        );
        assert_eq!(ready(), 2);
        let looks: Vec<usize> = (1..=Wishes::LOOKS).map(|_| ready()).collect();
        assert_eq!(looks.last(), Some(&0));
        assert_eq!(
            looks.iter().sum::<usize>(),
            2 * (usize::from(Wishes::LOOKS) - 1)
        );
    }
}
