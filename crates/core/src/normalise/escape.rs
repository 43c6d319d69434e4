//! Escapes that loggers put into a line, and the terminal's colours.

use super::spans::Spans;

/// Rounds of decoding: one escape inside another is deeper than this only in a line made for it. There nothing is taken for an
/// escape any more.
const ROUNDS: usize = 12;

/// `text` without escapes, however deep they are nested, and where each byte came from.
///
/// - Backslashes before a quote or a slash (Go, JSON), `\n`, `\t`, `\r`, `\u003c`, `\xe4` and `\344` (systemd, Python,
///   C), `#303#244` (rsyslog), `&quot;` (HTML). `\x2d` stays: systemd escapes names of units so.
/// - Colours: `ESC [ 31 m`, also where ESC is itself escaped.
/// - Quotes of all kinds become `"` or `'`; control characters and runs of blanks one space.
pub fn decode(text: &[u8]) -> Spans {
    match settle(Spans::identity(text)) {
        Ok(spans) => spans,
        Err(spans) => match settle(without_escapes(&spans)) {
            Ok(spans) | Err(spans) => spans,
        },
    }
}

/// Decodes until nothing changes; what is left if that takes too many rounds.
fn settle(mut spans: Spans) -> Result<Spans, Spans> {
    for _ in 0..ROUNDS {
        let next = round(&spans);
        if next.text == spans.text {
            return Ok(spans);
        }
        spans = next;
    }
    Err(spans)
}

/// The same without the bytes that escapes begin with.
fn without_escapes(from: &Spans) -> Spans {
    let mut out = Spans::with_capacity(from.text.len());
    for (at, byte) in from.text.iter().enumerate() {
        if !matches!(byte, b'\\' | b'&' | b'#') {
            out.copy(from, at..at + 1);
        }
    }
    out
}

/// Bytes at which something may have to be replaced.
fn is_special(byte: u8) -> bool {
    matches!(byte, b'\\' | b'&' | b'#' | b'`' | 0..=0x20 | 0x7f..)
}

fn round(from: &Spans) -> Spans {
    let text = &from.text;
    let mut out = Spans::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        if !is_special(text[at]) {
            out.copy(from, at..at + 1);
            at += 1;
            continue;
        }
        let (piece, eaten) = piece(&text[at..]);
        match piece {
            Piece::Same => out.copy(from, at..at + eaten),
            Piece::Bytes(bytes, length) => out.replace(from, at..at + eaten, &bytes[..length]),
            Piece::Blank if out.text.last() == Some(&b' ') => {}
            Piece::Blank => out.replace(from, at..at + eaten, b" "),
        }
        at += eaten;
    }
    out
}

/// What stands for the beginning of a text.
enum Piece {
    /// Itself.
    Same,
    /// The first bytes of these, at most this many.
    Bytes([u8; 4], usize),
    /// One space, unless there is one already.
    Blank,
}

impl Piece {
    fn byte(byte: u8) -> Self {
        Self::Bytes([byte, 0, 0, 0], 1)
    }

    fn char(c: char) -> Self {
        let mut bytes = [0; 4];
        let length = c.encode_utf8(&mut bytes).len();
        Self::Bytes(bytes, length)
    }

    /// A character that was written as an escape. What could begin another one stays as it was written.
    fn decoded(c: char) -> Option<Self> {
        match c {
            '\\' | '#' | '\0' => None,
            '\u{1}'..=' ' => Some(Self::Blank),
            c => Some(Self::char(c)),
        }
    }
}

/// What the special byte that `text` begins with stands for, and how many bytes that is.
fn piece(text: &[u8]) -> (Piece, usize) {
    match text {
        [b'`', ..] => (Piece::byte(b'\''), 1),
        [b'&', ..] => entity(text).unwrap_or((Piece::Same, 1)),
        [b'\\', ..] => backslash(text),
        [b'#', ..] => octal_bytes(text),
        [0x1b, ..] => (Piece::Bytes([0; 4], 0), 1 + colour(&text[1..])),
        [0..=0x20 | 0x7f, ..] => (Piece::Blank, 1),
        _ => quote(text),
    }
}

/// Length of `[31;1m` at the beginning of `text`; 0 without it.
fn colour(text: &[u8]) -> usize {
    if text.first() != Some(&b'[') {
        return 0;
    }
    let parameters = text[1..]
        .iter()
        .take_while(|b| matches!(b, b'0'..=b'9' | b';' | b'?'))
        .count();
    match text.get(1 + parameters) {
        Some(b'A'..=b'Z' | b'a'..=b'z') => parameters + 2,
        _ => 0,
    }
}

