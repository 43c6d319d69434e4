//! What loggers put around a message: timestamps, tags, JSON.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::inference::Surroundings;

/// A line without what its loggers put around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// When, as the log writes it; the outermost logger's clock.
    pub time: Option<String>,
    /// Who, by the tag of syslog or the journal.
    pub program: Option<String>,
    /// Where, by the same.
    pub host: Option<String>,
    /// What is left.
    pub message: Cow<'a, [u8]>,
    /// The logger called it a warning or an error, by klog's letter.
    pub is_failure: bool,
    /// The container runtime cut the line here; the next one goes on (CRI tag `P`).
    pub partial: bool,
}

const DATE: &str =
    r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?";

/// What `dmesg -r` and `dmesg -x` put before a line.
const LEVEL: &str = r"(?:<\d{1,3}>|[a-z]+ *:[a-z]+ *: )?";

static CRI: LazyLock<Option<Regex>> =
    LazyLock::new(|| bytes(&format!(r"^({DATE}) (?:stdout|stderr) ([FP])(?::\S+)? ")));
static SYSLOG: LazyLock<Option<Regex>> = LazyLock::new(|| {
    bytes(&format!(
        r"^(?:<\d{{1,3}}>\d? ?)?([A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)?|{DATE}) ([\w.:-]+) ([^\s\[\]:]{{1,64}})(?:\[\d+\])?: ?"
    ))
});
static KLOG: LazyLock<Option<Regex>> =
    LazyLock::new(|| bytes(r"^[IWEF](\d\d)(\d\d) (\d\d:\d\d:\d\d\.\d{6}) +\d+ ([^\s\]]+):\d+\] ?"));
static KERNEL: LazyLock<Option<Regex>> =
    LazyLock::new(|| bytes(&format!(r"^{LEVEL}\[ *(\d+\.\d{{6}})\](?:\[ *[TC]\d+\])? ")));
static KERNEL_TIME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    bytes(&format!(
        r"^{LEVEL}\[([A-Z][a-z]{{2}} [A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d \d{{4}})\] "
    ))
});
static DATED: LazyLock<Option<Regex>> = LazyLock::new(|| bytes(&format!(r"^\[?({DATE})\]? ?")));
static KEYED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    bytes(&format!(
        r#"^[^ ]{{0,20}}(?:[\s,{{]|^)"?(?:time|ts|timestamp|@timestamp|t)"?[=:] ?"?({DATE}|\d{{10}}\.\d+)"#
    ))
});
static KEYED_ANYWHERE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    bytes(&format!(
        r#"(?:[\s,{{]|^)"?(?:time|ts|timestamp|@timestamp|t)"?[=:] ?"?({DATE}|\d{{10}}\.\d+)"#
    ))
});
static START: LazyLock<Option<Regex>> = LazyLock::new(|| {
    bytes(
        r#"^(?:<\d{1,3}>|[a-z]+ *:[a-z]+ *: \[|\{"|\[ *\d|\[[A-Z][a-z]{2} [A-Z][a-z]{2} |[IWEF]\d{4} \d\d:|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:|\d{4}[-/]\d\d[-/]\d\d[T ]|(?:level|time|ts|t)=|(?:INFO|WARN|WARNING|ERROR|FATAL|DEBUG)\b|\s*(?:Warning|Normal) {2}|\d+:[MSC] )"#,
    )
});

