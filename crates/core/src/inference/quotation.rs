//! Whether a line only quotes a refusal: source code, a comment, markup, advice.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

/// What the text outside of quotes looks like where a string of source code begins.
struct Code {
    /// A statement that takes a string.
    statement: Regex,
    /// A call that prints, compares or makes an error.
    call: Regex,
    /// Any call, and what begins its arguments.
    any_call: Regex,
    /// A variable that gets the string.
    assignment: Regex,
    /// What is compared with it.
    comparison: Regex,
    /// A call whose result gets a name, and a method that asserts.
    assigned_call: Regex,
    assertion: Regex,
    /// A field of a structure in Go or C.
    field: Regex,
    /// The variant of an enum that holds it.
    variant: Regex,
    /// A command whose argument it is.
    command: Regex,
    /// A method of the string itself.
    method: Regex,
    /// The beginning of a list or an object.
    literal: Regex,
    /// An element of a list, or a key.
    element: Regex,
    /// The end of a statement.
    end: Regex,
    /// The end of a list or an object within another.
    literal_end: Regex,
    /// A comment, or a comment behind code.
    comment: Regex,
    trailing_comment: Regex,
    /// What begins with `#` and is no comment: what Java's virtual machine says before it ends, Mercury's log, and a heading
    /// that is nginx's message.
    hashed_log: Regex,
    /// A title, as issues have: one hash, and what happened.
    title: Regex,
    /// A comment or a heading that says what to do.
    instruction: Regex,
    /// Somebody tells what happened to them.
    report: Regex,
    /// A pattern of Perl, JavaScript or Ruby that decides what is done.
    pattern: Regex,
    /// A question ends.
    question: Regex,
    /// An item of a list of symptoms.
    item: Regex,
    /// A command that looks for it, a link to it, and what throws it.
    mention: Regex,
    /// A line of HTML; PHP's messages end in `<br />`.
    markup: Regex,
    /// A line of a diff that was added or, with code behind it, removed.
    diff: Regex,
    /// A text in backticks that markup around it makes a heading or a term.
    emphasis: Regex,
    emphasis_end: Regex,
    /// What people write of messages.
    advice: Regex,
    /// Words that quote something in the midst of a sentence.
    sentence: Regex,
}

