//! Timelines that no recording makes: refused with an error that names what is wrong, within bounded memory.

use std::fs;
use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

use super::said;

/// The most that the program may take in address space: as in tests/archive.rs.
const ADDRESS_SPACE: u64 = (256 + 200) << 20;

/// Entries of a timeline that no recording makes, after a good head.
struct Hostile(tar::Builder<zstd::Encoder<'static, Vec<u8>>>);

impl Hostile {
    fn new() -> Self {
        let mut hostile = Self(tar::Builder::new(
            zstd::Encoder::new(Vec::new(), 1).unwrap(),
        ));
        hostile.add(
            "nospace.json",
            br#"{"format":2,"timeline":{"everyMs":1000},"version":"0.1.0","look":{"takenAt":"2026-01-01T00:00:00Z","uid":0,"mountsOf":"self"}}"#,
        );
        hostile
    }

    fn add(&mut self, name: &str, contents: &[u8]) -> &mut Self {
        let mut header = tar::Header::new_gnu();
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        self.0.append(&header, contents).unwrap();
        self
    }

    fn end(&mut self, number: usize) -> &mut Self {
        let end = format!(
            r#"{{"look":{{"takenAt":"2026-01-01T00:00:00Z","uid":0,"mountsOf":"self"}},"seconds":{number}}}"#
        );
        self.add(&format!("samples/{number}/sample.json"), end.as_bytes())
    }

    fn checked(self) -> (Option<i32>, String) {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("hostile.tar.zst");
        fs::write(&path, self.0.into_inner().unwrap().finish().unwrap()).unwrap();
        let output = Command::new("prlimit")
            .arg(format!("--as={ADDRESS_SPACE}"))
            .arg(cargo_bin!("nospace"))
            .args(["check", "--from"])
            .arg(&path)
            .output()
            .unwrap();
        (output.status.code(), said(&output))
    }
}

#[test]
fn bombs_are_refused_within_memory() {
    let zeros = vec![0; 100 << 20];
    // One sample too large; one that grows over samples; one that is not replaced but added to.
    let mut large = Hostile::new();
    for number in 0..3 {
        large.add(&format!("samples/0/files/proc/{number}"), &zeros);
    }
    large.end(0);
    let mut growing = Hostile::new();
    for number in 0..3 {
        growing
            .add(&format!("samples/{number}/files/proc/{number}"), &zeros)
            .end(number);
    }
    let names = format!(
        "{{\"q\":{{\"list\":\"root/x\"}},\"a\":{{\"names\":[{}\"\"]}}}}\n",
        "\"\",".repeat(10_000_000)
    );
    let mut answers = Hostile::new();
    answers
        .add("samples/0/answers.jsonl", names.as_bytes())
        .end(0);
    let mut gone = Hostile::new();
    let line = format!("{{\"file\":\"{}\"}}\n", "x".repeat(200 << 20));
    gone.add("samples/0/gone.jsonl", line.as_bytes()).end(0);
    for bomb in [large, growing, answers, gone] {
        let (code, text) = bomb.checked();
        assert!(
            code == Some(3) && text.contains("256 MiB"),
            "{code:?} {text}"
        );
    }
    // Replaced again and again it is no more than one of them.
    let mut replaced = Hostile::new();
    for number in 0..6 {
        replaced
            .add(&format!("samples/{number}/files/proc/x"), &zeros)
            .end(number);
    }
    let (code, text) = replaced.checked();
    assert!(
        code.is_some() && !text.contains("256 MiB"),
        "{code:?} {text}"
    );
}

#[test]
fn what_no_recording_writes_is_refused() {
    let with = |name: &str, contents: &[u8]| {
        let mut hostile = Hostile::new();
        hostile.add(name, contents).end(0);
        hostile.checked()
    };
    for name in [
        "samples/0/files/proc/../../etc/shadow",
        "/etc/shadow",
        "samples/0/files/home/x",
        "samples/0/evil",
        "samples/-1/files/proc/x",
        "samples/0",
        "files/proc/x",
    ] {
        let (code, text) = with(name, b"x");
        assert!(
            code == Some(3) && text.contains(&format!("{name:?}")),
            "{name}: {code:?} {text}"
        );
    }
    for (name, contents, part) in [
        ("samples/0/answers.jsonl", &b"{}\n"[..], "answers.jsonl, line 1"),
        // A recording may begin with any number, but then goes on from there.
        ("samples/1/files/proc/x", b"x", "\"samples/0/sample.json\" is out of order: sample 1 comes next"),
        ("samples/0/gone.jsonl", b"\n7\n", "gone.jsonl, line 2"),
        ("samples/0/sample.json", b"{\"look\":{\"takenAt\":\"noon\",\"uid\":0,\"mountsOf\":\"self\"},\"seconds\":0}", "\"noon\" is not a time"),
        ("samples/0/sample.json", b"{\"look\":{\"takenAt\":\"2026-01-01T00:00:00Z\",\"uid\":0,\"mountsOf\":\"self\"},\"seconds\":-1}", "order of their time"),
    ] {
        let (code, text) = with(name, contents);
        assert!(code == Some(3) && text.contains(part), "{name}: {code:?} {text}");
    }
    let (code, text) = Hostile::new().checked();
    assert!(
        code == Some(3) && text.contains("before its first sample"),
        "{code:?} {text}"
    );
}