fn bytes(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

/// Whether `line` begins as loggers begin a record: such a line goes on with none before it.
#[must_use]
pub fn starts_record(line: &[u8]) -> bool {
    START.as_ref().is_some_and(|r| r.is_match(line))
}

/// Whether `line` is indented, or a cause in a Java stack trace: it goes on with the record before it.
#[must_use]
pub fn continues_record(line: &[u8]) -> bool {
    line.first().is_none_or(|b| matches!(b, b' ' | b'\t')) || line.starts_with(b"Caused by: ")
}

impl<'a> Frame<'a> {
    /// Unwraps `line`: Docker's JSON and the journal's, CRI, syslog and journal, klog, the kernel's ring buffer, in
    /// any nesting.
    #[must_use]
    pub fn of(line: &'a [u8]) -> Self {
        let mut frame = match docker(line).or_else(|| journal(line)) {
            Some(frame) => frame,
            None => Self {
                time: None,
                program: None,
                host: None,
                message: Cow::Borrowed(line),
                is_failure: false,
                partial: false,
            },
        };
        for _ in 0..4 {
            if !frame.peel() {
                break;
            }
        }
        if frame.time.is_none() {
            frame.time = keyed_time(&frame.message);
        }
        frame
    }

    /// What it tells of the message.
    pub(super) fn surroundings(&self) -> Surroundings {
        Surroundings {
            is_logged: self.time.is_some() || self.program.is_some(),
            is_failure: self.is_failure,
        }
    }

    /// Takes one logger's prefix off; `false` when there is none.
    fn peel(&mut self) -> bool {
        let message: &[u8] = &self.message;
        let (eaten, time) = if let Some(c) = captures(&CRI, message) {
            self.partial = &c[2] == b"P";
            (c[0].len(), text(&c[1]))
        } else if let Some(c) = captures(&SYSLOG, message) {
            let program = text(&c[3]);
            let found = (c[0].len(), text(&c[1]));
            self.host.get_or_insert(text(&c[2]));
            self.program.get_or_insert(program);
            found
        } else if let Some(c) = captures(&KLOG, message) {
            let time = format!("{}-{} {}", text(&c[1]), text(&c[2]), text(&c[3]));
            self.is_failure |= message[0] != b'I';
            let found = (c[0].len(), time);
            if of_kubelet(&c[4]) {
                self.program.get_or_insert_with(|| "kubelet".to_owned());
            }
            found
        } else if let Some(c) = captures(&KERNEL, message) {
            let found = (c[0].len(), text(&c[1]));
            self.program.get_or_insert_with(|| "kernel".to_owned());
            found
        } else if let Some(c) =
            captures(&KERNEL_TIME, message).or_else(|| captures(&DATED, message))
        {
            (c[0].len(), text(&c[1]))
        } else {
            return false;
        };
        if eaten == 0 {
            return false;
        }
        self.time.get_or_insert(time);
        match &mut self.message {
            Cow::Borrowed(slice) => *slice = &slice[eaten..],
            Cow::Owned(owned) => {
                owned.drain(..eaten);
            }
        }
        true
    }
}

/// A line of Docker's json-file driver: `{"log":"…\n","stream":"stderr","time":"…"}`.
fn docker(line: &[u8]) -> Option<Frame<'_>> {
    #[derive(serde::Deserialize)]
    struct Line {
        log: String,
        time: Option<String>,
    }
    if !line.starts_with(b"{\"log\":") {
        return None;
    }
    let parsed: Line = serde_json::from_slice(line).ok()?;
    let whole = parsed.log.ends_with('\n');
    Some(Frame {
        time: parsed.time,
        program: None,
        host: None,
        message: Cow::Owned(parsed.log.trim_end_matches('\n').as_bytes().to_vec()),
        is_failure: false,
        partial: !whole,
    })
}

/// A line of `journalctl -o json`: its message is text or, where that is no UTF-8 or has control characters, an array
/// of bytes.
fn journal(line: &[u8]) -> Option<Frame<'_>> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Message {
        Text(String),
        Bytes(Vec<u8>),
    }
    #[derive(serde::Deserialize)]
    struct Line {
        #[serde(rename = "MESSAGE")]
        message: Message,
        #[serde(rename = "SYSLOG_IDENTIFIER")]
        identifier: Option<String>,
        #[serde(rename = "_COMM")]
        comm: Option<String>,
        #[serde(rename = "_HOSTNAME")]
        host: Option<String>,
        #[serde(rename = "__REALTIME_TIMESTAMP")]
        time: Option<String>,
    }
    if !line.starts_with(b"{") || memchr::memmem::find(line, b"\"MESSAGE\"").is_none() {
        return None;
    }
    let parsed: Line = serde_json::from_slice(line).ok()?;
    Some(Frame {
        time: parsed.time,
        program: parsed.identifier.or(parsed.comm),
        host: parsed.host,
        message: Cow::Owned(match parsed.message {
            Message::Text(text) => text.into_bytes(),
            Message::Bytes(bytes) => bytes,
        }),
        is_failure: false,
        partial: false,
    })
}

/// `time=…` of logfmt, `"ts":"…"` of JSON: the first 512 bytes are looked at.
fn keyed_time(message: &[u8]) -> Option<String> {
    // A string of Go or JavaScript.
    if message.trim_ascii_start().starts_with(b"`") {
        return None;
    }
    let head = &message[..message.len().min(512)];
    captures(&KEYED, head)
        .or_else(|| captures(&KEYED_ANYWHERE, head))
        .map(|c| text(&c[1]))
}

fn captures<'h>(
    pattern: &LazyLock<Option<Regex>>,
    haystack: &'h [u8],
) -> Option<regex::bytes::Captures<'h>> {
    pattern.as_ref()?.captures(haystack)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whether klog names a source file that only the kubelet has (pkg/kubelet of k8s.io/kubernetes). kubelet.go is not among them: kops'
