use aho_corasick::packed::{self, Searcher};
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::signatures::Table;

/// Two pieces of each thing that the C library says of an errno: a line break inside it (a wrapped
/// terminal) leaves one of them whole, and such a line is a candidate too.
#[rustfmt::skip]
const HALVES: &[&str] = &[
    "space lef", "ft on dev", // no space left on device
    "many op", "pen fil", // too many open files
    "temporar", "ily unav", // resource temporarily unavailable
    "not allo", "cate mem", // cannot allocate memory
    "isk quo", "ota exc", // disk quota exceeded
];

/// Short pieces of the table's other literals. With those above they are few enough for the
/// processor's vector units to look for all of them at once. Each begins after the first letter of
/// a sentence, whose case differs between programs ("no space left", "No space left"), and none is
/// a common word. A literal without a piece here is looked for itself.
#[rustfmt::skip]
const PIECES: &[&str] = &[
    "ENOSPC", "EMFILE", "ENFILE", "EAGAIN", "(os err", "errno=2", "notify", "atch lim",
    "atch for fi", "cni conf", "tory watch", "watch desc", "r_instanc", "tances lim",
    "ice runtime.v", "overflow", "changes at o", "resize shar", "ile-max", "k reject", "ew OS thr",
    "ive thread", "rt new thr", "ting lock f", "num_lock", "addresses av", "nge is full",
    "ress pool", "ssign an IP", "d to request", "FilesWatch",
];

/// Finds the lines where some signature's literal is, or half of it.
#[derive(Debug)]
pub struct Prefilter {
    pieces: Pieces,
    /// Every literal, and the halves, in any case.
    literals: AhoCorasick,
}

#[derive(Debug)]
enum Pieces {
    Packed(Searcher),
    /// Where the processor has no vector units for it, or users' literals are too many.
    Automaton(AhoCorasick),
}

impl Prefilter {
    /// The literals of `table`, each once.
    ///
    /// # Errors
    /// When the automaton would grow out of bounds: thousands of literals.
    pub fn new(table: &Table) -> Result<Self, String> {
        let literals = || table.signatures().iter().map(|s| s.literal.as_str());
        let mut pieces: Vec<String> = HALVES
            .iter()
            .chain(PIECES)
            .filter(|piece| literals().any(|l| l.contains(*piece)))
            .map(|piece| (*piece).to_owned())
            .collect();
        for literal in literals() {
            if !pieces.iter().any(|piece| literal.contains(piece.as_str())) {
                pieces.extend(both_cases(literal));
            }
        }
        let literals = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .ascii_case_insensitive(true)
            .build(literals().chain(HALVES.iter().copied()))
            .map_err(|e| e.to_string())?;
        Ok(Self {
            pieces: Pieces::new(&pieces)?,
            literals,
        })
    }

    /// Where the first piece of a literal in `haystack` at or after `from` begins. Most such
    /// lines have no literal: ask [`Self::is_candidate`].
    #[must_use]
    pub fn find(&self, haystack: &[u8], from: usize) -> Option<usize> {
        match &self.pieces {
            Pieces::Packed(packed) => {
                let span = aho_corasick::Span::from(from..haystack.len());
                packed.find_in(haystack, span).map(|m| m.start())
            }
            Pieces::Automaton(automaton) => {
                let input = aho_corasick::Input::new(haystack).range(from..);
                automaton.find(input).map(|m| m.start())
            }
        }
    }

    /// Whether `line` has a literal, or half of one.
    #[must_use]
    pub fn is_candidate(&self, line: &[u8]) -> bool {
        self.literals.is_match(line)
    }
}

impl Pieces {
    fn new(pieces: &[String]) -> Result<Self, String> {
        let packed = packed::Config::new()
            .match_kind(packed::MatchKind::LeftmostFirst)
            .builder()
            .extend(pieces)
            .build();
        match packed {
            Some(packed) => Ok(Self::Packed(packed)),
            None => AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostFirst)
                .build(pieces)
                .map(Self::Automaton)
                .map_err(|e| e.to_string()),
        }
    }
}

/// `text` with its first letter in either case; without it where enough is left.
fn both_cases(text: &str) -> Vec<String> {
    let Some(first) = text.chars().next().filter(char::is_ascii_alphabetic) else {
        return vec![text.to_owned()];
    };
    let rest = &text[1..];
    if rest.len() >= 8 {
        return vec![rest.to_owned()];
    }
    vec![
        format!("{}{rest}", first.to_ascii_lowercase()),
        format!("{}{rest}", first.to_ascii_uppercase()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefilter() -> Prefilter {
        Prefilter::new(&Table::builtin().unwrap()).unwrap()
    }

    #[test]
    fn every_example_is_found_and_every_break_of_it() {
        let table = Table::builtin().unwrap();
        let prefilter = prefilter();
        for signature in table.signatures() {
            let line = crate::signatures::unescape(signature.example.as_bytes());
            let lower = line.to_ascii_lowercase();
            let literal = signature.literal.to_ascii_lowercase();
            assert!(
                memchr::memmem::find(&lower, literal.as_bytes()).is_some(),
                "{}: the literal is not in the example",
                signature.id
            );
            assert!(prefilter.find(&line, 0).is_some(), "{}", signature.id);
            assert!(prefilter.is_candidate(&line), "{}", signature.id);
        }
    }

    #[test]
    fn a_break_anywhere_in_an_errno_leaves_a_piece_and_a_half() {
        let prefilter = prefilter();
        for text in [
            "no space left on device",
            "too many open files",
            "resource temporarily unavailable",
            "cannot allocate memory",
            "disk quota exceeded",
        ] {
            for at in 1..text.len() {
                let found = |part: &str| {
                    let part = part.as_bytes();
                    prefilter.find(part, 0).is_some() && prefilter.is_candidate(part)
                };
                assert!(
                    found(&text[..at]) || found(&text[at..]),
                    "{text} broken at {at}"
                );
            }
        }
    }

    #[test]
    fn literals_of_users_are_found_in_either_case() {
        let own = "[[signature]]\nid = 'x'\nprogram = 'x'\ncause = 'keys'\nliteral = 'Zebra!'\npattern = 'zebra!'\nexample = 'Zebra!'\nsource = 'https://example.org'\n";
        let table = Table::with_user(&[("x.toml".to_owned(), own.to_owned())]).unwrap();
        let prefilter = Prefilter::new(&table).unwrap();
        for line in ["a zebra!", "a Zebra!"] {
            assert!(prefilter.find(line.as_bytes(), 0).is_some(), "{line}");
        }
    }

    #[test]
    fn the_builtin_table_is_looked_for_by_vector() {
        assert!(matches!(prefilter().pieces, Pieces::Packed(_)) || !cfg!(target_arch = "x86_64"));
    }

    #[test]
    fn ordinary_lines_have_none() {
        let prefilter = prefilter();
        for line in [
            "I1121 00:09:33.751142   29684 flags.go:59] FLAG: --add-dir-header=\"false\"",
            "created by k8s.io/kubernetes/vendor/github.com/fsnotify/fsnotify.NewWatcher",
            "Nov 21 00:37:57 node1 kubelet[3089]: sync.runtime_notifyListWait(0xc000933ba8, 0x1)",
            "inotify_add_watch /sys/fs/cgroup/memory/x: no such file or directory",
        ] {
            assert!(!prefilter.is_candidate(line.as_bytes()), "{line}");
        }
    }
}
