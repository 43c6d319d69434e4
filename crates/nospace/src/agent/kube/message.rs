//! Messages of conditions and events: short, and safe to print.

use nospace_core::report::{Blame, Finding, PodRef};

use crate::ui::Charset;

/// The longest message of an event that the API server accepts, in bytes (`noteLengthLimit` and `MaxLength`, k8s.io/kubernetes/pkg/apis/core/validation/events.go).
const MAX: usize = 1_000;

/// `inotify-watches` as `InotifyWatches`, the form of reasons.
pub fn camel_case(code: &str) -> String {
    let mut upper = true;
    let mut word = String::with_capacity(code.len());
    for c in code.chars() {
        if c.is_ascii_alphanumeric() {
            word.push(if upper { c.to_ascii_uppercase() } else { c });
        }
        upper = !c.is_ascii_alphanumeric();
    }
    word
}

/// Escapes control characters, since anybody can choose the name of a process, and cuts at the longest message.
pub fn sanitize(text: &str) -> String {
    let clean = Charset::Unicode.clean(text);
    if clean.len() <= MAX {
        return clean.into_owned();
    }
    let end = (0..=MAX).rev().find(|at| clean.is_char_boundary(*at));
    format!("{}…", &clean[..end.unwrap_or(0)])
}

/// What is wrong, the largest holder, and how to fix it.
pub fn message(finding: &Finding) -> String {
    let mut text = finding.title.clone();
    let names = finding.blame.names();
    if let Some((first, others)) = names.split_first() {
        text.push_str(&match &finding.blame {
            Blame::Groups(_) => format!(". There is {first}; it is held by {}", others.join(", ")),
            _ if others.is_empty() => format!(". Held by {first}"),
            _ => format!(". Held by {first} and {} more", others.len()),
        });
    }
    if let Some(remedy) = finding.remedies.first() {
        text.push_str(&format!(". To fix it: {}", remedy.command));
    }
    sanitize(&text)
}

/// What is wrong, and how much of it this pod holds.
pub fn pod_message(pod: &PodRef, finding: &Finding) -> String {
    let name = format!("pod {}/{}", pod.namespace, pod.name);
    let mut culprits = finding.blame.culprits().iter();
    let own = culprits.find_map(|c| c.amount.as_ref().filter(|_| c.name == name));
    sanitize(&match own {
        Some(held) => format!("{}. This pod holds {held}", finding.title),
        None => format!("{}. This pod holds a large part of it", finding.title),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_become_reasons() {
        assert_eq!(camel_case("inotify-watches"), "InotifyWatches");
        assert_eq!(camel_case("sysv-shm"), "SysvShm");
        assert_eq!(camel_case("pids"), "Pids");
    }

    #[test]
    fn what_steers_a_terminal_is_escaped_and_the_rest_cut() {
        assert_eq!(sanitize("a\u{1b}[31mb\n"), "a\\x1b[31mb\\n");
        let long = sanitize(&"ä".repeat(2_000));
        assert!(long.len() <= MAX + '…'.len_utf8(), "{}", long.len());
        assert!(long.ends_with("ä…"));
    }
}
