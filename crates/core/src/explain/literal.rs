use std::ops::Range;

use aho_corasick::packed::{self, Searcher};
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::normalise::{is_translated, readable, spellings};
use crate::signatures::Table;

/// Two halves of each thing that the C library says of an errno: a line break inside it (a wrapped
/// terminal) leaves one of them whole, and such a line is a candidate too.
#[rustfmt::skip]
const HALVES: &[&str] = &[
    "o space lef", "t on device", // no space left on device
    "oo many o", "pen files", // too many open files
    "esource temporar", "ily unavailable", // resource temporarily unavailable
    "annot alloc", "ate memory", // cannot allocate memory
    "isk quota", " exceeded", // disk quota exceeded
];

/// Short pieces of the table's literals, of both halves of each errno, and of every other way of writing one; those with
/// characters that are not ASCII are found by these, or by `\\u` where JSON escapes them. None is a common word, and none
/// needs a sentence's first letter, whose case differs between programs.
///
/// The processor's vector units look for all of them at once, by the first four bytes of each and in these 16 groups. A search
/// by simulated annealing over tests/logs chose the groups, so that as few places as possible look like a piece of
/// some group and are none: less than 0.3 % of all bytes do, and many times more do with pieces put into groups as they come. 8 in a group are the
/// most that the search takes. Each literal of the table needs a piece. One of a user's table without any is looked for itself, which costs
/// some speed; with more than 128 in all, an automaton looks for them instead.
#[rustfmt::skip]
const PIECES: [&[&str]; 16] = [
    &["fy inst", "\\uc7", "p_count ", "aurit", "ax l", "fy cann", "fy \\u", "\\u59"],
    &["of memo", "No chil", "on device", "NOSP", "ancdata", "larm set", "oo many ", "each"],
    &["pen bes", "ota ", "minen ", "MEMLOCK", "EDQUO", "u9650", "e90\\u6", "pen files"],
    &["(28)", "gepages ", "(24)", "gotado", "chikb", "inimum re"],
    &["ull osd", "t() out", " locked l", "vailabl", " exceeded", " allo", "um_locks", "t of pty"],
    &["ee ports", "er_insta", "ark fo", "ge pages", "b2f9\\ud", "nnot fork", "ce tem"],
    &[" mon", " thread", "ptors", "fy limit", "fy_wat", "fichier", "VM Memory", "fy watch"],
    &["_watch(", "os ab", "\\u01", "_setup(", "=-28", "\\u00", "_EXHAUS", "MESSA"],
    &[" \\u0", "(-28", " memori", " -28", "FilesWa", " dump ver", " ful", "ADDRNOT"],
    &["FILE", "to watc", "-n' of", "em watcher", "ll was s", "D_FU", "ck f", "taExceed"],
    &["e elem", "ele ", "te inotify", "dak ", "ed memory", "ze inotify", "te m", "g a watc"],
    &["E2BIG", "surs", "AGAIN", "AIO sub", "sesIn", "ENOMEM", "Map fai", "ORA-27"],
    &["rrno", "rzekro", "drnotava", "rflo", "ile}", "4d\\u", "rlal", "xhaust"],
    &["o lo", "fy-r", "overs", "o-max-nr", "o reque", "fy/max"],
    &["error ", "sign ", "err=2", "error: em", "space", "ispo", "ospc}"],
    &["pids co", "sieroj", "suffic", "ss pool", "sk quo", "pi fil", "wn serv"],
];

/// What makes a line worth reading although it has no literal: an errno as a name or a number, and a message in bytes.
#[rustfmt::skip]
const HINTS: &[&str] = &[
    "ENOSPC", "EMFILE", "ENFILE", "EAGAIN", "ENOMEM", "EDQUOT", "E2BIG", "EADDRNOTAVAIL", "errno", "os error 2", "os error 122", "error 24", "error 28", "error number 2",
    "(24)", "(28)", "(-28", "err=24", "err=28", "err=-28", "error -28", "error: -28", "=-28", " -28 ", "MESSAGE\":[", "MESSAGE\" : [",
];

/// Finds the lines where some signature's literal is, or half of it.
#[derive(Debug)]
pub struct Prefilter {
    pieces: Pieces,
    /// Every literal, the halves, hints, and errnos of other languages that are ASCII, in any case.
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
        let mut pieces = grouped();
        for literal in literals() {
            if !pieces.iter().any(|piece| literal.contains(piece.as_str())) {
                pieces.extend(both_cases(literal));
            }
        }
        let ascii = spellings().map(|s| s.text).filter(|text| text.is_ascii());
        let literals = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .ascii_case_insensitive(true)
            .build(
                literals()
                    .chain(HALVES.iter().chain(HINTS).copied())
                    .chain(ascii),
            )
            .map_err(|e| e.to_string())?;
        Ok(Self {
            pieces: Pieces::new(&pieces)?,
            literals,
        })
    }

    /// Where the first piece of a literal in `haystack` at or after `from` begins, or the first byte that is not ASCII:
    /// it may be of another language's errno. Most such lines have neither: ask [`Self::is_candidate`].
    #[must_use]
    pub fn find(&self, haystack: &[u8], from: usize) -> Option<usize> {
        let piece = match &self.pieces {
            Pieces::Packed(packed) => {
                let span = aho_corasick::Span::from(from..haystack.len());
                packed.find_in(haystack, span).map(|m| m.start())
            }
            Pieces::Automaton(automaton) => {
                let input = aho_corasick::Input::new(haystack).range(from..);
                automaton.find(input).map(|m| m.start())
            }
        };
        let before = &haystack[from..piece.unwrap_or(haystack.len())];
        foreign(before).map(|at| from + at).or(piece)
    }

    /// The first whole line of `text` from `from` on, where a line begins, that [`Self::is_candidate`]; without its newline.
    #[must_use]
    pub fn next_line(&self, text: &[u8], mut from: usize) -> Option<Range<usize>> {
        while let Some(found) = self.find(text, from) {
            let start = memchr::memrchr(b'\n', &text[from..found]).map_or(from, |n| from + n + 1);
            let stop = memchr::memchr(b'\n', &text[found..]).map_or(text.len(), |n| found + n);
            if self.is_candidate(&text[start..stop]) {
                return Some(start..stop);
            }
            from = (stop + 1).min(text.len());
        }
        None
    }

    /// Whether `line` has a literal, or half of one, or an errno in any spelling.
    #[must_use]
    pub fn is_candidate(&self, line: &[u8]) -> bool {
        self.literals.is_match(line)
            || !line.is_ascii() && is_translated(line)
            || has_escapes(line) && is_translated(&readable(line))
    }
}

