//! Archives that no recording makes: refused with an error that names what is wrong, never followed,
//! never unpacked into memory without bound.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::io::Write;
use std::path::Path;

use nospace::host::archive::{Contents, load};
use tempfile::TempDir;

const HEAD: &str = r#"{"format":1,"version":"0.1.0","look":{"takenAt":"2026-01-01T00:00:00Z","uid":0,"mountsOf":"self"}}"#;

/// Builds a tar entry by entry, beginning with the head of a good one.
struct Tar(tar::Builder<Vec<u8>>);

impl Tar {
    fn new() -> Self {
        Self(tar::Builder::new(Vec::new())).file("nospace.json", HEAD.as_bytes())
    }

    fn file(mut self, name: &str, contents: &[u8]) -> Self {
        let mut header = tar::Header::new_gnu();
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        // Past the library's own refusal of `..` and absolute names.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        self.0.append(&header, contents).unwrap();
        self
    }

    fn special(mut self, name: &str, kind: tar::EntryType, target: &str) -> Self {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_path(name).unwrap();
        if !target.is_empty() {
            header.set_link_name(target).unwrap();
        }
        header.set_cksum();
        self.0.append(&header, &[][..]).unwrap();
        self
    }

    fn ended(self) -> Vec<u8> {
        self.file("answers.jsonl", b"{\"q\":\"pids\",\"a\":{\"pids\":[1]}}\n")
            .bytes()
    }

    fn bytes(self) -> Vec<u8> {
        zstd::encode_all(&self.0.into_inner().unwrap()[..], 1).unwrap()
    }
}

fn opened(bytes: &[u8]) -> anyhow::Result<Contents> {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("node.tar.zst");
    std::fs::write(&path, bytes).unwrap();
    let contents = load(&path);
    let left: Vec<_> = std::fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "something was unpacked");
    contents
}

fn refusal(bytes: &[u8]) -> String {
    format!("{:#}", opened(bytes).expect_err("it must be refused"))
}

#[test]
fn a_good_one_is_read() {
    let contents = opened(
        &Tar::new()
            .file("files/proc/loadavg", b"0 0 0 1/2 3")
            .ended(),
    )
    .unwrap();
    assert_eq!(contents.files["proc/loadavg"], b"0 0 0 1/2 3");
    assert_eq!(contents.answers.len(), 1);
}

#[test]
fn names_that_lead_out_are_refused() {
    for name in [
        "files/proc/../../etc/shadow",
        "/etc/shadow",
        "../x",
        "files/proc/./x/../y",
    ] {
        let why = refusal(&Tar::new().file(name, b"x").ended());
        assert!(why.contains(&format!("{name:?}")), "{name}: {why}");
    }
}

#[test]
fn names_that_no_recording_has_are_refused() {
    for name in ["files/home/x", "evil", "files", "files/procfs/1/stat"] {
        let why = refusal(&Tar::new().file(name, b"x").ended());
        assert!(why.contains(&format!("{name:?}")), "{name}: {why}");
    }
}

#[test]
fn links_and_devices_are_refused() {
    use tar::EntryType as Kind;
    for (kind, target) in [
        (Kind::Symlink, "/etc/shadow"),
        (Kind::Link, "/etc/shadow"),
        (Kind::Char, ""),
        (Kind::Block, ""),
        (Kind::Fifo, ""),
    ] {
        let why = refusal(
            &Tar::new()
                .special("files/proc/loadavg", kind, target)
                .ended(),
        );
        for part in ["\"files/proc/loadavg\"".to_owned(), format!("{kind:?}")] {
            assert!(why.contains(&part), "{part}: {why}");
        }
    }
}

#[test]
fn a_file_that_is_there_twice_is_refused() {
    let twice = Tar::new()
        .file("files/proc/stat", b"1")
        .file("files/proc/stat", b"2")
        .ended();
    assert!(refusal(&twice).contains("\"files/proc/stat\""));
}

