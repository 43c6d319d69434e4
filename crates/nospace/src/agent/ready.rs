//! What a look tells, made ready before anybody asks: writing and packing thousands of samples takes longer than a scrape may.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

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

/// What was ever asked for.
#[derive(Debug, Default)]
pub struct Wishes([AtomicBool; SLOTS]);

/// Pieces of one look, each made when it is first asked for.
#[derive(Debug, Default)]
pub struct Ready([OnceLock<Piece>; SLOTS]);

impl Seen {
    /// What it tells, with a row of its own for `top` pods. The next look will have it ready.
    pub fn piece(&self, content: Content, packing: Packing, top: usize, wanted: &Wishes) -> &Piece {
        let slot = slot(content, packing);
        wanted.0[slot].store(true, Ordering::Relaxed);
        self.ready.0[slot].get_or_init(|| Piece::pack(self.write(content, top), packing))
    }

    /// Makes what was wanted of earlier looks.
    pub fn prepare(&self, top: usize, wanted: &Wishes) {
        for (slot, (content, packing)) in slots().enumerate() {
            if wanted.0[slot].load(Ordering::Relaxed) {
                self.piece(content, packing, top, wanted);
            }
        }
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
