//! What `trace` prints of made calls.

use std::path::Path;

use nospace::output::{Part, json};
use nospace::trace::{CallCount, Counted, SummaryCounts, TraceLine, TraceSummary, TracedCall};
use nospace::ui::screen::Screen;
use nospace::ui::{Charset, Page, is_invisible, trace};
use nospace_core::cause::Cause;
use nospace_core::model::INITIAL_USER_NAMESPACE;
use nospace_core::report::{ContainerRef, Owner, PodPart, RefusingGuard};
use serde_json::Value;

fn pod() -> Owner {
    Owner::Pod {
        namespace: "default".to_owned(),
        name: "web-0".to_owned(),
        uid: "5721c88f".to_owned(),
        container: Some(ContainerRef {
            name: "app".to_owned(),
            id: "15e0b305".to_owned(),
        }),
        part: PodPart::Container,
    }
}

pub fn count(of: Counted, used: u64, limit: u64) -> CallCount {
    CallCount {
        of,
        uid: Some(1000),
        user_name: Some("web".to_owned()),
        user_namespace: Some(INITIAL_USER_NAMESPACE),
        used,
        limit,
    }
}

fn watch() -> TracedCall {
    TracedCall {
        time: "2026-01-02T03:04:05.678901Z".to_owned(),
        call: "inotify_add_watch".to_owned(),
        pid: 4321,
        tid: 4322,
        uid: 1000,
        user_name: Some("web".to_owned()),
        comm: "tail".to_owned(),
        cmdline: None,
        cgroup: None,
        owner: Some(pod()),
        fd: Some(3),
        path: Some("/var/log/app.log".to_owned()),
        path_cut: false,
        argument: 0x302,
        words: ["modify", "create", "delete"].map(str::to_owned).into(),
        result: 1,
        error: None,
        cause: None,
        candidates: Vec::new(),
        otherwise: None,
        count: Some(count(Counted::Watches, 12, 8192)),
        guard: None,
        descriptor_limit: Some(1024),
    }
}

pub fn refused(candidates: &[Cause], count: Option<CallCount>) -> TracedCall {
    let no_watch = candidates == [Cause::InotifyWatches];
    let (call, result, error) = if no_watch {
        ("inotify_add_watch", -28, "ENOSPC")
    } else {
        ("inotify_init1", -24, "EMFILE")
    };
    TracedCall {
        call: call.to_owned(),
        path: no_watch.then(|| "/var/log/app.log".to_owned()),
        words: Vec::new(),
        result,
        error: Some(error.to_owned()),
        cause: (candidates.len() == 1).then(|| candidates[0]),
        candidates: candidates.to_vec(),
        count,
        ..watch()
    }
}

fn hostile() -> TracedCall {
    TracedCall {
        comm: "\u{1b}[2Jevil\n".to_owned(),
        user_name: Some("\u{1b}[31mroot\u{202e}".to_owned()),
        path: Some("/a\u{1b}]0;owned\u{7}\u{202e}/".repeat(60)),
        path_cut: true,
        owner: None,
        ..refused(
            &[Cause::InotifyWatches],
            Some(count(Counted::Watches, 8192, 8192)),
        )
    }
}

fn samples() -> Vec<TracedCall> {
    let instances = Some(count(Counted::Instances, 128, 128));
    let free = Some(count(Counted::Instances, 5, 128));
    vec![
        watch(),
        refused(
            &[Cause::InotifyWatches],
            Some(count(Counted::Watches, 8192, 8192)),
        ),
        refused(&[Cause::InotifyInstances], instances),
        refused(&[Cause::ProcessFiles], free),
        refused(&[Cause::InotifyInstances, Cause::ProcessFiles], None),
        hostile(),
    ]
}

fn summed() -> TraceSummary {
    let mut counts = SummaryCounts::default();
    for call in samples() {
        counts.add(&call);
    }
    let (from, until) = ("2026-01-02T03:04:05.000000Z", "2026-01-02T03:05:05.000000Z");
    let mut summary = counts.summary(from, until, 17);
    summary.last = true;
    summary
}