static CODE: LazyLock<Option<Code>> = LazyLock::new(|| {
    let regex = |pattern: &str| Regex::new(pattern).ok();
    Some(Code {
        statement: regex(
            r"(?-u)^[\s+-]*(?:raise|throw|return|const|let|var|static|final|private|public|protected|echo|case|puts|print|local|my|auto|String|char)\b|\bassert\w*\b",
        )?,
        call: regex(
            r"(?-u)(?:\w!|[Pp]rint(?:f|ln)?|[Pp]uts|[a-z]*log\w*|(?:[Ww]arn|[Ii]nfo|[Dd]ebug|[Ff]atal|[Ee]rror)f|\b(?:error|warn|fatal|fail|panic)|print_error|LOG[A-Z]*|errors\.New|new \w+|contains|includes|assert\w*|expect|startswith|endswith|throwError|\w*[Rr]aise)\s?\((?:[^()]*,\s*|&)?[bfrLu]?$",
        )?,
        any_call: regex(r"(?-u)[\w.:>-]\s?\((?:[^()]*[,:]\s*|&)?[bfrLu]?$")?,
        assignment: regex(
            r#"(?-u)^[\s+-]*[\w.\[\]"':&<>*$ -]{1,80}\s:?=\s*[&bfrLu]{0,2}$|<<\s*$"#,
        )?,
        literal: regex(r"(?-u)^\s+[\[{(]")?,
        element: regex(r#"(?-u)^[\s+-]*[\[({]*&?[bfrLu]?$|^\s+(?:"[^"]*",\s*)+$"#)?,
        end: regex(r"(?-u)^[)\]]*[,;:].*$|^[)\]]+;?\s*$|^\.\w+\(")?,
        literal_end: regex(r"(?-u)[}\])]\s*,\s*$")?,
        comparison: regex(
            r"(?i-u)[=!]==?\s*[bfrLu]?$|=~\s*$|^\W*(?:if|elif|elsif|else if|unless)\b.{0,60}$",
        )?,
        assigned_call: regex(r"(?-u)^\s+[\w., \[\]]{1,60} = (?:await )?[\w.]+\(")?,
        assertion: regex(r"(?-u)\bassert\w*\.\w+\(")?,
        field: regex(
            r"(?-u)^(?:\s*\t\s*\w+:\s+|\s+\.?[A-Z]\w*\s?[:=]\s+|\s+\w+:\s{2,}|\s+(?:details?|expected|input|label|log|summary|text|title|want):\s+)$",
        )?,
        variant: regex(r"(?-u)^[\s+-]+(?:return\s+)?(?:Err|\w+::\w+)\($")?,
        command: regex(r"(?-u)^[\s+-]*[a-z]+(?:_[a-z]+)+ $|\becho(?: -\w+)* $")?,
        method: regex(r"(?-u)^\.[a-zA-Z_]\w+\(")?,
        comment: regex(
            r"(?-u)^\s*(?://|/\*|<!--|;;\s|#+\s|--\s(?:[A-Z]?[a-z]|\W)|\x22{3})|^\s+\*\s+[@a-z]",
        )?,
        trailing_comment: regex(r"(?-u)[,;{}()]\s+(?://|/\*)\s")?,
        hashed_log: regex(
            r"(?-u)^\s*# (?:There is insufficient|Native memory|Cannot create|Can not|Out of Memory|\w+\(\): )|^#+ \w+\(\) failed \(",
        )?,
        title: regex(r"^# (?:\[[\w .]{1,24}\]:? ?)?[\p{L}/(]")?,
        instruction: regex(
            r"(?i)^# (?:\[[^\]]{1,24}\]:? ?)?(?:\[(?:emerg|alert|crit|error|warn)\]|time=|(?:set|note|max\w*|define|we|i|you|this|the|if|when|so|too|to|use|make|add|allow|linker|exhausting|need|needed|because|otherwise|without|with|see|for|in|on|at|or|and|e\.g|don.t|do|does|support|change|check|log|report|print|show|only|possible|please|increas\w*|rais(?:e|ing)|ignore|return|retry|remove|replace|rename|update|upgrade|warn|resolve|bump|proposal|tests?|question|feat\w*|refactor|request|can|could|should|what)\b)|^#.*\b(?:avoid\w*|fix\w*|reduc\w*|prevent\w*|handl\w*|workarounds?|work around|improv\w*|document\w*|docs|catch\w*|better|clarify\w*|skip|bump|suggest\w*|how|why|explain\w*|graceful\w*|troubleshoot\w*|solv\w*|solutions?|understand\w*|reproduc\w*|simulat\w*|instead|guide|tutorial|faq)\b",
        )?,
        report: regex(&report())?,
        pattern: regex(r"(?-u)^\s*/.+/[gimsx]*\s+(?:&&|\|\||\?|and\b)")?,
        question: regex(r#"(?:[?？])["'”]?[,;)]*\s*$"#)?,
        item: regex(r"(?-u)^\s*[-*]\s+\w")?,
        mention: regex(r"(?-u)\bgrep -|^\s*[-*] \[|\bthrows ")?,
        markup: regex(r"(?-u)<br>\s*$|</(?:p|li|td|code|pre|div)>\s*$")?,
        diff: regex(r"(?-u)^\+(?:[^\s\d+]| {2}|\t)|^-(?: {2}|\t)")?,
        emphasis: regex(r"(?-u)(?:\*\*|__)$")?,
        emphasis_end: regex(r"(?-u)^(?:\*\*|__)")?,
        advice: regex(
            r"(?i-u)^\W*(?:(?:if|in case) (?:you|i|we) (?:see|get|hit|encounter|receive|run into)|when (?:you|i|we) (?:see|get)|to avoid|avoids?)\b",
        )?,
        sentence: regex(r"(?-u)\b[a-zA-Z]+ $")?,
    })
});

/// What leads to an error that somebody met: `I was getting the following error when building: `, `it crashed with "`. What
/// may happen, and what is done about it, reads otherwise.
fn report() -> String {
    const WHO: &str = r"\b(?:i|we)(?:'m|'ve|'re| am| have| are| was| were)?(?: (?:i|just|also|still|then|now|always|only|had|was|am|were|are|keep|kept|constantly|sometimes|often))* ";
    const MET: &str = "(?:got|gotten|getting|saw|seeing|received|receiving|hit|hitting|encountered|encountering|ran into|running into) ";
    const MEETS: &str = "(?:get|see|receive|encounter|have|had|run into) ";
    const QUOTE: &str = r"(?:[`'\x22]|\xe2\x80\x9c)";
    const ERROR: &str = r"(?:(?:this|the|an?|another|these|some|following|same|such|below|next) )*(?:[\w-]+ ){0,2}(?:errors?|messages?|warnings?|exceptions?|issues?|lines?|logs?|output)\b[^.;]{0,60}(?:[:`'\x22]|\xe2\x80\x9c)";
    const IT_SAYS: &str = r"\b(?:it|this|that|which) (?:said|gives?|gave|showed|shows|printed|reported) (?:me |us )?(?:this|another|the following)(?: \w+)?: ";
    const IT_ENDED: &str = r"(?:\bis failing with |\b(?:crashed|died|exited|aborted)(?: [\w-]+)? with (?:[\w-]+ ){0,2}|\b(?:it|this|that|job|build|container|pod|service) failed with )";
    format!(
        r"(?i-u){WHO}(?:{MET}|{MEETS}){ERROR}|{WHO}{MET}{QUOTE}|^\W*(?:getting|got|seeing|keep getting) {ERROR}|{IT_SAYS}|{IT_ENDED}{QUOTE}"
    )
}

/// Words that are frequent in prose and rare in what programs print.
const PROSE: &[&str] = &[
    "the", "this", "you", "i", "we", "have", "which", "my", "your", "they", "these", "how", "when",
    "why", "but", "our", "would", "should", "and", "or", "like", "some", "all", "if", "also",
    "because", "many", "using", "may",
];
const PROSE_WORDS: usize = 3;

/// Whether what leads to a refusal is running text.
fn is_prose(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let words: BTreeSet<&str> = head.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    PROSE.iter().filter(|word| words.contains(*word)).count() >= PROSE_WORDS
}

/// Words before a quote that give it as a reason.
const REASONS: &[&str] = &[
    "error",
    "with",
    "reason",
    "message",
    "caused",
    "by",
    "because",
    "exception",
    "failed",
];

/// Whether the text around `at` in `message`, which no logger wrote, shows that what stands there is quoted.
pub fn is_quoted(message: &[u8], at: Range<usize>) -> bool {
    let (Some(code), Some(told)) = (CODE.as_ref(), message.get(at.clone())) else {
        return false;
    };
    // A pattern may begin with the quote.
    let start = at.start + told.iter().take_while(|b| b.is_ascii_punctuation()).count();
    let (head, tail) = (&message[..start], &message[at.end..]);
    let is_report = code.report.is_match(head) && !code.advice.is_match(head);
    let open = open_quote(&message[..at.end]).or_else(|| open_quote(head));
    let is_title = code.title.is_match(message)
        && !code.instruction.is_match(message)
        && open.is_none_or(|(start, _)| message[..start].ends_with(b" with "));
    if code.comment.is_match(message) && !code.hashed_log.is_match(message) && !is_title
        || code.trailing_comment.is_match(head)
        || code.markup.is_match(tail)
        || code.diff.is_match(message)
        || code.advice.is_match(message)
        || code.pattern.is_match(message)
        || code.question.is_match(tail)
        || code.mention.is_match(head)
        || is_prose(head) && !is_report
        || code.assertion.is_match(head)
        || code.assigned_call.is_match(head)
    {
        return true;
    }
    let Some((start, quote)) = open else {
        return false;
    };
    let before = &message[..start];
    let after = behind(tail, quote);
    if is_report {
        return false;
    }
    if quote == b'`' {
        return is_inline(code, before, after);
    }
    is_string(code, before, after) || is_in_sentence(code, before, after)
}

/// The quote in `head` that is still open at its end.
fn open_quote(head: &[u8]) -> Option<(usize, u8)> {
    let mut open: Option<(usize, u8)> = None;
    for (at, byte) in head.iter().copied().enumerate() {
        let is_letter = |at: usize| head.get(at).is_some_and(u8::is_ascii_alphanumeric);
        let after_letter = at > 0 && is_letter(at - 1);
        let escaped = at > 0 && head[at - 1] == b'\\';
        match open {
            _ if escaped => {}
            Some((_, quote)) if closes(byte, quote) && !(byte == b'\'' && is_letter(at + 1)) => {
                open = None;
            }
            None if matches!(byte, b'"' | b'`') || byte == b'\'' && !after_letter => {
                open = Some((at, byte));
            }
            _ => {}
        }
    }
    open
}

/// GNU quotes `` `like this' ``.
fn closes(byte: u8, quote: u8) -> bool {
    byte == quote || quote == b'`' && byte == b'\''
}

/// What stands behind the quote that closes the one that is open before `tail`.
fn behind(tail: &[u8], quote: u8) -> &[u8] {
    let same = memchr::memchr(quote, tail);
    let end = same.or_else(|| tail.iter().position(|byte| closes(*byte, quote)));
    end.map_or(&[], |end| &tail[end + 1..])
}

/// Whether there are words outside of a text in backticks, and none that gives it as a reason.
fn is_inline(code: &Code, before: &[u8], after: &[u8]) -> bool {
    if code.emphasis.is_match(before) && code.emphasis_end.is_match(after) {
        return true;
    }
    if before.trim_ascii().is_empty() && !before.is_empty() && after.starts_with(b",") {
        return true;
    }
    let has_words = |text: &[u8]| text.iter().any(u8::is_ascii_alphabetic) || !text.is_ascii();
    let leads =
        before.trim_ascii_end().ends_with(b":") || last_word(code, before).is_some_and(is_reason);
    has_words(before) && !leads || has_words(after)
}

/// The word that `before` ends with, in front of a quote.
fn last_word<'t>(code: &Code, before: &'t [u8]) -> Option<&'t [u8]> {
    let word = code.sentence.find(before)?;
    Some(word.as_bytes().trim_ascii_end())
}

