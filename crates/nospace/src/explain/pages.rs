//! The pages of docs/causes, in the binary: they are wanted when nothing else can be reached.

use nospace_core::cause::Cause;
use nospace_core::limits;

/// The page of `cause`, in Markdown.
#[must_use]
pub fn page(cause: Cause) -> &'static str {
    limits::of(cause).page
}

/// The cause whose code `word` is.
#[must_use]
pub fn cause(word: &str) -> Option<Cause> {
    Cause::from_code(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sections that every page has, in this order.
    const SECTIONS: &[&str] = &[
        "## What it is",
        "## How the kernel counts",
        "## How it looks in logs",
        "## How to confirm by hand",
        "## How to fix",
        "## How to prevent",
        "## Sources",
    ];

    #[test]
    fn every_page_is_whole() {
        for cause in Cause::ALL {
            let text = page(*cause);
            assert!(text.starts_with(&format!("# {cause}\n")), "{cause}");
            let mut from = 0;
            for section in SECTIONS {
                let at = text[from..].find(&format!("\n{section}\n"));
                assert!(at.is_some(), "{cause}: no section {section} in its place");
                from += at.unwrap_or_default();
            }
            assert!(text[from..].contains("https://"), "{cause} names no source");
            assert_eq!(super::cause(cause.code()), Some(*cause));
        }
    }
}
