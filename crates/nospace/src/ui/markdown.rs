//! Text in Markdown.

use super::Charset;

/// `raw` as text: nothing in it is markup.
#[must_use]
pub fn plain(raw: &str) -> String {
    let clean = Charset::Unicode.clean(raw);
    let escaped = clean.chars().flat_map(|c| {
        let markup = "\\`*_[]<>|~&#$@!".contains(c);
        markup.then_some('\\').into_iter().chain([c])
    });
    escaped.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_node_are_only_text() {
        assert_eq!(plain("a|b"), "a\\|b");
        assert_eq!(plain("<img src=x>\n"), "\\<img src=x\\>\\\\n");
    }
}