/// The pieces in the order that puts each into its group: piece `i` gets into group `i % 16`. Short groups repeat theirs.
fn grouped() -> Vec<String> {
    let most = PIECES.iter().map(|group| group.len()).max().unwrap_or(0);
    let rounds = (0..most).flat_map(|round| {
        PIECES
            .iter()
            .filter_map(move |group| group.iter().cycle().nth(round))
    });
    rounds.map(|piece| (*piece).to_owned()).collect()
}

/// The first byte of `text` that is not ASCII.
fn foreign(text: &[u8]) -> Option<usize> {
    const BLOCK: usize = 4096;
    let block = text.chunks(BLOCK).position(|block| !block.is_ascii())? * BLOCK;
    let within = text[block..].iter().position(|b| !b.is_ascii())?;
    Some(block + within)
}

/// Whether characters of `line` may be written as escapes.
fn has_escapes(line: &[u8]) -> bool {
    memchr::memchr2_iter(b'\\', b'#', line)
        .any(|at| matches!(line.get(at + 1), Some(b'u' | b'x' | b'2' | b'3')))
}

impl Pieces {
    fn new(pieces: &[String]) -> Result<Self, String> {
        let packed = packed::Config::new()
            .match_kind(packed::MatchKind::LeftmostFirst)
            .heuristic_pattern_limits(false)
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
            let line = signature.example.as_bytes();
            let lower = line.to_ascii_lowercase();
            let literal = signature.literal.to_ascii_lowercase();
            assert!(
                memchr::memmem::find(&lower, literal.as_bytes()).is_some(),
                "{}: the literal is not in the example",
                signature.id
            );
            assert!(prefilter.find(line, 0).is_some(), "{}", signature.id);
            assert!(prefilter.is_candidate(line), "{}", signature.id);
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
    fn every_spelling_of_an_errno_is_found_however_it_is_written() {
        let prefilter = prefilter();
        for words in crate::normalise::spellings().map(|spelling| spelling.text) {
            let escaped = words.chars().flat_map(|c| match c {
                c if c.is_ascii() => vec![c],
                c => format!("\\u{:04x}", u32::from(c)).chars().collect(),
            });
            for text in [words.to_owned(), escaped.collect()] {
                let line = format!("x: {text}");
                assert!(prefilter.find(line.as_bytes(), 0).is_some(), "{line}");
                assert!(prefilter.is_candidate(line.as_bytes()), "{line}");
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
        let table = Table::builtin().unwrap();
        for literal in table.signatures().iter().map(|one| &one.literal) {
            let mut pieces = PIECES.iter().copied().flatten();
            let has_one = pieces.any(|piece| literal.contains(piece));
            assert!(has_one, "{literal}: no piece of it is in PIECES");
        }
        assert!(matches!(prefilter().pieces, Pieces::Packed(_)) || !cfg!(target_arch = "x86_64"));
    }

    /// Places that look like the first four bytes of a piece, by the halves of each byte, in one of the groups: each stops
    /// the search.
    fn stops(log: &[u8]) -> usize {
        let tables = PIECES.map(|group| {
            let mut table = [[[false; 16]; 2]; 4];
            for piece in group {
                for (of_byte, byte) in table.iter_mut().zip(piece.bytes()) {
                    of_byte[0][usize::from(byte & 15)] = true;
                    of_byte[1][usize::from(byte >> 4)] = true;
                }
            }
            table
        });
        let is_piece = |table: &[[[bool; 16]; 2]; 4], place: &[u8]| {
            table.iter().zip(place).all(|(of_byte, byte)| {
                of_byte[0][usize::from(byte & 15)] && of_byte[1][usize::from(byte >> 4)]
            })
        };
        let stops = |place: &&[u8]| tables.iter().any(|table| is_piece(table, place));
        log.windows(4).filter(stops).count()
    }

    #[test]
    fn few_places_of_a_log_stop_the_search() {
        let logs: [&[u8]; 4] = [
            include_bytes!("../../../../tests/logs/v1-kubelet120-ok.log"),
            include_bytes!("../../../../tests/logs/v2-bookworm-G1-kubelet.log"),
            include_bytes!("../../../../tests/logs/v2-bookworm-G1-containerd-restart.log"),
            include_bytes!("../../../../tests/logs/v1-kubelet120-A-watches-exhausted-restart.log"),
        ];
        let logs = logs.concat();
        let stops = stops(&logs);
        assert!(stops * 300 < logs.len(), "{stops} of {}", logs.len());
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