#[test]
fn a_bomb_is_refused_before_it_is_unpacked() {
    // 600 MiB of zeros in a few KB.
    let mut header = tar::Header::new_gnu();
    header.set_size(600 << 20);
    header.set_path("files/proc/loadavg").unwrap();
    header.set_cksum();
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.write_all(header.as_bytes()).unwrap();
    for _ in 0..600 {
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let why = refusal(&encoder.finish().unwrap());
    assert!(why.contains("256 MiB"), "{why}");
}

#[test]
fn a_bomb_of_many_files_is_refused() {
    // Each of a MiB of zeros: none is too large, all together are.
    let zeros = vec![0; 1 << 20];
    let mut tar = tar::Builder::new(zstd::Encoder::new(Vec::new(), 1).unwrap());
    for number in 0..520 {
        let mut header = tar::Header::new_gnu();
        header.set_size(zeros.len() as u64);
        tar.append_data(&mut header, format!("files/proc/{number}/stat"), &zeros[..])
            .unwrap();
    }
    let bytes = tar.into_inner().unwrap().finish().unwrap();
    assert!(bytes.len() < 1 << 20);
    assert!(refusal(&bytes).contains("256 MiB"));
}

#[test]
fn wherever_it_is_cut_it_is_refused() {
    let whole = Tar::new().file("files/proc/loadavg", &[b'7'; 3000]).ended();
    for length in 0..whole.len() {
        let why = refusal(&whole[..length]);
        assert!(why.contains("node.tar.zst"), "{why}");
    }
}

#[test]
fn an_archive_without_its_end_is_refused() {
    assert!(refusal(&Tar::new().bytes()).contains("answers.jsonl"));
}

#[test]
fn what_is_no_archive_is_refused() {
    assert!(refusal(b"PK\x03\x04").contains("zstd"));
    let empty = zstd::encode_all(&[0; 1024][..], 1).unwrap();
    assert!(refusal(&empty).contains("nospace.json"));
    let why = format!("{:#}", load(Path::new("/nonexistent.tar.zst")).unwrap_err());
    assert!(
        why.contains("/nonexistent.tar.zst") && why.contains("No such file"),
        "{why}"
    );
}

#[test]
fn a_newer_format_says_what_reads_it() {
    let head = HEAD
        .replace("\"format\":1", "\"format\":2")
        .replace("0.1.0", "9.0.0");
    let bytes = Tar(tar::Builder::new(Vec::new()))
        .file("nospace.json", head.as_bytes())
        .ended();
    let why = refusal(&bytes);
    assert!(
        why.contains("format") && why.contains("nospace 9.0.0"),
        "{why}"
    );
}

#[test]
fn a_malformed_line_is_named() {
    let bytes = Tar::new()
        .file("answers.jsonl", b"\n{\"q\":\"pids\"}\n")
        .bytes();
    assert!(refusal(&bytes).contains("answers.jsonl, line 2"));
}

#[test]
fn a_directory_with_a_link_in_it_is_refused() {
    let directory = TempDir::new().unwrap();
    std::fs::write(directory.path().join("nospace.json"), HEAD).unwrap();
    std::fs::write(directory.path().join("answers.jsonl"), "").unwrap();
    std::fs::write(directory.path().join("README.md"), "a word beside it").unwrap();
    assert!(load(directory.path()).is_ok());
    std::fs::create_dir_all(directory.path().join("files/proc")).unwrap();
    std::os::unix::fs::symlink("/etc/shadow", directory.path().join("files/proc/x")).unwrap();
    let why = format!("{:#}", load(directory.path()).unwrap_err());
    assert!(why.contains("files/proc/x"), "{why}");
}

/// The most that the program may take in address space: what it takes for a small archive, and the 256 MiB that one may fill.
const ADDRESS_SPACE: u64 = (256 + 200) << 20;

/// An archive whose one answer is `list` (`element`, repeated), compressed as it is made.
fn bomb(question: &str, before: &str, element: &str, after: &str, times: usize) -> Vec<u8> {
    let begin = format!(r#"{{"q":{question},"a":{before}"#);
    let end = format!("{element}{after}}}\n");
    let repeated = format!("{element},");
    let length = begin.len() + repeated.len() * times + end.len();
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    let head = Tar::new().0.into_inner().unwrap();
    encoder.write_all(&head[..head.len() - 1024]).unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_size(length as u64);
    header.set_path("answers.jsonl").unwrap();
    header.set_cksum();
    encoder.write_all(header.as_bytes()).unwrap();
    encoder.write_all(begin.as_bytes()).unwrap();
    let chunk = repeated.repeat(1_000);
    for _ in 0..times / 1_000 {
        encoder.write_all(chunk.as_bytes()).unwrap();
    }
    encoder.write_all(end.as_bytes()).unwrap();
    encoder
        .write_all(&vec![0; 512 - length % 512 + 1024])
        .unwrap();
    encoder.finish().unwrap()
}

/// Runs `check --from` in bounded address space, in which an allocation that fails ends it by a signal.
fn checked(bytes: &[u8]) -> (Option<i32>, String) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("bomb.tar.zst");
    std::fs::write(&path, bytes).unwrap();
    let output = std::process::Command::new("prlimit")
        .arg(format!("--as={ADDRESS_SPACE}"))
        .arg(env!("CARGO_BIN_EXE_nospace"))
        .args(["check", "--from"])
        .arg(&path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

/// 47 KB that became 7.7 GB.
#[test]
fn a_list_of_empty_names_is_refused_at_once() {
    let bytes = bomb(
        r#"{"list":"root/var/log/pods"}"#,
        r#"{"names":["#,
        r#""""#,
        "]}",
        170_000_000,
    );
    assert!(bytes.len() < 100_000, "{}", bytes.len());
    let begin = std::time::Instant::now();
    let (code, said) = checked(&bytes);
    assert!(
        code == Some(3) && said.contains("256 MiB"),
        "{code:?} {said}"
    );
    assert!(begin.elapsed().as_secs() < 5, "{:?}", begin.elapsed());
}

/// Each type of answer, in the shortest form that JSON has for its elements: more than the bound, and as many as fit.
#[test]
fn bombs_of_every_answer_stay_within_memory() {
    let books = |list: &str| {
        let lists = ["instances", "counters", "user_namespaces"];
        let rest: String = lists
            .iter()
            .filter(|l| **l != list)
            .map(|l| format!(r#""{l}":[],"#))
            .collect();
        format!(r#"{{"books":{{"processes":[],"epoll":[],"inotify":{{{rest}"{list}":["#)
    };
    // Far from its limit: a finding for each would be the report that was asked for.
    let counters = r#"[[1,1],1,1,9,9]"#;
    for (question, before, element, after) in [
        (r#"{"list":"root/x"}"#, r#"{"names":["#.to_owned(), r#""""#, "]}"),
        (r#"{"list":"root/x"}"#, r#"{"names":["#.to_owned(), r#""a""#, "]}"),
        (r#""pids""#, r#"{"pids":["#.to_owned(), "1", "]}"),
        (r#"{"subdirectories":"sys/x"}"#, r#"{"subdirectories":["#.to_owned(), r#"["",true]"#, "]}"),
        (r#"{"descriptors":1}"#, r#"{"descriptors":{"total":1,"inotify":["#.to_owned(), "1", "]}}"),
        (r#""sameFiles""#, r#"{"files":["#.to_owned(), "[[1,1],1]", "]}"),
        (r#""books""#, books("instances"), "[1,[1,1],[]]", "]}}}"),
        (r#""books""#, books("counters"), counters, "]}}}"),
        (r#""books""#, books("user_namespaces"), "[1,null]", "]}}}"),
        (r#""books""#, r#"{"books":{"inotify":{"instances":[],"counters":null,"user_namespaces":[]},"epoll":[],"processes":["#.to_owned(), "[1,1,1]", "]}}"),
        (r#""books""#, r#"{"books":{"inotify":{"instances":[],"counters":null,"user_namespaces":[]},"processes":[],"epoll":["#.to_owned(), "[1,1]", "]}}"),
    ] {
        let times = 12_000_000 / (element.len() + 1) / 1_000 * 1_000;
        let (code, said) = checked(&bomb(question, &before, element, after, times));
        let refused = code == Some(3) && said.contains("256 MiB");
        assert!(refused, "{question} {element}: {code:?} {said}");
        // As many as fit are parsed, so the forms above are right.
        let times = 1_500_000 / (1 + element.matches(['[', ',']).count()) / 1_000 * 1_000;
        let (code, said) = checked(&bomb(question, &before, element, after, times));
        assert!(code.is_some() && !said.contains("256 MiB"), "{question} {element}: {code:?} {said}");
        assert!(!said.contains("malformed"), "{question} {element}: {said}");
    }
}

/// Many short answers, many empty files, a long name, a head without end: what surrounds the contents counts as well.
#[test]
fn bombs_of_every_entry_stay_within_memory() {
    let mut answers = String::new();
    for number in 0..2_000_000 {
        answers.push_str(&format!(
            "{{\"q\":{{\"owner\":{number}}},\"a\":{{\"uid\":1}}}}\n"
        ));
    }
    let many = Tar::new().file("answers.jsonl", answers.as_bytes()).bytes();
    let (code, said) = checked(&many);
    assert!(
        code == Some(3) && said.contains("256 MiB"),
        "{code:?} {said}"
    );
    let mut tar = Tar::new();
    for number in 0..990_000 {
        tar = tar.file(&format!("files/proc/{number}"), b"");
    }
    let (code, said) = checked(&tar.bytes());
    assert!(
        code == Some(3) && said.contains("256 MiB"),
        "{code:?} {said}"
    );
    for (kind, part) in [
        (tar::EntryType::GNULongName, "4096"),
        (tar::EntryType::XHeader, "4096"),
        (tar::EntryType::GNULongLink, "GNULongLink"),
        (tar::EntryType::Regular, "256 MiB"),
        (tar::EntryType::GNUSparse, "GNUSparse"),
    ] {
        let (code, said) = checked(&huge(kind, "files/proc/loadavg"));
        assert!(
            code == Some(3) && said.contains(part),
            "{kind:?}: {code:?} {said}"
        );
    }
    let (code, said) = checked(&huge(tar::EntryType::Regular, "nospace.json"));
    assert!(
        code == Some(3) && said.contains("nospace.json"),
        "{code:?} {said}"
    );
}

/// One entry of 400 MB.
fn huge(kind: tar::EntryType, name: &str) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(400 << 20);
    header.set_path(name).unwrap();
    header.set_cksum();
    encoder.write_all(header.as_bytes()).unwrap();
    for _ in 0..400 {
        encoder.write_all(&vec![b'a'; 1 << 20]).unwrap();
    }
    encoder.finish().unwrap()
}