fn is_reason(word: &[u8]) -> bool {
    let is = |reason: &&str| word.eq_ignore_ascii_case(reason.as_bytes());
    REASONS.iter().any(is)
}

/// Whether a string of source code stands between `before` and `after`.
fn is_string(code: &Code, before: &[u8], after: &[u8]) -> bool {
    let ends = code.end.is_match(after);
    let count = |text: &[u8], byte: u8| text.iter().filter(|b| **b == byte).count();
    let is_cut = count(before, b'(') + count(after, b'(') < count(after, b')');
    let more = after.trim_ascii().is_empty();
    let indented = before.first().is_some_and(u8::is_ascii_whitespace);
    code.method.is_match(after)
        || code.comparison.is_match(before)
        || code.variant.is_match(before)
        || code.field.is_match(before) && after.starts_with(b",")
        || more && (code.command.is_match(before) || indented && code.element.is_match(before))
        || ends && (code.element.is_match(before) || code.statement.is_match(before))
        || more && code.statement.is_match(before)
        || code.call.is_match(before)
        || code.any_call.is_match(before)
            && (is_cut || is_statement(after) || after.trim_ascii() == b",")
        || (more || ends) && code.assignment.is_match(before)
        || code.literal.is_match(before) && code.literal_end.is_match(after)
}

