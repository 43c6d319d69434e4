use proptest::prelude::*;

use super::*;

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(NormalForm::of(line).text()).into_owned()
}

#[test]
fn quotes_come_out_of_any_depth() {
    for depth in 0..=4 {
        let slashes = "\\".repeat((1 << depth) - 1);
        let line = format!("mounting {slashes}\"/sys{slashes}\" to rootfs");
        assert_eq!(text(line.as_bytes()), "mounting \"/sys\" to rootfs");
    }
}

#[test]
fn every_escape_is_undone() {
    for (line, plain) in [
        (r"a \u003c b\u0020c", "a < b c"),
        (r"line\nnext\tcolumn", "line next column"),
        ("‘a’ “b” «c» `d´ 「e」", r#"'a' "b" "c" 'd' "e""#),
        (
            "say &quot;x&quot; &amp;amp; &#39;y&#39;",
            r#"say "x" & 'y'"#,
        ),
        ("\u{1b}[31;1mred\u{1b}[0m plain", "red plain"),
        (r"\u001b[31mred\x1b[0m \033[1mbold#033[0m", "red bold"),
        (r"Ger\xe4t", "Ger\u{fffd}t"),
        (r"Ger\303\244t Ger#303#244t Ger\u00e4t", "Gerät Gerät Gerät"),
        ("a \t  b\u{a0}c", "a b c"),
        ("错误：x", "错误: x"),
    ] {
        assert_eq!(text(line.as_bytes()), plain, "{line}");
    }
}

/// Each removed colour may leave the beginning of another; found by fuzzing.
#[test]
fn deep_nesting_comes_to_an_end() {
    for depth in [1, 11, 12, 13, 40, 2_000] {
        for (open, close) in [
            (r"\e", "[m"),
            (r"\x1b", "[0m"),
            ("&amp;", "quot;"),
            (r"\e", "[31m"),
        ] {
            let line = format!("a {}{} b", open.repeat(depth), close.repeat(depth));
            let normal = NormalForm::of(line.as_bytes());
            let again = NormalForm::of(normal.text());
            assert_eq!(again.text(), normal.text(), "{depth} {open}");
            assert!(normal.text().starts_with(b"a ") && normal.text().ends_with(b" b"));
        }
    }
}

#[test]
fn what_is_no_escape_stays() {
    for line in [
        r"dev-disk-by\x2dlabel.swap",
        r"ends with \",
        r"a \u0000 \u00",
        "issue #303 of 2026",
        "a & b &copy; <c>",
        "é – ü",
        "[31m without ESC",
    ] {
        assert_eq!(text(line.as_bytes()), line);
    }
}

#[test]
fn every_spelling_is_english_in_every_encoding() {
    for Spelling {
        english,
        text: words,
        ..
    } in spellings()
    {
        let expected = format!("x: {english}");
        let json: String = words
            .chars()
            .map(|c| {
                if c.is_ascii() {
                    c.to_string()
                } else {
                    format!("\\u{:04x}", c as u32)
                }
            })
            .collect();
        for line in [format!("x: {words}"), format!("x: {json}")] {
            let found = text(line.as_bytes());
            assert!(found.eq_ignore_ascii_case(&expected), "{line}: {found}");
        }
    }
    assert_eq!(
        text(b"x: Auf dem Ger\xe4t ist kein Speicherplatz mehr verf\xfcgbar"),
        "x: No space left on device"
    );
    assert_eq!(
        text(b"x: Auf dem Ger?t ist kein Speicherplatz mehr verf?gbar"),
        "x: No space left on device"
    );
}

#[test]
fn every_way_of_writing_an_errno_is_found() {
    use Errno::{EAGAIN, EDQUOT, EMFILE, ENOSPC};
    for (line, errno, form) in [
        ("x: no space left on device", ENOSPC, Form::Words),
        ("SDStoo many open files", EMFILE, Form::Words),
        ("x failed: ENOSPC", ENOSPC, Form::Name),
        ("write() = -1 EDQUOT", EDQUOT, Form::Name),
        ("x failed, errno 28", ENOSPC, Form::Number),
        ("x (os error 24)", EMFILE, Form::Number),
        ("Os { code: 28, kind: Other }", ENOSPC, Form::Number),
        ("Can't create TCP/IP socket (24)", EMFILE, Form::Number),
        ("(errno: 24 - x)", EMFILE, Form::Number),
        ("io_setup failed with error 28", ENOSPC, Form::Number),
        ("btrfs: failed (-28, x)", ENOSPC, Form::Number),
        ("usb: ret=-28", ENOSPC, Form::Number),
        ("'aio write' returned OS error 122", EDQUOT, Form::Number),
        ("pthread_create failed, errno=11", EAGAIN, Form::Number),
    ] {
        let found = NormalForm::of(line.as_bytes()).mentions();
        assert!(
            found.iter().any(|m| (m.errno, m.form) == (errno, form)),
            "{line}: {found:?}"
        );
    }
    for line in [
        "2021-11-28 10:24:28",
        "took 28 ms",
        "pid 24",
        "error 11",
        "line (24 of 28)",
        "x[24]: y",
    ] {
        let found = NormalForm::of(line.as_bytes()).mentions();
        let found: Vec<_> = found
            .iter()
            .filter(|m| !line.contains("x[24]") || m.form > Form::Number)
            .collect();
        assert_eq!(found, [] as [&Mention; 0], "{line}");
    }
}

#[test]
fn ranges_point_into_the_line() {
    let line = "x \\\"\u{1b}[1m设备上没有空间\u{1b}[0m\\\" y".as_bytes();
    let normal = NormalForm::of(line);
    let mention = &normal.mentions()[0];
    let original = normal.original(mention.span.clone());
    assert_eq!(
        std::str::from_utf8(&line[original]).unwrap(),
        "设备上没有空间"
    );
    // Half of it is all of it: the words stand for the whole.
    let half = mention.span.start..mention.span.start + 3;
    assert_eq!(
        std::str::from_utf8(&line[normal.original(half)]).unwrap(),
        "设备上没有空间"
    );
}

/// Bytes of which escapes are made, errnos, and anything.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        r#"[\\u0-9a-fx"'`&;#\[mamp quot]{0,12}"#.prop_map(String::into_bytes),
        prop::sample::select(
            spellings()
                .map(|spelling| spelling.text)
                .collect::<Vec<_>>()
        )
        .prop_map(|words| words.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..8),
        Just(b"\x1b[31m".to_vec()),
        Just(br"\u005c\u0022".to_vec()),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn offsets_lie_in_the_line_and_grow(line in lines()) {
        let normal = NormalForm::of(&line);
        let mut last = 0;
        for at in 0..normal.text().len() {
            let range = normal.original(at..at + 1);
            prop_assert!(range.start >= last && range.start < range.end && range.end <= line.len());
            last = range.start;
        }
        let all = normal.original(0..normal.text().len());
        prop_assert!(all.start <= all.end && all.end <= line.len());
        for mention in normal.mentions() {
            prop_assert!(mention.span.end <= normal.text().len());
        }
    }

    #[test]
    fn a_normal_form_is_its_own(line in lines()) {
        let once = NormalForm::of(&line);
        let twice = NormalForm::of(once.text());
        prop_assert_eq!(once.text(), twice.text());
    }
}
