//! Every way in which a log writes an errno.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use regex::bytes::Regex;

use super::escape::decode;
use super::spans::Spans;

macro_rules! errnos {
    ($($name:ident = $number:literal $words:literal,)+) => {
        /// An error that the kernel answers with when a limit is reached. Numbers are those of Linux, but for Alpha,
        /// MIPS, PA-RISC and SPARC; words those of glibc in English.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
        #[allow(clippy::upper_case_acronyms, reason = "the names are the kernel's")]
        pub enum Errno {
            $(#[doc = $words] $name,)+
        }

        impl Errno {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// `ENOSPC`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),+ }
            }

            /// 28.
            #[must_use]
            pub const fn number(self) -> u32 {
                match self { $(Self::$name => $number),+ }
            }

            /// `No space left on device`.
            #[must_use]
            pub const fn words(self) -> &'static str {
                match self { $(Self::$name => $words),+ }
            }
        }
    };
}

errnos! {
    E2BIG = 7 "Argument list too long",
    EAGAIN = 11 "Resource temporarily unavailable",
    ENOMEM = 12 "Cannot allocate memory",
    ENFILE = 23 "Too many open files in system",
    EMFILE = 24 "Too many open files",
    ENOSPC = 28 "No space left on device",
    EXFULL = 54 "Exchange full",
    EADDRNOTAVAIL = 99 "Cannot assign requested address",
    ENOBUFS = 105 "No buffer space available",
    ETOOMANYREFS = 109 "Too many references: cannot splice",
    EDQUOT = 122 "Disk quota exceeded",
    ENOTSUPP = 524 "Unknown error 524",
}

impl Errno {
    fn named(name: &[u8]) -> Option<Self> {
        let is = |errno: &&Self| errno.name().as_bytes().eq_ignore_ascii_case(name);
        Self::ALL.iter().find(is).copied()
    }

    fn numbered(digits: &[u8]) -> Option<Self> {
        let number: u32 = std::str::from_utf8(digits).ok()?.parse().ok()?;
        Self::ALL
            .iter()
            .find(|errno| errno.number() == number)
            .copied()
    }
}

/// How an errno is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// `(os error 28)`, `errno=24`, `(-28,`.
    Number,
    /// `ENOSPC`.
    Name,
    /// In words, of whatever language.
    Words,
}

/// A place where a text writes an errno.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// Which one.
    pub errno: Errno,
    /// In which way.
    pub form: Form,
    /// Where, in bytes of the normal form.
    pub span: Range<usize>,
}

const TRANSLATIONS: &str = include_str!("strerror.txt");

/// A text that a program prints in whatever language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spelling {
    /// The errno that it says; `None` where it says more than one.
    pub errno: Option<Errno>,
    /// What it is in English.
    pub english: &'static str,
    /// The text.
    pub text: &'static str,
}

/// The spellings, in every encoding.
struct Spellings {
    automaton: AhoCorasick,
    of: Vec<Spelling>,
}

static SPELLINGS: LazyLock<Option<Spellings>> = LazyLock::new(|| {
    let mut texts: Vec<Vec<u8>> = Vec::new();
    let mut of = Vec::new();
    for spelling in spellings() {
        for form in encodings(spelling.text) {
            texts.push(form);
            of.push(spelling);
        }
    }
    let automaton = AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .ascii_case_insensitive(true)
        .build(&texts)
        .ok()?;
    Some(Spellings { automaton, of })
});

/// Each errno's English words, then what other C libraries and other languages say.
pub fn spellings() -> impl Iterator<Item = Spelling> {
    let mut section = "";
    let translated = TRANSLATIONS
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(
            move |line| match line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                Some(name) => {
                    section = name;
                    None
                }
                None => {
                    let errno = Errno::named(section.as_bytes());
                    let english = errno.map_or(section, Errno::words);
                    Some(Spelling {
                        errno,
                        english,
                        text: line,
                    })
                }
            },
        );
    let english = Errno::ALL.iter().map(|errno| Spelling {
        errno: Some(*errno),
        english: errno.words(),
        text: errno.words(),
    });
    english.chain(translated)
}

/// `text` in UTF-8; where it is not ASCII also in Latin-1, and with `?` for what a C locale cannot print.
fn encodings(text: &str) -> Vec<Vec<u8>> {
    let mut all = vec![text.as_bytes().to_vec()];
    let plain = decode(text.as_bytes()).text;
    if plain != all[0] {
        all.push(plain);
    }
    let foreign = text.chars().filter(|c| !c.is_ascii()).count();
    if foreign > 0 && foreign * 4 < text.chars().count() {
        all.push(
            text.chars()
                .map(|c| if c.is_ascii() { c as u8 } else { b'?' })
                .collect(),
        );
        all.extend(
            text.chars()
                .map(|c| u8::try_from(u32::from(c)).ok())
                .collect::<Option<Vec<u8>>>(),
        );
    }
    all
}