/// Whether `after` closes a call and ends a statement or an element.
fn is_statement(after: &[u8]) -> bool {
    let end = after.trim_ascii_end();
    end.ends_with(b"),") || end.ends_with(b");")
}

/// Whether `before` goes on behind a quotation, as in: the "No space left on device" message of ...
fn is_in_sentence(code: &Code, before: &[u8], after: &[u8]) -> bool {
    let goes_on =
        matches!(after, [b' ', letter, ..] if letter.is_ascii_lowercase() || *letter == b'=');
    let before = before.strip_suffix(b"(").unwrap_or(before);
    let ends = after.trim_ascii().is_empty() && code.item.is_match(before);
    (goes_on || ends) && last_word(code, before).is_some_and(|word| !is_reason(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(line: &str) -> bool {
        let at = line.find("Too many").unwrap();
        is_quoted(line.as_bytes(), at..at + 19)
    }

    #[test]
    fn source_comments_and_prose_quote() {
        for line in [
            r#"    body.contains("Too many open files (os error 24)"),"#,
            r#"const TEXT: &str = "accept: Too many open files";"#,
            r#"  throw new Error('EMFILE: Too many open files');"#,
            r#"        "accept4() failed (24: Too many open files)": "too_many","#,
            "    'nginx: socket() failed (24: Too many open files)',",
            r#"OUTPUT = 'error: Too many open files\n'"#,
            r#"    { message: "Can't open x (Too many open files)", level: 'ERROR' },"#,
            r#"    p.fail(errors.New("fsnotify: Too many open files"))"#,
            r#"  printf("%s: Too many open files\n", name);"#,
            r#"  self.assertTrue(is_full("Too many open files"))"#,
            r#"echo "  Fixing fsnotify: Too many open files    ""#,
            "    // dial: Too many open files",
            "  max: 100, // to avoid dial: Too many open files",
            "    * reliably failed, Too many open files",
            "### `accept: Too many open files`, or how to go on",
            "`accept: Too many open files` when the limit is reached",
            "If you see accept: Too many open files, raise the limit",
            r#"Turbopack "OS: Too many open files" issues exist"#,
            "error: Too many open files<br>",
            r#"            "accept: Too many open files""#,
            r#"            reason: "accept: Too many open files".to_owned(),"#,
            r#"        Err("accept: Too many open files")"#,
            r#"      if error.message == "accept: Too many open files""#,
            r#"  elif ("accept: Too many open files" in lines"#,
            r#"  allow(Server).to receive(:run).and_raise(IOError, "accept: Too many open files")"#,
            "+handle_error 'accept: Too many open files'",
            "+accept: Too many open files",
            "# Avoid accept: Too many open files",
            "## accept: Too many open files",
            "# Problem 3: \"accept: Too many open files\"",
            "If I get `accept: Too many open files` when it starts, raise the limit",
            "We get rid of `accept: Too many open files` by a higher limit",
            "I tried to reproduce `accept: Too many open files`, without success",
            "We received a patch that avoids `accept: Too many open files`",
            "# net: report accept: Too many open files instead of a panic",
            "# Troubleshooting accept: Too many open files",
            "+    accept: Too many open files",
            "**`accept: Too many open files`**",
            "\t\t\tOutput: \"open x: Too many open files\",",
            r#"    name, ls = backup(1, out="tar: Too many open files")"#,
            "  assert.match(output, /can't fork|Too many open files/u, \"no limit\")",
            " * @ERROR_FILES: Too many open files.",
            "\t\"/bin/sh\", \"-c\", \"echo 'tar: Too many open files'; exit 1\")",
            "  /IOException:.*(Too many open files)/ && do { $n++ };",
            "- the log shows repeated \"accept: Too many open files\"",
            r#"  "q": "The log has accept: Too many open files; what is it?","#,
            "Raise the limit when many users connect and avoid accept: Too many open files",
        ] {
            assert!(quoted(line), "{line}");
        }
    }

    #[test]
    fn what_programs_print_does_not() {
        for line in [
            "accept: Too many open files",
            r#"level=error msg="accept: Too many open files""#,
            r#"{"level":"error","msg":"accept: Too many open files","n":1}"#,
            r#"    "message": "accept: Too many open files","#,
            "cannot open `x': Too many open files",
            "error: failed to write to `x`: Too many open files",
            "thread 'main' panicked at 'called `Result::unwrap()` on an `Err` value: Too many open files'",
            "ConnectionError('Connection aborted.', OSError(24, 'Too many open files'))",
            "Fatal error: exception Sys_error(\"x: Too many open files\")",
            r#"failed with "Too many open files" while reading"#,
            "`Unhandled exception. IOException: Too many open files`",
            "can't open 'x': Too many open files",
            "# Native memory allocation failed: Too many open files",
            "# na_sm_send(): sendmsg() failed (Too many open files)",
            "`podman run` fails with `lock: Too many open files`.",
            "-- ERROR [247.6 stream] -- Too many open files",
            "#0 /srv/x.php(1): fopen('x'): Too many open files",
            " * Starting nginx: Too many open files",
            "**accept: Too many open files",
            "### socket() failed (24: Too many open files)",
            "-bash: pipe error: Too many open files",
            "+++ accept: Too many open files",
            "# accept: Too many open files",
            "# Opening it fails with \"accept: Too many open files\" error",
            "I get this message `accept: Too many open files` after the start of the server",
            "We keep getting \"accept: Too many open files\" since the upgrade",
            "The container exited non-zero with `accept: Too many open files`",
            r#"the error is "accept: Too many open files""#,
            r#"    if: "accept: x" failed: Too many open files"#,
        ] {
            assert!(!quoted(line), "{line}");
        }
    }
}
