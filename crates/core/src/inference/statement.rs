//! Whether a line states an errno as the reason of a failure, or mentions it.

use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::normalise::{Form, Mention};

/// What is known of a message beside its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// A logger wrote it: it has a time or the tag of a program.
    pub is_logged: bool,
    /// The logger called it a warning or an error.
    pub is_failure: bool,
}

/// Words of failure, in the languages in which programs write.
const FAILURE: &str = r"(?i-u)\b(?:err(?:or|o|no)?\d*|errors|errcode|fail(?:s|ed|ure|ing)?|fatal|cannot|can.t|can not|couldn.t|could ?n[o'].?t|unable|panic(?:ked)?|exception|warn(?:ing)?|crit(?:ical)?|emerg|alert|severe|abort(?:ed)?|refused|rejected|exhausted|oops|tbrok|broken|fehler|fehlgeschlagen|erreur|impossible|errore|impossibile|fout|mislukt|falha|erro|fallo|imposible|fel|fejl|virhe|hata|chyba|greška|kesalahan|gagal)\b|(?:error|exception|errno)\b|(?-i:E[A-Z]{3,}):|ошибк|не удал|невозмож|помилк|błąd|nie można|错误|失败|无法|錯誤|失敗|無法|エラー|できません|오류|실패|할 수 없|échec|ошибка|λάθος|σφάλμα|lỗi";

/// What shows that a line is a command, a query, a definition, or text about errors.
const MENTION: &str = r#"(?i-u)\bgrep\b|\bcommand=|\bcmd ?[(=]|type=(?:execve|user_cmd)|\bselect\b.*\bfrom\b|\bselect '|insert into|\bmsgid\b|\bmsgstr\b|#define|(?:^|[^:] )"(?:get|post|head) /|^-{3} pass|^={3} run|^ok test|\bregex|\bpattern\b|\bexpr\b|(?:^|[^ \w]|[^s] )rule\b|retryable|ignored_errors|\bhistory:|^\s*[$+|] |^\| |\bsee also\b|^\s*- [^`\[*]{0,3}[^`]*$|^\w+@[\w.-]+:\S*[#$] |^subject: |^commit |^merge |^see |^from the |\bfaq\b|stack overflow|\btest(?:s|ed)? (?:skipped|that)|\bsimulat|alert:|description:|\bhow (?:to|i)\b|\bwhy (?:do|does|is)\b|\bwhat (?:does|to)\b|\bmeans\b|\bsuch as\b|\bif you\b|\bwhen you\b|troubleshoot|documentation|https?://\S*\bdocs/|\]\([^)]*docs/|\bthe string\b|\btranslated\b|\bfix(?:ed|ing)\b|\bsays\b|\basked\b|\bgracefully\b|\bin such a case\b|\bdiscussed\b|\bnormal for\b|\bbecause of\b|\byou may\b|\brelated to:? |^\s*\d+\. E[A-Z]{3,} - |^(?:feat|fix|docs|chore|refactor)(?:\([\w ,/-]+\))?!?: "#;

/// What may follow an errno that ends its clause.
const END: &str = r#"^(?-u)(?:\s*$|["')\]},;.:!|\d]|\s*\.\.\.|\s*[(\[<]|\s:\s|\s+['"`][\w./]|\s+-|\s+@|\s+\w+=|\s+"?\w+":|\s+\[?[\da-fA-F.:]+\]?:\d+(?:\s|$)|\s*WD=|\s+(?:Trace/breakpoint|after|not handled|for this process|in |while |during |at |\[v))"#;

/// What follows an errno in text about it: `"No space left on device" error`.
const NAMED_AS_SUCH: &str = r#"^(?i-u)[)"'`*]{0,3} (?:errors?|issues?|messages?|exceptions?|problems?|failures?)\b(?:[^:]|$)|^["'`*]{1,3} (?:can|may|might|is|was|are|occurs?|appears?|happens?|means?|indicates?|when|because|even)\b"#;

/// What leads to an errno that is a reason.
const LEAD: &str = r#"(?i-u)(?:[:=\-(\[]\s?["']?|=>\s?["']|(?-i:[a-z0-9)"'\]]\. )|\.\.\. |(?-i:[a-z_]: \d+ )|[:=] ?["']{2}|\)|\],? |(?-i:\bE[A-Z]{3,}), |\bbecause |\bcaused ["']?|\bcause: ?["']?|errno=|\berror ["']|["']?message["']?: ?["']|\(\d+\)|\{ ?|["'],["'])$"#;

/// A number of the errno beside its words.
const NUMBERED: &str = r#"(?i-u)(?:errno[ =:]*\d+[\])]?[,:)]?\s?["'-]? ?|\(\d+[:)] ?|\(-?\d+, ["']?|\d+: |code: \d+, .{0,60}|-1 e[a-z]+ \(|errcode: \d+ (?:- )?["']?|generic:\d+ meaning |error[ =]?\d+[:,] )$"#;
const NUMBER_AFTER: &str = r#"^(?-u)["']? ?,? ?[(\[]?(?:os error|errno|E[A-Z]{4,}\b)|^ ?\(\d+\)"#;

/// Where a program names, behind a reason that begins the line, what failed: `@ rb_sysopen - x`, `- fork(2)`, `(src/epoll.cpp:65)`.
const PLACE: &str =
    r"^(?-u)(?: @ [a-z_]+ - \S| - [a-z]+\(2\)| \([\w./-]+\.(?:c|cc|cpp|h|hpp):\d+\))";

/// Keys whose value is a reason, where the errno stands in quotes.
const REASON: &str = r#"(?i-u)(?:err|error|reason|msg|message|cause|desc|description|detail|details|stderr|output|exception|log|payload|stdout|errno|strerror|status|result|what\(\)|kind)["']?\s?(?:=>|[=:])\s?["']?$|: ["']?$|\(["']?$|\bcaused ["']$|["']?\)?: ["']$|\berror ["']$|,["']$"#;

