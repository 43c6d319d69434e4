use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::classify::Match;
use super::frame::Frame;
use crate::normalise::{NormalForm, readable};
use crate::signatures::Table;

/// A message is shown up to this many bytes, those around its telling part.
const SHOWN: usize = 4096;

/// A message that matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Number of its (first) line, from 1.
    pub number: u64,
    /// Lines that it was made of.
    pub lines: u64,
    /// How often the log says that it came: `(x25 over 8m)` is 25.
    pub times: u64,
    /// When, as the log writes it.
    pub time: Option<String>,
    /// Who said it, by the log's tag.
    pub program: Option<String>,
    /// The host that the log names, or the node that the message does.
    pub host: Option<String>,
    /// The line as it stands, lossy UTF-8, cut to what is worth showing.
    pub text: String,
    /// The message without its wrapping and its escapes, lossy UTF-8, cut alike.
    pub message: String,
    /// The telling part of `message`, in bytes.
    pub telling: Range<usize>,
    /// What it means.
    pub meaning: Match,
}

impl Hit {
    /// Who said it: the log's tag, else the signature's program where only one program prints such text.
    pub(super) fn program_in(&self, table: &Table) -> Option<String> {
        let of_signature = || {
            let signature = table.signatures().get(self.meaning.signature?)?;
            (signature.program != "any").then(|| signature.program.clone())
        };
        self.program.clone().or_else(of_signature)
    }

    /// What follows from it, where the signature says so.
    pub(super) fn note(&self, table: &Table) -> Option<String> {
        table
            .signatures()
            .get(self.meaning.signature?)?
            .note
            .clone()
    }

    /// The id of the signature that matched; where none did, `evidence-` and the errno that decided.
    pub(super) fn kind(&self, table: &Table) -> String {
        let signature = self
            .meaning
            .signature
            .and_then(|at| table.signatures().get(at));
        match signature {
            Some(signature) => signature.id.clone(),
            None => {
                let errno = self.meaning.reasons.first().map_or("", String::as_str);
                format!("evidence-{}", errno.to_ascii_lowercase())
            }
        }
    }
}

/// The hit that `normal`, the normal form of the message in `frame`, is; `raw` are its `lines` as they stand.
pub(super) fn hit(
    lines: Range<u64>,
    frame: &Frame<'_>,
    raw: &[u8],
    normal: &NormalForm,
    meaning: Match,
) -> Hit {
    let message: &[u8] = &frame.message;
    let span = normal.original(meaning.span.clone());
    let shown = window(message.len(), &span);
    let show = |range: Range<usize>| {
        let text = readable(&message[range]);
        String::from_utf8_lossy(&text).into_owned()
    };
    let head = show(shown.start..span.start);
    let telling = show(span.start..span.end);
    let tail = show(span.end..shown.end);
    let raw_end = raw.len().min(SHOWN);
    Hit {
        number: lines.start,
        lines: lines.end - lines.start,
        times: times(message),
        time: frame.time.clone(),
        program: frame.program.clone(),
        host: frame.host.clone().or_else(|| node_named(message)),
        text: if raw.len() <= SHOWN {
            String::from_utf8_lossy(&raw[..raw_end]).into_owned()
        } else {
            format!("{head}{telling}{tail}")
        },
        telling: head.len()..head.len() + telling.len(),
        message: format!("{head}{telling}{tail}"),
        meaning,
    }
}

/// The part of a message of `length` bytes that is shown.
fn window(length: usize, span: &Range<usize>) -> Range<usize> {
    if length <= SHOWN {
        return 0..length;
    }
    let start = span.start.saturating_sub(SHOWN / 4);
    start..length.min(span.end.max(start + SHOWN))
}

/// The kubelet names its node (`klog.KRef` and `"node", klog.KObj(node)`, k8s.io/kubernetes).
static NODE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?:^|\s)node(?:Name)?="([a-z0-9][a-z0-9.-]{0,252})""#).ok());

fn node_named(message: &[u8]) -> Option<String> {
    let found = NODE.as_ref()?.captures(message)?;
    Some(String::from_utf8_lossy(&found[1]).into_owned())
}

static REPEATED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\(x(\d{1,9}) over \w+\)|message repeated (\d{1,9}) times: \[").ok()
});

/// How often the line says that it came: as `kubectl describe` and rsyslog count repetitions.
fn times(message: &[u8]) -> u64 {
    let found = REPEATED.as_ref().and_then(|r| r.captures(message));
    found
        .and_then(|c| c.get(1).or_else(|| c.get(2)))
        .and_then(|m| std::str::from_utf8(m.as_bytes()).ok()?.parse().ok())
        .unwrap_or(1)
        .max(1)
}
