use aho_corasick::{AhoCorasick, MatchKind};

use crate::signatures::Table;

/// What the C library says of an errno. These are looked for in two halves, so that a line break
/// inside one (a wrapped terminal) leaves a half whole.
const HALVED: &[&str] = &[
    "no space left on device",
    "too many open files",
    "resource temporarily unavailable",
    "cannot allocate memory",
    "disk quota exceeded",
];

/// Finds the places where some signature's literal is, or half of it.
///
/// Case matters but for the first letter: that keeps the search on the processor's vector units,
/// and programs differ in nothing else ("no space left", "No space left").
#[derive(Debug)]
pub struct Prefilter {
    automaton: AhoCorasick,
}

impl Prefilter {
    /// The literals of `table`, each once.
    ///
    /// # Errors
    /// When the automaton would grow out of bounds: thousands of literals.
    pub fn new(table: &Table) -> Result<Self, String> {
        let mut needles: Vec<String> = table
            .signatures()
            .iter()
            .flat_map(|s| spellings(&s.literal))
            .collect();
        needles.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
        let mut kept: Vec<String> = Vec::new();
        for needle in needles {
            if !kept.iter().any(|k| needle.contains(k.as_str())) {
                kept.push(needle);
            }
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostFirst)
            .build(&kept)
            .map_err(|e| e.to_string())?;
        Ok(Self { automaton })
    }

    /// Where the first literal in `haystack` at or after `from` begins.
    #[must_use]
    pub fn find(&self, haystack: &[u8], from: usize) -> Option<usize> {
        let input = aho_corasick::Input::new(haystack).range(from..);
        self.automaton.find(input).map(|m| m.start())
    }
}

fn spellings(literal: &str) -> Vec<String> {
    if !HALVED.contains(&literal) {
        return both_cases(literal);
    }
    let (head, tail) = literal.split_at(literal.len() / 2);
    let mut all = both_cases(head);
    all.push(tail.to_owned());
    all
}

fn both_cases(text: &str) -> Vec<String> {
    let Some(first) = text.chars().next().filter(char::is_ascii_alphabetic) else {
        return vec![text.to_owned()];
    };
    // Without its first letter it is one needle for both cases, as long as enough is left.
    if text.len() > 8 {
        return vec![text[1..].to_owned()];
    }
    let rest = &text[1..];
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
            let line = crate::explain::unescape(signature.example.as_bytes());
            let lower = line.to_ascii_lowercase();
            let literal = signature.literal.to_ascii_lowercase();
            assert!(
                memchr::memmem::find(&lower, literal.as_bytes()).is_some(),
                "{}: the literal is not in the example",
                signature.id
            );
            assert!(prefilter.find(&line, 0).is_some(), "{}", signature.id);
        }
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
            assert_eq!(prefilter.find(line.as_bytes(), 0), None, "{line}");
        }
    }
}
