use std::io::{self, Read};

/// Byte order marks of UTF-16, little and big endian.
const MARKS: [[u8; 2]; 2] = [[0xff, 0xfe], [0xfe, 0xff]];
/// Bytes that are decoded at once; even.
const CHUNK: usize = 8 << 10;

/// Whether text begins like this in UTF-16.
pub fn is_utf16(head: &[u8]) -> bool {
    MARKS.iter().any(|mark| head.starts_with(mark))
}

/// UTF-16 with a byte order mark, read as UTF-8. What is no character becomes U+FFFD.
pub struct Utf16Reader<R> {
    input: R,
    big_endian: Option<bool>,
    /// The first half of a pair, which waits for the second.
    high: Option<u16>,
    /// An odd byte, which waits for the next.
    odd: Option<u8>,
    text: Vec<u8>,
    taken: usize,
}

impl<R: Read> Utf16Reader<R> {
    /// Reads `input` from its byte order mark on.
    pub fn new(input: R) -> Self {
        Self {
            input,
            big_endian: None,
            high: None,
            odd: None,
            text: Vec::new(),
            taken: 0,
        }
    }

    /// Decodes the next bytes; `false` at the end.
    fn refill(&mut self) -> io::Result<bool> {
        let mut bytes = [0; CHUNK];
        let n = self.input.read(&mut bytes)?;
        let whole: Vec<u8> = self
            .odd
            .take()
            .into_iter()
            .chain(bytes[..n].iter().copied())
            .collect();
        let (pairs, rest) = whole.as_chunks::<2>();
        if n > 0 {
            self.odd = rest.first().copied();
        }
        let mut units: Vec<u16> = self.high.take().into_iter().collect();
        for pair in pairs {
            match self.big_endian {
                None => self.big_endian = Some(*pair == MARKS[1]),
                Some(true) => units.push(u16::from_be_bytes(*pair)),
                Some(false) => units.push(u16::from_le_bytes(*pair)),
            }
        }
        if n > 0
            && units
                .last()
                .is_some_and(|last| (0xd800..0xdc00).contains(last))
        {
            self.high = units.pop();
        }
        let text: String = char::decode_utf16(units)
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        self.text = text.into_bytes();
        self.taken = 0;
        Ok(n > 0)
    }
}

impl<R: Read> Read for Utf16Reader<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.text.len() {
            if !self.refill()? && self.text.is_empty() {
                return Ok(0);
            }
        }
        let n = room.len().min(self.text.len() - self.taken);
        room[..n].copy_from_slice(&self.text[self.taken..self.taken + n]);
        self.taken += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a byte at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            let n = self.0.len().min(1).min(room.len());
            room[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn decoded(input: impl Read) -> String {
        let mut text = String::new();
        Utf16Reader::new(input).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn both_orders_are_read_at_any_pace() {
        let text = "no space left on device: ü 💾\n".repeat(700);
        for big in [false, true] {
            let unit = |unit: u16| {
                if big {
                    unit.to_be_bytes()
                } else {
                    unit.to_le_bytes()
                }
            };
            let units = std::iter::once(0xfeff).chain(text.encode_utf16());
            let bytes: Vec<u8> = units.flat_map(unit).collect();
            assert!(is_utf16(&bytes));
            assert_eq!(decoded(bytes.as_slice()), text);
            assert_eq!(decoded(Slow(&bytes)), text);
            // Cut within the last character.
            let cut = decoded(&bytes[..bytes.len() - 1]);
            assert!(cut.starts_with(text.trim_end()));
        }
    }

    #[test]
    fn halves_of_pairs_are_replaced() {
        assert_eq!(decoded(&b"\xff\xfe\x3d\xd8a\0"[..]), "\u{fffd}a");
        assert_eq!(decoded(&b"\xff\xfe\x3d\xd8"[..]), "\u{fffd}");
        assert_eq!(decoded(&b"\xff\xfe"[..]), "");
    }
}
