use std::collections::HashMap;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::Bytes;

use super::wants::Packing;

/// What is to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Page {
    /// /metrics in Prometheus' text format.
    Metrics,
    /// /metrics in OpenMetrics.
    OpenMetrics,
    /// /api/v1/report.
    Report,
    /// /.
    Html,
}

/// Bodies of the newest look, made once for however many ask.
#[derive(Debug, Default)]
pub struct Rendered {
    look: u64,
    bodies: HashMap<(Page, Packing), (Instant, Bytes)>,
}

impl Rendered {
    /// The body of `page` for look number `look`, if it is not older than `fresh`; else `make` makes it.
    pub fn body(
        &mut self,
        look: u64,
        (page, packing): (Page, Packing),
        fresh: Duration,
        make: impl FnOnce() -> Vec<u8>,
    ) -> Bytes {
        if self.look != look {
            self.bodies.clear();
            self.look = look;
        }
        if let Some((made, body)) = self.bodies.get(&(page, packing))
            && made.elapsed() <= fresh
        {
            return body.clone();
        }
        let body = Bytes::from(pack(make(), packing));
        self.bodies
            .insert((page, packing), (Instant::now(), body.clone()));
        body
    }
}

/// Writing into memory does not fail; if it did, what came of it would not be told as packed by anyone.
fn pack(plain: Vec<u8>, packing: Packing) -> Vec<u8> {
    let packed: io::Result<Vec<u8>> = match packing {
        Packing::Plain => return plain,
        Packing::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&plain).and_then(|()| encoder.finish())
        }
        Packing::Zstd => zstd::bulk::compress(&plain, 1),
    };
    packed.unwrap_or_default()
}
