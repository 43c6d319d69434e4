/// The text without the escapes that loggers put into it, however deep they are nested.
///
/// Go's `%q` and JSON put a backslash before a quote, and double every backslash that is there
/// already; an error that was wrapped four times has its quotes behind fifteen of them. Curly
/// quotes, which the C library's messages have in UTF-8 locales, become plain ones. Only what the
/// patterns need is undone, so the result is for matching, not for show.
#[must_use]
pub fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr2(b'\\', 0xe2, rest) {
        out.extend_from_slice(&rest[..at]);
        if rest[at] == 0xe2 {
            let (byte, eaten) = curly(&rest[at..]);
            out.push(byte);
            rest = &rest[at + eaten..];
            continue;
        }
        let run = rest[at..].iter().take_while(|b| **b == b'\\').count();
        let after = &rest[at + run..];
        let (replacement, eaten) = escape(after, &rest[at..at + run]);
        out.extend_from_slice(replacement.as_slice());
        rest = &after[eaten..];
    }
    out.extend_from_slice(rest);
    out
}

/// A curly quote as a plain one; any other byte as it is.
fn curly(text: &[u8]) -> (u8, usize) {
    match text {
        [0xe2, 0x80, 0x98 | 0x99, ..] => (b'\'', 3),
        [0xe2, 0x80, 0x9c | 0x9d, ..] => (b'"', 3),
        _ => (text[0], 1),
    }
}

/// What a run of backslashes and the bytes after it stand for, and how many of those are eaten.
fn escape<'a>(after: &'a [u8], run: &'a [u8]) -> (Replacement<'a>, usize) {
    match after.first() {
        Some(b'"' | b'\'' | b'/') => (Replacement::Byte(after[0]), 1),
        Some(b'n' | b't' | b'r') => (Replacement::Byte(b' '), 1),
        Some(b'u') => match unicode(after) {
            Some(byte) => (Replacement::Byte(byte), 5),
            None => (Replacement::Slice(&run[..1]), 0),
        },
        _ => (Replacement::Slice(&run[..1]), 0),
    }
}

enum Replacement<'a> {
    Byte(u8),
    Slice(&'a [u8]),
}

impl Replacement<'_> {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Byte(byte) => std::slice::from_ref(byte),
            Self::Slice(slice) => slice,
        }
    }
}

/// `u003c`: JSON writers escape `<`, `>` and `&` so.
fn unicode(after: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(after.get(1..5)?).ok()?;
    u8::try_from(u16::from_str_radix(digits, 16).ok()?)
        .ok()
        .filter(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn quotes_come_out_of_any_depth() {
        for depth in 0..=4 {
            let slashes = "\\".repeat((1 << depth) - 1);
            let text = format!("mounting {slashes}\"/sys{slashes}\" to rootfs");
            assert_eq!(unescape(text.as_bytes()), b"mounting \"/sys\" to rootfs");
        }
    }

    #[test]
    fn what_is_no_escape_stays() {
        assert_eq!(
            unescape(br"dev-disk-by\x2dlabel.swap"),
            br"dev-disk-by\x2dlabel.swap"
        );
        assert_eq!(unescape(br"ends with \"), br"ends with \");
        assert_eq!(unescape(br"a \u003c b \u0000 \u00"), br"a < b \u0000 \u00");
        assert_eq!(unescape(b"line\\nnext"), b"line next");
        assert_eq!(
            unescape("‘a’ “b” – é".as_bytes()),
            "'a' \"b\" – é".as_bytes()
        );
    }
}