/// Words that go over into the errno without any sign.
const GLUED: &str = r"(?-u)(?:[A-Za-z],?|:\d+) ?$";

/// Programs whose codes are their own: 28 of curl is a timeout.
const OWN_NUMBERS: &str = r"(?i-u)\bcurl|libcurl|CURLE_|'aio (?:read|write)' returned OS error";

/// What leads to a number that can only be an errno's: a bare `error 28` may be a program's own.
const OF_ERRNO: &str = r"(?i-u)(?:errno\D{0,3}|os error |code: |generic:|[ =(-]-)$";

/// What leads to an errno that is given by its name.
const NAMED: &str = r#"(?i-u)(?:[:=(\["'] ?-?|\bwith |\bwatch(?: \S+)? |-1 |\bspawn \S+ |\bby |\berrno |\bconnect |\bUnix\.|\bdue to |\berror )$"#;

struct Patterns {
    failure: Regex,
    mention: Regex,
    end: Regex,
    lead: Regex,
    named_as_such: Regex,
    numbered: Regex,
    number_after: Regex,
    reason: Regex,
    glued: Regex,
    named: Regex,
    place: Regex,
    own_numbers: Regex,
    of_errno: Regex,
}

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
    let regex = |pattern| Regex::new(pattern).ok();
    Some(Patterns {
        failure: regex(FAILURE)?,
        mention: regex(MENTION)?,
        end: regex(END)?,
        lead: regex(LEAD)?,
        named_as_such: regex(NAMED_AS_SUCH)?,
        numbered: regex(NUMBERED)?,
        number_after: regex(NUMBER_AFTER)?,
        reason: regex(REASON)?,
        glued: regex(GLUED)?,
        named: regex(NAMED)?,
        place: regex(PLACE)?,
        own_numbers: regex(OWN_NUMBERS)?,
        of_errno: regex(OF_ERRNO)?,
    })
});

/// Bytes around a mention that are looked at.
const NEAR: usize = 120;
/// Words that are frequent in prose and rare in the messages of programs.
const PROSE: &[&str] = &[
    "the", "is", "are", "this", "that", "you", "i", "we", "it", "was", "were", "have", "which",
    "there", "my", "your", "they", "these", "how", "when", "why", "but", "our", "would", "should",
];
const PROSE_WORDS: usize = 5;

/// How clearly a line states an errno as the reason of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Statement {
    /// It stands where a reason does, and nothing else shows a failure.
    Weak,
    /// The errno has its number, or the line says that something failed.
    Firm,
}

/// How clearly `text` states `mention` as the reason of a failure; `None` where it only mentions it. `is_last`: a line of
/// the message ends behind it.
pub fn statement(
    text: &[u8],
    mention: &Mention,
    all: &[Mention],
    around: Surroundings,
    is_last: bool,
) -> Option<Statement> {
    let patterns = PATTERNS.as_ref()?;
    let before = &text[mention.span.start.saturating_sub(NEAR)..mention.span.start];
    let after = &text[mention.span.end..text.len().min(mention.span.end + NEAR)];
    let fails = around.is_failure
        || patterns.failure.is_match(&text[..mention.span.start])
        || patterns.failure.is_match(after);
    if patterns.mention.is_match(text) || is_prose(&text[..mention.span.start]) {
        return None;
    }
    let firm = |stated: bool| stated.then_some(Statement::Firm);
    match mention.form {
        Form::Words => {
            let numbered =
                patterns.numbered.is_match(before) || patterns.number_after.is_match(after);
            let ends = is_last || patterns.end.is_match(after);
            if numbered {
                return Some(Statement::Firm);
            }
            let quoted = matches!(before.last(), Some(b'"' | b'\''));
            if quoted && !patterns.reason.is_match(before) {
                return None;
            }
            let leads = patterns.lead.is_match(before);
            let bare = before.trim_ascii().is_empty();
            let glued = patterns.glued.is_match(before);
            if !ends || !around.is_logged && patterns.named_as_such.is_match(after) {
                return None;
            }
            let alone = bare && around.is_logged && after.trim_ascii().is_empty();
            // Perl and Apache put what failed behind the reason; Ruby and ZeroMQ their function.
            let first = bare && after.starts_with(b": ");
            if bare && patterns.place.is_match(after) {
                return Some(Statement::Firm);
            }
            if fails && (leads || first || glued && around.is_logged) || alone {
                return Some(Statement::Firm);
            }
            (leads || fails && glued).then_some(Statement::Weak)
        }
        Form::Name | Form::Number if is_said_better(mention, all) => None,
        // The class of an exception in Ruby, which its own message follows, and a constant in source.
        Form::Name if before.ends_with(b"::") => None,
        Form::Name => {
            let strace = before.ends_with(b"= -1 ");
            firm(
                patterns.end.is_match(after)
                    && patterns.named.is_match(before)
                    && (fails || strace),
            )
        }
        Form::Number if !fails || patterns.own_numbers.is_match(text) => None,
        Form::Number if patterns.of_errno.is_match(before) => Some(Statement::Firm),
        Form::Number => Some(Statement::Weak),
    }
}

/// Whether the same errno is there in words or by name, which are better evidence.
fn is_said_better(mention: &Mention, all: &[Mention]) -> bool {
    all.iter()
        .any(|other| other.form > mention.form && other.errno == mention.errno)
}

/// Whether `text` is running text: it has many of its small words, as no program's message does.
fn is_prose(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.filter(|word| PROSE.contains(word)).count() >= PROSE_WORDS
}