static NAMES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let names: Vec<&str> = Errno::ALL.iter().map(|errno| errno.name()).collect();
    Regex::new(&format!(r"(?-u:\b)({})(?-u:\b)", names.join("|"))).ok()
});

/// What stands around the number of an errno. A bare `error 24` is one only for the numbers that mean little else.
static NUMBERS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let sure = r"errno\D{0,3}?|os error |\bos \{ code: |code generic:|error:? -|err(?:no)?[ =]-|ret(?:urned|val)? ?[=:]? ?-|rc[=:]? ?-|failed:? \(?-|\(-";
    let pattern = format!(
        r"(?i-u)(?:{sure})(7|11|12|23|24|28|54|99|105|109|122|524)\b|\b(?:os )?err(?:or)?(?: code| number)?[ =:]{{1,2}}(24|28|122|524)\b|[a-z)'] ?\((2[348]|122)\)"
    );
    Regex::new(&pattern).ok()
});

/// `from` with every errno in words as glibc says it in English.
pub fn in_english(from: &Spans) -> Spans {
    let Some(spellings) = SPELLINGS.as_ref() else {
        return from.clone();
    };
    let mut out = Spans::with_capacity(from.text.len());
    let mut at = 0;
    for found in spellings.automaton.find_iter(&from.text) {
        out.copy(from, at..found.start());
        let words = spellings.of[found.pattern().as_usize()].english;
        let same = from.text[found.range()].eq_ignore_ascii_case(words.as_bytes());
        if same
            || ends_in_escape(&from.text[..found.start()])
            || !is_meant(&from.text, found.range())
        {
            out.copy(from, found.range());
        } else {
            out.replace(from, found.range(), words.as_bytes());
        }
        at = found.end();
    }
    out.copy(from, at..from.text.len());
    out
}

/// Whether `text` may end in the beginning of an escape, which other letters behind it would make one.
fn ends_in_escape(text: &[u8]) -> bool {
    let end = &text[text.len().saturating_sub(6)..];
    end.iter().any(|byte| matches!(byte, b'\\' | b'&' | b'#'))
}

/// What musl says of ENOMEM is what the kernel says of a process that it kills, and many others of their own memory: it is
/// an errno only as the reason at the end of a clause.
fn is_meant(text: &[u8], range: Range<usize>) -> bool {
    if !text[range.clone()].eq_ignore_ascii_case(b"out of memory") {
        return true;
    }
    let leads = text[..range.start].ends_with(b": ");
    leads && matches!(text[range.end..], [] | [b'"' | b')' | b'\'', ..])
}

/// Where `text`, whose words are English, writes errnos; in the order of the text.
pub fn mentions(text: &[u8]) -> Vec<Mention> {
    let mut all = Vec::new();
    if let Some(spellings) = SPELLINGS.as_ref() {
        let found = spellings.automaton.find_iter(text);
        let meant = found.filter(|found| is_meant(text, found.range()));
        all.extend(meant.filter_map(|found| {
            Some(Mention {
                errno: spellings.of[found.pattern().as_usize()].errno?,
                form: Form::Words,
                span: found.range(),
            })
        }));
    }
    let names = NAMES.iter().flat_map(|regex| regex.captures_iter(text));
    let numbers = NUMBERS.iter().flat_map(|regex| regex.captures_iter(text));
    let named = names.filter_map(|c| Some((c.get(1)?, Errno::named(&c[1])?, Form::Name)));
    let numbered = numbers.filter_map(|c| {
        let digits = (1..=4).find_map(|group| c.get(group))?;
        Some((digits, Errno::numbered(digits.as_bytes())?, Form::Number))
    });
    all.extend(named.chain(numbered).map(|(found, errno, form)| Mention {
        errno,
        form,
        span: found.range(),
    }));
    all.sort_by_key(|mention| mention.span.start);
    all
}

/// Whether `line`, in whatever encoding, has the words of an errno in any language but English.
pub fn is_translated(line: &[u8]) -> bool {
    SPELLINGS
        .as_ref()
        .is_some_and(|s| s.automaton.is_match(line))
}

/// Whether `line`, in whatever encoding, ends in the words of an errno.
pub fn ends_in_errno(line: &[u8]) -> bool {
    let end = line.iter().rposition(u8::is_ascii_alphanumeric);
    let line = &line[..end.map_or(0, |end| end + 1)];
    SPELLINGS.as_ref().is_some_and(|s| {
        let found = s.automaton.find_iter(line);
        found.last().is_some_and(|found| found.end() == line.len())
    })
}
