use regex::bytes::{Captures, Regex, RegexBuilder};

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
        let mut text = signature.pattern.clone();
        text = text.replacen("%path%", PATH, 1);
        text = text.replace("%path%", "[\"'`<]*/[^\\s\"'`>]+[\"'`>]*");
        RegexBuilder::new(&text)
            .case_insensitive(true)
            .unicode(false)
            .size_limit(1 << 20)
            .build()
            .map(Self)
            .map_err(|e| e.to_string())
    }

    /// The first match whose path lies where `signature` wants it.
    pub fn find<'h>(&self, signature: &Signature, text: &'h [u8]) -> Option<Captures<'h>> {
        self.0
            .captures_iter(text)
            .find(|c| lies_right(signature, c.name("path").map(|m| m.as_bytes())))
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