/// nodeup and Heapster have one, and kubelet_client.go is the API server's.
fn of_kubelet(file: &[u8]) -> bool {
    const FILES: [&[u8]; 8] = [
        b"cri_stats_provider.go",
        b"eviction_manager.go",
        b"file_linux.go",
        b"kubelet_getters.go",
        b"kubelet_node_status.go",
        b"kubelet_pods.go",
        b"plugin_watcher.go",
        b"pod_workers.go",
    ];
    FILES.contains(&file) || file.starts_with(b"kuberuntime_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(line: &str) -> (Option<String>, Option<String>, String, bool) {
        let f = Frame::of(line.as_bytes());
        let message = String::from_utf8_lossy(&f.message).into_owned();
        (f.time, f.program, message, f.partial)
    }

    #[test]
    fn every_wrapping_comes_off() {
        let said = "failed to create fsnotify watcher: too many open files";
        let some = |s: &str| Some(s.to_owned());
        for (line, time, program, partial) in [
            (said.to_owned(), None, None, false),
            (
                format!("2026-11-21T00:12:31.440286123Z stderr F {said}"),
                some("2026-11-21T00:12:31.440286123Z"),
                None,
                false,
            ),
            (
                format!("2026-11-21T00:12:31.440286123+01:00 stdout P {said}"),
                some("2026-11-21T00:12:31.440286123+01:00"),
                None,
                true,
            ),
            (
                format!(
                    "{{\"log\":\"{said}\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-21T00:12:31Z\"}}"
                ),
                some("2026-11-21T00:12:31Z"),
                None,
                false,
            ),
            (
                format!(
                    "Nov 21 00:37:57 node1 kubelet[3089]: F1121 00:37:57.177528    3089 kubelet.go:1335] {said}"
                ),
                some("Nov 21 00:37:57"),
                some("kubelet"),
                false,
            ),
            (
                format!("2026-11-21T00:37:57+0000 node1 kubelet[3089]: {said}"),
                some("2026-11-21T00:37:57+0000"),
                some("kubelet"),
                false,
            ),
            (
                format!("E1121 00:12:25.298312    2921 file_linux.go:60] {said}"),
                some("11-21 00:12:25.298312"),
                some("kubelet"),
                false,
            ),
            (
                format!("E1121 00:12:25.298312    2921 kubelet.go:231] {said}"),
                some("11-21 00:12:25.298312"),
                None,
                false,
            ),
            (
                format!("[88412.301942] {said}"),
                some("88412.301942"),
                some("kernel"),
                false,
            ),
            (
                format!("<4>[    2.301942] {said}"),
                some("2.301942"),
                some("kernel"),
                false,
            ),
            (
                format!("kern  :warn  : [    2.301942][  T112] {said}"),
                some("2.301942"),
                some("kernel"),
                false,
            ),
            (
                format!("kern  :warn  : [Sat Nov 21 00:37:57 2026] {said}"),
                some("Sat Nov 21 00:37:57 2026"),
                None,
                false,
            ),
            (
                format!("[Sat Nov 21 00:37:57 2026] {said}"),
                some("Sat Nov 21 00:37:57 2026"),
                None,
                false,
            ),
        ] {
            assert_eq!(
                frame(&line),
                (time, program, said.to_owned(), partial),
                "{line}"
            );
        }
    }

    #[test]
    fn the_journal_as_json_has_text_or_bytes() {
        for message in [
            r#""watch \"x\": failed""#,
            "[119,97,116,99,104,32,34,120,34,58,32,102,97,105,108,101,100]",
        ] {
            let line = format!(
                r#"{{"_COMM":"kube","SYSLOG_IDENTIFIER":"kubelet","MESSAGE" : {message},"PRIORITY":"3","__REALTIME_TIMESTAMP":"1763683200000000"}}"#
            );
            let expected = (
                Some("1763683200000000".to_owned()),
                Some("kubelet".to_owned()),
                r#"watch "x": failed"#.to_owned(),
                false,
            );
            assert_eq!(frame(&line), expected);
        }
    }

    #[test]
    fn keyed_times_are_found() {
        let time = |line: &str| frame(line).0;
        assert_eq!(
            time("time=\"2026-11-21T00:14:06.627956007Z\" level=warning msg=\"x\"").as_deref(),
            Some("2026-11-21T00:14:06.627956007Z")
        );
        assert_eq!(
            time("level=error ts=2021-10-28T11:35:44.79Z caller=x.go:1 msg=y").as_deref(),
            Some("2021-10-28T11:35:44.79Z")
        );
        assert_eq!(
            time("{\"level\":\"error\",\"ts\":1763683200.25,\"msg\":\"x\"}").as_deref(),
            Some("1763683200.25")
        );
        assert_eq!(time("no time here"), None);
    }

    #[test]
    fn broken_json_is_a_line_like_any_other() {
        assert_eq!(frame("{\"log\":\"cut").2, "{\"log\":\"cut");
    }
}