/// A quote that is not ASCII as one that is; another character, or a byte that is none, as it is.
fn quote(text: &[u8]) -> (Piece, usize) {
    match text {
        [0xe2, 0x80, 0x98..=0x9b, ..] => (Piece::byte(b'\''), 3),
        [0xe2, 0x80, 0x9c..=0x9f, ..] => (Piece::byte(b'"'), 3),
        [0xe2, 0x80, 0xb9 | 0xba, ..] => (Piece::byte(b'\''), 3),
        [0xe3, 0x80, 0x8c..=0x8f, ..] => (Piece::byte(b'"'), 3),
        [0xef, 0xbc, 0x9a, ..] => (Piece::Bytes([b':', b' ', 0, 0], 2), 3),
        [0xc2, 0xab | 0xbb, ..] => (Piece::byte(b'"'), 2),
        [0xc2, 0xb4, ..] => (Piece::byte(b'\''), 2),
        [0xc2, 0xa0, ..] => (Piece::Blank, 2),
        _ => (Piece::Same, 1),
    }
}

/// `&quot;`, `&amp;quot;` and the like.
fn entity(text: &[u8]) -> Option<(Piece, usize)> {
    let mut at = 1;
    while text[at..].starts_with(b"amp;") {
        at += 4;
    }
    let known: &[(&[u8], u8)] = &[
        (b"quot;", b'"'),
        (b"#34;", b'"'),
        (b"#39;", b'\''),
        (b"#8216;", b'\''),
        (b"#8217;", b'\''),
        (b"#8220;", b'"'),
        (b"#8221;", b'"'),
        (b"lsquo;", b'\''),
        (b"rsquo;", b'\''),
        (b"ldquo;", b'"'),
        (b"rdquo;", b'"'),
        (b"#x27;", b'\''),
        (b"apos;", b'\''),
        (b"lt;", b'<'),
        (b"gt;", b'>'),
    ];
    for (name, byte) in known {
        if text[at..].starts_with(name) {
            return Some((Piece::byte(*byte), at + name.len()));
        }
    }
    (at > 1).then_some((Piece::byte(b'&'), at))
}

/// A run of backslashes and what it escapes.
fn backslash(text: &[u8]) -> (Piece, usize) {
    let run = text.iter().take_while(|b| **b == b'\\').count();
    let after = &text[run..];
    let (piece, eaten) = match after {
        [b'"' | b'\'' | b'/', ..] => (Some(Piece::byte(after[0])), 1),
        [b'n' | b't' | b'r', ..] => (Some(Piece::Blank), 1),
        [b'u', ..] => match unicode(after) {
            Some('\u{1b}') => (Some(Piece::Bytes([0; 4], 0)), 5 + colour(&after[5..])),
            Some(c) => (Piece::decoded(c), 5),
            None => (None, 0),
        },
        [b'e', b'[', ..] => (Some(Piece::Bytes([0; 4], 0)), 1 + colour(&after[1..])),
        [b'x', ..] => match number(after.get(1..3), 16) {
            Some(0x1b) => (Some(Piece::Bytes([0; 4], 0)), 3 + colour(&after[3..])),
            Some(byte) => (byte.gt(&0x7f).then(|| Piece::byte(byte)), 3),
            None => (None, 0),
        },
        [b'0'..=b'3', ..] => match number(after.get(..3), 8) {
            Some(0x1b) => (Some(Piece::Bytes([0; 4], 0)), 3 + colour(&after[3..])),
            Some(byte) => (byte.gt(&0x7f).then(|| Piece::byte(byte)), 3),
            None => (None, 0),
        },
        _ => (None, 0),
    };
    match piece {
        Some(piece) => (piece, run + eaten),
        None if run == 1 => (Piece::Same, 1),
        None => (Piece::byte(b'\\'), run),
    }
}

/// `#303#244`, as rsyslog writes bytes of eight bits: two or more, or it is the number of something.
fn octal_bytes(text: &[u8]) -> (Piece, usize) {
    let byte = |at: usize| match text.get(at) {
        Some(b'#') => number(text.get(at + 1..at + 4), 8),
        _ => None,
    };
    match byte(0) {
        Some(0x1b) => (Piece::Bytes([0; 4], 0), 4 + colour(&text[4..])),
        Some(one) if one > 0x7f => {
            let follows = byte(4).is_some_and(|next| next > 0x7f);
            // Of a character's last byte nothing follows; it is one of those that go on.
            let ends = one & 0xc0 == 0x80;
            if follows || ends {
                (Piece::byte(one), 4)
            } else {
                (Piece::Same, 1)
            }
        }
        _ => (Piece::Same, 1),
    }
}

/// `u003c`; of two that make one character (UTF-16) nothing.
fn unicode(after: &[u8]) -> Option<char> {
    let digits = std::str::from_utf8(after.get(1..5)?).ok()?;
    char::from_u32(u32::from_str_radix(digits, 16).ok()?)
}

fn number(digits: Option<&[u8]>, base: u32) -> Option<u8> {
    let digits = std::str::from_utf8(digits?).ok()?;
    digits
        .bytes()
        .all(|b| b.is_ascii_hexdigit())
        .then(|| u8::from_str_radix(digits, base).ok())?
}
