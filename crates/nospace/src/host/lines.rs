//! Files line by line, in bounded memory.

use std::io::{BufRead, Read as _};
use std::ops::ControlFlow;

use super::{ReadError, ReadResult};

/// A longer line is an error. The options of an overlay mount with hundreds of layers fit.
const MAX_LINE: usize = 1 << 20;

/// Gives every line of `reader`, without its end, to `each` until that breaks.
pub fn each_line(
    mut reader: impl BufRead,
    each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
) -> ReadResult<ControlFlow<()>> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut bounded = reader.by_ref().take(MAX_LINE as u64 + 1);
        if bounded.read_until(b'\n', &mut line)? == 0 {
            return Ok(ControlFlow::Continue(()));
        }
        let whole = line.strip_suffix(b"\n").unwrap_or(&line);
        if whole.len() > MAX_LINE {
            return Err(ReadError::Failed(format!(
                "a line is longer than {MAX_LINE} bytes, the most that nospace reads of one"
            )));
        }
        if each(whole).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(bytes: &[u8], buffer: usize) -> (Vec<Vec<u8>>, ReadResult<ControlFlow<()>>) {
        let mut lines = Vec::new();
        let reader = std::io::BufReader::with_capacity(buffer, bytes);
        let end = each_line(reader, &mut |line| {
            lines.push(line.to_vec());
            ControlFlow::Continue(())
        });
        (lines, end)
    }

    proptest! {
        #[test]
        fn lines_are_those_of_the_standard_library(text in "[ab\n]{0,60}", buffer in 1_usize..20) {
            let (lines, end) = lines(text.as_bytes(), buffer);
            let expected: Vec<_> = text.split_terminator('\n').map(|line| line.as_bytes().to_vec()).collect();
            prop_assert_eq!(lines, expected);
            prop_assert_eq!(end, Ok(ControlFlow::Continue(())));
        }
    }

    #[test]
    fn a_line_beyond_the_bound_is_an_error() {
        let mut text = vec![b'a'; MAX_LINE];
        text.extend(b"\nb");
        let (fits, end) = lines(&text, 4096);
        assert_eq!((fits.len(), end), (2, Ok(ControlFlow::Continue(()))));
        text.insert(0, b'a');
        let (none, end) = lines(&text, 4096);
        assert_eq!(none.len(), 0);
        assert!(matches!(end, Err(ReadError::Failed(why)) if why.contains("1048576")));
    }
}