fn screen(width: usize) -> Screen {
    Screen {
        width,
        ..Screen::default()
    }
}

fn text(page: &Page) -> String {
    let mut out = Vec::new();
    page.write(&mut out).unwrap();
    anstream::adapter::strip_bytes(&out)
        .into_vec()
        .try_into()
        .unwrap()
}

fn drawn(call: &TracedCall, width: usize) -> String {
    text(&trace::call(call, &screen(width), false))
}

#[test]
fn a_call_takes_a_line_where_it_fits() {
    let wide = "03:04:05.678  tail 4321            uid 1000 (web)  default/web-0 app  \
                inotify_add_watch(\"/var/log/app.log\", modify|create|delete) = 1\n";
    assert_eq!(drawn(&watch(), 140), wide);
    let narrow = "03:04:05.678  tail 4321            uid 1000 (web)  default/web-0 app\n    \
                  inotify_add_watch(\"/var/log/app.log\", modify|create|delete) = 1\n";
    assert_eq!(drawn(&watch(), 80), narrow);
}

#[test]
fn a_guard_is_named_that_refused_below_the_limit() {
    let call = TracedCall {
        guard: Some(RefusingGuard { pid: 41, kept: 100 }),
        ..refused(
            &[Cause::InotifyWatches],
            Some(count(Counted::Watches, 900, 1000)),
        )
    };
    let said = drawn(&call, 200);
    let last = said.lines().last().unwrap().trim();
    assert!(last.starts_with("guard (inotify-watches): uid "), "{said}");
    assert!(
        last.ends_with("has 900/1,000 watches; a guard (pid 41) keeps the last 100 for the node, and refused this below the limit"),
        "{said}"
    );
    let mut counts = SummaryCounts::default();
    counts.add(&call);
    let summary = counts.summary("", "", 0);
    assert_eq!(summary.rows[0].guard, call.guard);
    let total = text(&trace::summary(&summary, &screen(200), false));
    let said = "1 call, all failed (none hit a limit; all refused by a guard)";
    assert!(total.contains(said), "{total}");
    assert!(total.contains("guard (inotify-watches)"), "{total}");
}

#[test]
fn below_the_limit_nothing_is_certain() {
    let call = TracedCall {
        cause: None,
        otherwise: Some("a BPF program or security module".to_owned()),
        ..refused(
            &[Cause::InotifyWatches],
            Some(count(Counted::Watches, 900, 1000)),
        )
    };
    let said = drawn(&call, 200);
    let last = said.lines().last().unwrap().trim();
    assert!(
        last.starts_with("inotify-watches, or a BPF program or security module: uid "),
        "{said}"
    );
    assert!(
        last.ends_with("has 900/1,000 watches now; if the limit refused it, some were freed since"),
        "{said}"
    );
    let mut counts = SummaryCounts::default();
    counts.add(&call);
    let page = trace::summary(&counts.summary("", "", 0), &screen(200), false);
    let total = text(&page);
    assert!(
        total.contains("1 call, all failed (all hit a limit, or may have)"),
        "{total}"
    );
}

#[test]
fn a_command_line_follows_its_call() {
    let words = ["tail", "-F", "/var/log/app.log", "\u{1b}[2J"].map(str::to_owned);
    let call = TracedCall {
        cmdline: Some(words.into()),
        ..refused(&[Cause::InotifyWatches], None)
    };
    let said = drawn(&call, 100);
    let last = said.lines().last().unwrap();
    assert_eq!(last.trim(), r"tail -F /var/log/app.log '\x1b[2J'");
}

