use anstyle::Style;
use nospace_core::amount::thousands;
use nospace_core::cause::Cause;
use nospace_core::report::Severity;

use super::words::{guard, owner, reasons, uid, usage, user};
use crate::trace::{CallCount, Counted, TracedCall};
use crate::ui::screen::Screen;
use crate::ui::{Line, Page, cmdline, style, text};

/// Columns of the program's name and pid: the kernel keeps 15 bytes of a name, most are shorter.
const PROGRAM: usize = 19;
const GAP: usize = 2;
/// A path is shortened, but not to less than this.
const SHORTEST_PATH: usize = 24;

/// One call: when, who, what, the result, and for a limit error what has run out. `verbose` shows all of a command line.
#[must_use]
pub fn call(call: &TracedCall, screen: &Screen, verbose: bool) -> Page {
    let mut page = Page::new(screen.width, screen.charset);
    let refused = !call.candidates.is_empty();
    let who = if refused { style::VICTIM } else { style::PLAIN };
    let mut flow = Flow::new(&mut page);
    flow.piece(&[(style::DIM, time_of_day(&call.time))]);
    let program = format!("{} {}", call.comm, call.pid);
    flow.padded(style::BOLD, &program, PROGRAM);
    flow.piece(&[(
        style::PLAIN,
        &format!("uid {}", uid(call.uid, call.user_name.as_deref())),
    )]);
    flow.piece(&[(who, &owner(call.owner.as_ref()))]);
    let result = match &call.error {
        Some(error) => error.clone(),
        None => call.result.to_string(),
    };
    let look = match (refused, &call.error) {
        (true, _) => style::severity(Severity::Critical),
        (false, Some(_)) => style::severity(Severity::Warning),
        (false, None) => style::PLAIN,
    };
    let asked = asked(call, flow.page, text::width(&result) + " = ".len());
    flow.piece(&[
        (style::PLAIN, &asked),
        (style::PLAIN, " = "),
        (look, &result),
    ]);
    if refused || call.otherwise.is_some() {
        let why = why(call);
        let line = flow.end();
        page.add(line);
        let deeper = page.line().pad_to(2 * page.indent());
        let causes = reasons(
            &call.candidates,
            call.otherwise.as_deref(),
            call.guard.is_some(),
        );
        let weight = if refused { style::BOLD } else { style::PLAIN };
        let before = deeper.put(weight, &causes);
        if why.is_empty() {
            page.add(before);
        } else {
            page.wrapped(before.plain(": "), style::PLAIN, &why);
        }
    } else {
        let line = flow.end();
        page.add(line);
    }
    cmdline::draw(&mut page, call.cmdline.as_deref(), verbose);
    page
}

/// `12:34:56.789` of an RFC 3339 time.
#[must_use]
pub fn time_of_day(time: &str) -> &str {
    let start = time.find('T').map_or(0, |at| at + 1);
    time.get(start..start + 12).unwrap_or(time)
}

/// The call with its arguments, as strace(1) writes them, in what is left of a line beside `result` columns.
fn asked(call: &TracedCall, page: &Page, result: usize) -> String {
    let words = call.words.join("|");
    let fixed =
        call.call.len() + text::width(&words) + "(\"\", )".len() + result + page.indent() + 2;
    let mut arguments = Vec::new();
    if let Some(path) = &call.path {
        let room = page.width.saturating_sub(fixed).max(SHORTEST_PATH);
        let cut = if call.path_cut {
            page.charset.ellipsis()
        } else {
            ""
        };
        let path = text::shorten(&page.charset.clean(path), room, page.charset);
        arguments.push(format!("\"{path}{cut}\""));
    }
    if !words.is_empty() {
        arguments.push(words);
    } else if call.call == "inotify_rm_watch" {
        arguments.push(call.argument.cast_signed().to_string());
    } else if call.call.starts_with("mkdir") {
        arguments.push(format!("{:#o}", call.argument & 0o7777));
    }
    format!("{}({})", call.call, arguments.join(", "))
}

/// The figures behind a refusal.
fn why(call: &TracedCall) -> String {
    let limit = call
        .descriptor_limit
        .map_or("unlimited".to_owned(), thousands);
    match (&call.candidates[..], &call.count) {
        (_, Some(at)) if call.guard.is_some() => {
            format!("{} has {}{}", user(at), usage(at), guard(call.guard))
        }
        ([Cause::ProcessFiles], Some(at)) if at.of == Counted::Instances => {
            format!("RLIMIT_NOFILE is {limit} ({} had {})", user(at), usage(at))
        }
        ([Cause::ProcessFiles], _) => format!("RLIMIT_NOFILE is {limit}"),
        ([_], Some(at)) if call.cause.is_some() => format!("{} has {}", user(at), usage(at)),
        ([], Some(at)) if call.otherwise.is_some() => {
            format!("{} has only {}", user(at), usage(at))
        }
        (_, Some(at)) if call.otherwise.is_some() && is_below_limit(call, at) => format!(
            "{} has {} now; if the limit refused it, some were freed since",
            user(at),
            usage(at)
        ),
        (_, Some(at)) if call.otherwise.is_some() => format!("{} has {}", user(at), usage(at)),
        ([_, _, ..], None) if call.call.starts_with("inotify_init") => {
            format!("the count is unknown; RLIMIT_NOFILE is {limit}")
        }
        _ => String::new(),
    }
}

/// Of inotify, where one call takes one.
fn is_below_limit(call: &TracedCall, at: &CallCount) -> bool {
    call.call.starts_with("inotify") && at.used < at.limit
}

/// Pieces in a row; one that does not fit begins a new line.
struct Flow<'a> {
    page: &'a mut Page,
    line: Line,
    begun: bool,
}

impl<'a> Flow<'a> {
    fn new(page: &'a mut Page) -> Self {
        let line = page.line();
        Self {
            page,
            line,
            begun: false,
        }
    }

    fn piece(&mut self, parts: &[(Style, &str)]) {
        let charset = self.page.charset;
        let cleaned = |part: &str| text::width(&charset.clean(part));
        let width: usize = parts.iter().map(|(_, part)| cleaned(part)).sum();
        let gap = if self.begun { GAP } else { 0 };
        let mut line = std::mem::take(&mut self.line);
        if self.begun && line.width() + gap + width > self.page.width {
            self.page.add(line);
            line = self.page.indented().pad_to(2 * self.page.indent());
        } else {
            let at = line.width() + gap;
            line = line.pad_to(at);
        }
        for (at, (style, part)) in parts.iter().enumerate() {
            // What comes after it must fit, too.
            let after: usize = parts[at + 1..].iter().map(|(_, part)| cleaned(part)).sum();
            let room = self.page.width.saturating_sub(line.width() + after);
            let fits = text::shorten(&charset.clean(part), room, charset);
            line = line.put(*style, &fits);
        }
        self.line = line;
        self.begun = true;
    }

    /// A piece that lines up with those of other lines.
    fn padded(&mut self, style: Style, raw: &str, width: usize) {
        let clean = self.page.charset.clean(raw).into_owned();
        let missing = width.saturating_sub(text::width(&clean));
        self.piece(&[(style, &clean), (style::PLAIN, &" ".repeat(missing))]);
    }

    fn end(self) -> Line {
        self.line
    }
}
