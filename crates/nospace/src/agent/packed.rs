use std::io::{self, Write as _};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use hyper::body::Bytes;

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

impl Packing {
    /// All.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Gzip, Self::Zstd];

    /// Its name in HTTP.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }
}

/// A piece of a body, packed for itself, so that what changes seldom is not packed again with what changes often.
#[derive(Debug)]
pub struct Piece {
    bytes: Vec<u8>,
    /// Of what was packed, with its length; only gzip wants it.
    crc: Crc,
}

impl Piece {
    /// Packs `plain`.
    pub fn pack(plain: Vec<u8>, packing: Packing) -> Self {
        let mut crc = Crc::new();
        let packed = match packing {
            Packing::Plain => Ok(plain),
            Packing::Gzip => {
                crc.update(&plain);
                deflate(&plain)
            }
            Packing::Zstd => zstd::bulk::compress(&plain, 1),
        };
        // Writing into memory does not fail; if it did, nobody would take what came of it for packed.
        Self {
            bytes: packed.unwrap_or_default(),
            crc,
        }
    }

    /// The body that pieces make, all of them packed like this.
    pub fn join(pieces: &[&Self], packing: Packing) -> Bytes {
        let all = pieces.iter().flat_map(|piece| [&*piece.bytes]);
        match packing {
            // Frames that follow each other are what they hold, one after the other (RFC 8878, 3.1).
            Packing::Plain | Packing::Zstd => all.collect::<Vec<_>>().concat().into(),
            Packing::Gzip => {
                let mut crc = Crc::new();
                pieces.iter().for_each(|piece| crc.combine(&piece.crc));
                let (sum, length) = (crc.sum().to_le_bytes(), crc.amount().to_le_bytes());
                let ends: [&[u8]; 3] = [&LAST_BLOCK, &sum, &length];
                let parts = [&HEAD[..]].into_iter().chain(all).chain(ends);
                parts.collect::<Vec<_>>().concat().into()
            }
        }
    }
}

/// Of a gzip member: deflated, no name, no time, packed fast, by an unknown system (RFC 1952, 2.3.1).
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255];
/// Empty (RFC 1951, 3.2.6).
const LAST_BLOCK: [u8; 2] = [3, 0];

/// Blocks that end with a byte, none of them the last: other blocks may follow.
fn deflate(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain)?;
    encoder.flush()?;
    Ok(std::mem::take(encoder.get_mut()))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn unpack(body: &[u8], packing: Packing) -> Vec<u8> {
        let mut plain = Vec::new();
        match packing {
            Packing::Plain => body.to_vec(),
            Packing::Zstd => zstd::stream::decode_all(body).unwrap(),
            Packing::Gzip => {
                let mut reader = flate2::read::GzDecoder::new(body);
                reader.read_to_end(&mut plain).unwrap();
                plain
            }
        }
    }

    #[test]
    fn pieces_are_one_body() {
        let long: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        let texts: [&[u8]; 4] = [b"nospace_up 1\n", &long, b"", b"nospace_up 1\n# EOF\n"];
        for packing in Packing::ALL {
            for some in [&texts[..1], &texts[1..3], &texts] {
                let pieces: Vec<Piece> = some
                    .iter()
                    .map(|text| Piece::pack(text.to_vec(), packing))
                    .collect();
                let body = Piece::join(&pieces.iter().collect::<Vec<_>>(), packing);
                assert_eq!(unpack(&body, packing), some.concat(), "{packing:?}");
            }
        }
    }
}