#[test]
fn a_limit_error_names_the_cause_and_its_numbers() {
    let said = |candidates: &[Cause], count| {
        let page = drawn(&refused(candidates, count), 100);
        page.lines().last().unwrap().trim().to_owned()
    };
    let watches = Some(count(Counted::Watches, 8192, 8192));
    let full = Some(count(Counted::Instances, 128, 128));
    let free = Some(count(Counted::Instances, 5, 128));
    for (candidates, count, figures) in [
        (
            &[Cause::InotifyWatches][..],
            watches,
            &["1000", "8,192/8,192"][..],
        ),
        (&[Cause::InotifyInstances], full, &["1000", "128/128"]),
        (&[Cause::ProcessFiles], free, &["1,024", "5/128"]),
        (
            &[Cause::InotifyInstances, Cause::ProcessFiles],
            None,
            &["1,024"],
        ),
    ] {
        let line = said(candidates, count);
        for expected in candidates
            .iter()
            .map(|cause| cause.code())
            .chain(figures.iter().copied())
        {
            assert!(line.contains(expected), "{expected}: {line}");
        }
    }
}

#[test]
fn golden() {
    for width in [60, 80, 120] {
        let calls: String = samples().iter().map(|call| drawn(call, width)).collect();
        let total = text(&trace::summary(&summed(), &screen(width), false));
        insta::assert_snapshot!(format!("trace-{width}"), calls + &total);
    }
    let interim = TraceSummary {
        last: false,
        lost: 0,
        ..summed()
    };
    insta::assert_snapshot!(
        "trace-interim",
        text(&trace::summary(&interim, &screen(80), false))
    );
}

#[test]
fn every_line_fits_and_none_steers_the_terminal() {
    for width in [60, 80, 120] {
        let summary = text(&trace::summary(&summed(), &screen(width), true));
        for page in samples().iter().map(|c| drawn(c, width)).chain([summary]) {
            for line in page.lines() {
                assert!(nospace::ui::text::width(line) <= width, "{width}: {line}");
                assert_eq!(line.chars().find(|&c| is_invisible(c)), None, "{line}");
            }
        }
    }
}

#[test]
fn ascii_where_the_locale_has_no_more() {
    let screen = Screen {
        charset: Charset::Ascii,
        ..screen(80)
    };
    assert!(text(&trace::call(&hostile(), &screen, false)).is_ascii());
}

#[test]
fn a_summary_names_victims_first_and_says_what_was_lost() {
    let page = text(&trace::summary(&summed(), &screen(120), false));
    let lines: Vec<&str> = page.lines().map(str::trim).collect();
    for (line, figures) in [
        (1, &["2026-01-02", "03:04:05", "03:05:05", "1 min"][..]),
        (2, &["6 calls", "5 failed", "all hit"]),
        (3, &["17 events"]),
    ] {
        for figure in figures {
            assert!(lines[line].contains(figure), "{figure}: {page}");
        }
    }
    assert!(
        page.contains("uid 1000 (web) had 8,192/8,192 watches"),
        "{page}"
    );
    assert!(lines.last().unwrap().contains("  ok  "), "{page}");
}

#[test]
fn json_holds_to_the_schema_and_reads_back() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/trace.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let made = serde_json::to_value(schemars::schema_for!(TraceLine)).unwrap();
    assert_eq!(schema, made, "run: cargo xtask schema");
    let validator = jsonschema::validator_for(&schema).unwrap();
    let calls = samples().into_iter().map(|c| TraceLine::Call(Box::new(c)));
    for line in calls.chain([TraceLine::Summary(summed())]) {
        let mut out = Vec::new();
        json::write(&line, Part::OfStream, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().count(), 1);
        assert_eq!(text.trim_end().chars().find(|&c| is_invisible(c)), None);
        let mut value: Value = serde_json::from_str(&text).unwrap();
        assert!(validator.is_valid(&value), "{text}");
        assert_eq!(serde_json::from_str::<TraceLine>(&text).unwrap(), line);
        // A schema that accepts everything would pass so far.
        value["kind"] = "guess".into();
        assert!(!validator.is_valid(&value));
    }
}
