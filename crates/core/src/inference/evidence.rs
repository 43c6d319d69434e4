use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;
use serde::Deserialize;

use super::statement::{Statement, Surroundings, statement};
use crate::normalise::{Errno, Form, Mention, NormalForm};

/// Bytes of a clause that are looked at, on either side of the errno.
const CLAUSE: usize = 240;

/// What a line says of a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The errno that it states.
    pub errno: Errno,
    /// Where, in bytes of the normal form.
    pub mention: Range<usize>,
    /// Where the clause begins that names the call.
    pub start: usize,
    /// That clause and the one after the errno, in lower case.
    pub clause: String,
    /// The whole message without its errnos, in lower case.
    pub line: String,
    /// The path that the clause names.
    pub object: Option<String>,
    /// Where that lies.
    pub place: Place,
    /// How clearly it is the reason of a failure.
    pub statement: Statement,
    /// In whose words the errno is written.
    pub dialect: Option<Dialect>,
}

/// What lies at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// The cgroup file system.
    Cgroup,
    /// /dev/shm.
    Shm,
    /// The multiplexer of pseudoterminals.
    Ptmx,
    /// Another file system of the kernel's: no file can fill it.
    Kernel,
    /// A file system with blocks, or a path in an image or container.
    Disk,
    /// The clause names no path.
    None,
}

/// Who writes an errno so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// Go: in lower case.
    Go,
}

/// An absolute or relative path, or a name with an extension where the clause ends in it.
static PATH: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?-u)(?:^|[\s"'<>\[(=:,])(\.{0,2}/(?:[^\s/"'<>|,;)\]}][^\s"'<>|,;)\]}]*)?[^\s/"'<>|:;,.)\]}]|[\w-]+\.[a-z]\w{0,4}['")]?[:\s(]*$)"#,
    )
    .ok()
});

