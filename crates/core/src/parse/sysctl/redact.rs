//! What may be kept of a file of sysctl.d: settings that nospace knows, and nothing that somebody wrote beside them.

use super::Reader;
use super::glob::matches;
use super::line::{Assignment, assignments};

/// The file with every other line left empty, so that lines keep their numbers.
pub fn redact(bytes: &[u8], known: &[&str]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    for line in bytes.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if is_plain(line, known) {
            kept.extend_from_slice(line);
        }
        kept.push(b'\n');
    }
    kept.pop();
    kept
}

/// Both readers see one setting of a known key in it, whose value is numbers.
fn is_plain(line: &[u8], known: &[&str]) -> bool {
    let plain = |one: &Assignment| {
        let mut known = known.iter();
        let is_known =
            known.any(|key| one.key == *key || one.is_pattern() && matches(&one.key, key));
        let number = |c: char| c.is_ascii_hexdigit() || " \txX-+".contains(c);
        is_known && one.value.iter().all(|value| value.chars().all(number))
    };
    [Reader::Systemd, Reader::Procps].into_iter().all(|reader| {
        let seen = assignments(line, reader);
        matches!(seen.as_slice(), [one] if plain(one))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KNOWN: [&str; 3] = ["fs.file-max", "fs.inotify.max_user_watches", "kernel.sem"];

    fn redacted(text: &str) -> String {
        String::from_utf8(redact(text.as_bytes(), &KNOWN)).unwrap()
    }

    #[test]
    fn known_settings_stay_in_their_lines() {
        let text = "# password: x\nfs.file-max = 5\r\nnet.ipv4.ip_forward = 1\n\n-fs/inotify/max_user_watches=0x10\nkernel.sem=1 2\t3 4";
        let kept = "\nfs.file-max = 5\n\n\n-fs/inotify/max_user_watches=0x10\nkernel.sem=1 2\t3 4";
        assert_eq!(redacted(text), kept);
        assert_eq!(
            redacted("fs.* = 3\n-fs.file-max\nnet.* = 3\n"),
            "fs.* = 3\n-fs.file-max\n\n"
        );
    }

    #[test]
    fn text_beside_a_value_goes() {
        for line in [
            "fs.file-max = 5 # token",
            "fs.file-max = secret",
            "fs.file-max = 5\rtoken",
            "kernel.core_pattern = |/bin/x",
            "; fs.file-max = 5",
        ] {
            assert_eq!(redacted(line), "", "{line}");
        }
    }

    proptest! {
        #[test]
        fn what_is_kept_has_no_words(text in "[a-z#;=. \n\r*-]{0,80}|(fs\\.file-max ?= ?[0-9a-z# ]{0,9}\n){0,4}") {
            let kept = redacted(&text);
            prop_assert_eq!(kept.matches('\n').count(), text.matches('\n').count());
            for line in kept.lines().filter(|line| !line.is_empty()) {
                prop_assert!(!line.contains(['#', ';']), "{}", line);
            }
        }
    }
}
