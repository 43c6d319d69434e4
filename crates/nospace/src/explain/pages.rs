//! The pages of docs/causes, in the binary: they are wanted when nothing else can be reached.

use nospace_core::cause::Cause;
use nospace_core::{howto, limits};

/// The page of `cause`, in Markdown.
#[must_use]
pub fn page(cause: Cause) -> &'static str {
    limits::of(cause).page
}

/// The page, with how each platform raises the limit before what prevents it.
#[must_use]
pub fn with_platforms(cause: Cause) -> String {
    let text = page(cause);
    let raise = limits::of(cause).raise.iter();
    let settings: Vec<(&str, u64)> = raise.map(|raise| (raise.key, raise.to)).collect();
    match (howto::section(&settings), text.find(NEXT)) {
        (Some(section), Some(at)) => {
            let (before, after) = text.split_at(at);
            format!("{before}\n{section}{after}")
        }
        _ => text.to_owned(),
    }
}

/// The section that follows the one on how to fix it.
const NEXT: &str = "\n## How to prevent\n";

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

    #[test]
    fn platforms_are_on_the_pages_of_sysctls_alone() {
        let watches = with_platforms(Cause::InotifyWatches);
        for title in ["Talos", "WSL2", "MicroK8s", "GKE"] {
            assert!(watches.contains(&format!("\n### {title}\n")), "{title}");
        }
        assert!(watches.find("by platform") < watches.find("## How to prevent"));
        assert_eq!(with_platforms(Cause::DiskBlocks), page(Cause::DiskBlocks));
    }
}