static RUST_ERROR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?-u)(?:Error \{ )?(?:kind: )?(?:\w+\()?(?:Error \{ repr: )?Os ?\{ ?code: \d+,(?: kind: \w+,)? message: "?$"#).ok()
});

/// The number of an errno that is said in words behind it.
static NUMBER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i-u)[,;(\[. ]*\b(?:errno|error|code|err)[:= ]+\d+$").ok());

impl Evidence {
    /// The evidence of `message`; `None` where it states no errno.
    #[must_use]
    pub fn of(message: &NormalForm, around: Surroundings) -> Option<Self> {
        let text = message.text();
        let mentions = message.mentions();
        // A wrapped error has its reason at its end, and words say it best.
        let (mention, statement) = mentions
            .iter()
            .filter_map(|m| {
                let broken = is_break(message, m.span.end);
                Some((m, statement(text, m, &mentions, around, broken)?))
            })
            .max_by_key(|(m, statement)| (*statement, m.form == Form::Words, m.span.start))?;
        let start = clause_start(text, mention.span.start);
        let end = clause_end(text, mention.span.end);
        let mut clause = lower(&text[start..mention.span.start]);
        clause.push('\n');
        clause.push_str(&lower(&text[mention.span.end..end]));
        let object = path_in(&text[start..mention.span.start], true)
            .or_else(|| path_in(&text[mention.span.end..end], false))
            .or_else(|| path_before(&text[..start]));
        Some(Self {
            errno: mention.errno,
            statement,
            start,
            clause,
            line: without(text, &mentions),
            place: object.as_deref().map_or(Place::None, Place::of),
            object,
            dialect: dialect(text, mention),
            mention: mention.span.clone(),
        })
    }

    /// `line` without the path that the clause names.
    pub(super) fn line_without_object(&self) -> String {
        match &self.object {
            Some(object) => self.line.replace(&object.to_lowercase(), ""),
            None => self.line.clone(),
        }
    }
}

impl Place {
    /// What lies at `path`.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let below = |dir: &str| path.contains(&format!("{dir}/")) || path.ends_with(dir);
        if below("/sys/fs/cgroup") || path.starts_with("/cgroup/") {
            Self::Cgroup
        } else if ["/dev/shm", "/run/shm", "/PostgreSQL."]
            .iter()
            .any(|dir| path.starts_with(dir))
        {
            Self::Shm
        } else if path.ends_with("/ptmx") {
            Self::Ptmx
        } else if ["/sys/", "/proc/", "/dev/"]
            .iter()
            .any(|dir| path.starts_with(dir))
        {
            Self::Kernel
        } else {
            Self::Disk
        }
    }
}

/// Whether the blank at `at` stands for more than one byte of the line: an escaped end of line, or a gap.
fn is_break(message: &NormalForm, at: usize) -> bool {
    message.text().get(at) == Some(&b' ') && message.original(at..at + 1).len() > 1
}

fn lower(text: &[u8]) -> String {
    String::from_utf8_lossy(text).to_lowercase()
}

/// The last or the first path in `text`.
fn path_in(text: &[u8], last: bool) -> Option<String> {
    let mut found = PATH.as_ref()?.captures_iter(text);
    let found = if last { found.last() } else { found.next() }?;
    let found = found.get(1)?;
    // Where PHP's source is says nothing of what failed.
    if text[found.end()..].starts_with(b" on line ") {
        return None;
    }
    let path = String::from_utf8_lossy(found.as_bytes());
    let end = |c: char| c.is_whitespace() || matches!(c, '\'' | '"' | ')' | '(' | ':');
    Some(path.trim_end_matches(end).to_owned())
}

/// The path that is all of the clause before: `tar: /dev/st0: Wrote only 0 of 10240 bytes: `.
fn path_before(head: &[u8]) -> Option<String> {
    let head = head.strip_suffix(b": ")?;
    let at = memchr::memmem::rfind(head, b": ").map_or(0, |at| at + 2);
    let path = std::str::from_utf8(&head[at..]).ok()?;
    let is_path = path.starts_with('/') && !path.contains([' ', '"']);
    is_path.then(|| path.to_owned())
}

/// Where the clause that ends in an errno at `end` begins: after the colon before the one that leads to the errno.
fn clause_start(text: &[u8], end: usize) -> usize {
    let floor = end.saturating_sub(CLAUSE);
    let mut stop = end;
    // Rust's `Os { code: 28, kind: StorageFull, message: "` has a name for what it is, and no call.
    if let Some(start) = RUST_ERROR.as_ref().and_then(|r| r.find(&text[floor..end])) {
        stop = floor + start.start();
    }
    // What only leads to the errno: `: "`, `(28: `, `[Errno 28] `, ` err=`.
    while stop > floor && !text[stop - 1].is_ascii_alphabetic() {
        stop -= 1;
    }
    let named = |head: &[u8]| {
        let mut all = Errno::ALL.iter().map(|errno| errno.name().as_bytes());
        all.find(|name| head.to_ascii_uppercase().ends_with(name))
            .map(<[u8]>::len)
    };
    // `open error: ENOSPC (No space left on device)`
    if let Some(length) = named(&text[floor..stop]) {
        stop -= length;
        while stop > floor && !text[stop - 1].is_ascii_alphabetic() {
            stop -= 1;
        }
    }
    for lead in [
        &b"strerror"[..],
        b"errno",
        b"err",
        b"error",
        b"caused",
        b"because",
        b"code",
        b"generic",
        b"message",
        b"os",
        b"desc",
        b"reason",
    ] {
        if text[floor..stop].to_ascii_lowercase().ends_with(lead) {
            stop -= lead.len();
            break;
        }
    }
    while stop > floor && !text[stop - 1].is_ascii_alphanumeric() && text[stop - 1] < 0x80 {
        stop -= 1;
    }
    // `errno: 28, strerror: `
    if let Some(number) = NUMBER.as_ref().and_then(|r| r.find(&text[floor..stop])) {
        stop = floor + number.start();
    }
    let head = &text[floor..stop];
    let at = last_clause(head);
    // A clause that is only a path says nothing: what was done with it stands before.
    let is_path = matches!(head[at..], [b'/', ..] | [b'"' | b'\'', b'/', ..]);
    floor
        + if is_path {
            last_clause(head[..at].trim_ascii_end())
        } else {
            at
        }
}

/// Where the last clause of `head` begins.
fn last_clause(head: &[u8]) -> usize {
    let cut = |sep: &[u8]| memchr::memmem::rfind(head, sep).map(|at| at + sep.len());
    let separators: [&[u8]; 4] = [b": ", b"; ", b"\": ", b" --> "];
    separators.into_iter().filter_map(cut).max().unwrap_or(0)
}

/// Where the clause after an errno that ends at `start` ends.
fn clause_end(text: &[u8], start: usize) -> usize {
    let most = text.len().min(start + CLAUSE / 2);
    let tail = &text[start..most];
    let ends = [&b"; "[..], b". ", b"\" ", b"', "].into_iter();
    let at = ends.filter_map(|sep| memchr::memmem::find(tail, sep)).min();
    start + at.unwrap_or(tail.len())
}

/// `text` in lower case without what `mentions` are.
fn without(text: &[u8], mentions: &[Mention]) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    for mention in mentions.iter().filter(|m| m.form == Form::Words) {
        out.extend_from_slice(&text[at..mention.span.start.max(at)]);
        out.push(b'\n');
        at = mention.span.end.max(at);
    }
    out.extend_from_slice(&text[at..]);
    lower(&out)
}

fn dialect(text: &[u8], mention: &Mention) -> Option<Dialect> {
    let first = text[mention.span.start];
    // Node.js writes its own in lower case, behind the name and a colon or, of old, a comma.
    let head = &text[..mention.span.start];
    let name = head.strip_suffix(b": ").or(head.strip_suffix(b", "));
    let named = name.is_some_and(|head| {
        let mut all = Errno::ALL.iter();
        all.any(|errno| head.ends_with(errno.name().as_bytes()))
    });
    (mention.form == Form::Words && first.is_ascii_lowercase() && !named).then_some(Dialect::Go)
}
