use regex::bytes::{Captures, Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind};

use super::signature::Signature;

/// An absolute path, quoted or not, without the punctuation that ends a clause.
const PATH: &str = r#"["'`<\[(]*(?P<path>/[^\s"'`<>|]*[^\s"'`<>|:;,.)\]}])["'`>\])]*"#;

/// A signature's pattern, compiled.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// Compiles the pattern of `signature`.
    ///
    /// # Errors
    /// What the regular expression has wrong, in the words of its parser.
    pub fn new(signature: &Signature) -> Result<Self, String> {
        RegexBuilder::new(&expand(&signature.pattern))
            .case_insensitive(true)
            .unicode(false)
            .size_limit(1 << 20)
            .build()
            .map(Self)
            .map_err(|e| e.to_string())
    }

    /// Text that every match of `signature` has beside its literal, in lower case: the longest that its pattern shows.
    pub fn required(signature: &Signature) -> Option<String> {
        let hir = ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .build()
            .parse(&expand(&signature.pattern))
            .ok()?;
        let literal = signature.literal.to_ascii_lowercase();
        let mut all = Vec::new();
        literals(&hir, &mut all);
        all.into_iter()
            .map(|text| text.to_ascii_lowercase())
            .filter(|text| text.len() >= 3 && !literal.contains(text.as_str()))
            .max_by_key(String::len)
    }

    /// The first match whose path lies where `signature` wants it.
    pub fn find<'h>(&self, signature: &Signature, text: &'h [u8]) -> Option<Captures<'h>> {
        self.0
            .captures_iter(text)
            .find(|c| lies_right(signature, c.name("path").map(|m| m.as_bytes())))
    }
}

fn expand(pattern: &str) -> String {
    pattern
        .replacen("%path%", PATH, 1)
        .replace("%path%", "[\"'`<]*/[^\\s\"'`>]+[\"'`>]*")
}

/// The plain texts that each match of `hir` has.
fn literals(hir: &Hir, all: &mut Vec<String>) {
    match hir.kind() {
        HirKind::Literal(literal) => {
            all.extend(str::from_utf8(&literal.0).ok().map(str::to_owned));
        }
        HirKind::Capture(capture) => literals(&capture.sub, all),
        HirKind::Concat(parts) => parts.iter().for_each(|part| literals(part, all)),
        _ => {}
    }
}

fn lies_right(signature: &Signature, path: Option<&[u8]>) -> bool {
    let below =
        |prefixes: &[String], path: &[u8]| prefixes.iter().any(|p| path.starts_with(p.as_bytes()));
    match path {
        Some(path) => {
            (signature.under.is_empty() || below(&signature.under, path))
                && !below(&signature.not_under, path)
        }
        None => signature.under.is_empty(),
    }
}
