use std::io::{self, Chain, Cursor, Read};

use flate2::read::MultiGzDecoder;

use super::utf16::{Utf16Reader, is_utf16};

/// The first bytes of a gzip member and of a zstd frame.
const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// A zstd window of 128 MiB, the most that `zstd -d` takes without being asked.
const WINDOW_LOG: u32 = 27;

/// `packed` as text: decompressed if it is gzip or zstd, decoded if it is UTF-16, as its first bytes say and never its name.
///
/// # Errors
///
/// When the first bytes cannot be read.
pub fn unpacked<'r>(mut packed: impl Read + Send + 'r) -> io::Result<Box<dyn Read + Send + 'r>> {
    let mut head = [0; 4];
    let n = read_head(&mut packed, &mut head)?;
    let whole: Chain<Cursor<Vec<u8>>, _> = Cursor::new(head[..n].to_vec()).chain(packed);
    Ok(if head[..n].starts_with(GZIP) {
        Box::new(MultiGzDecoder::new(whole))
    } else if head[..n].starts_with(ZSTD) {
        let mut decoder = zstd::Decoder::new(whole)?;
        decoder.window_log_max(WINDOW_LOG)?;
        Box::new(decoder)
    } else if is_utf16(&head[..n]) {
        Box::new(Utf16Reader::new(whole))
    } else {
        Box::new(whole)
    })
}

/// Fills `head` as far as the input goes; stops early at the end of a line, so that a terminal or a
/// pipe that says little is answered at once.
fn read_head(input: &mut impl Read, head: &mut [u8]) -> io::Result<usize> {
    let mut n = 0;
    while n < head.len() {
        match input.read(&mut head[n..]) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
        if head[..n].contains(&b'\n') {
            break;
        }
    }
    Ok(n)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn unpack(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        unpacked(bytes)?.read_to_end(&mut out)?;
        Ok(out)
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn the_first_bytes_say_how_it_is_packed() {
        assert_eq!(unpack(b"plain\n").unwrap(), b"plain\n");
        assert_eq!(unpack(b"").unwrap(), b"");
        assert_eq!(unpack(b"\x1f").unwrap(), b"\x1f");
        let twice = [gzip(b"one\n"), gzip(b"two\n")].concat();
        assert_eq!(unpack(&twice).unwrap(), b"one\ntwo\n");
        let zst = zstd::encode_all(&b"three\n"[..], 1).unwrap();
        assert_eq!(unpack(&zst).unwrap(), b"three\n");
    }

    #[test]
    fn a_truncated_archive_is_an_error() {
        let whole = gzip(&b"a line that is long enough\n".repeat(100));
        assert!(unpack(&whole[..whole.len() / 2]).is_err());
        let whole = zstd::encode_all(&b"a line\n".repeat(100)[..], 1).unwrap();
        assert!(unpack(&whole[..whole.len() - 3]).is_err());
    }
}
