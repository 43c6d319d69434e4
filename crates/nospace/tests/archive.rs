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
    assert!(why.contains("512 MiB"), "{why}");
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
    assert!(refusal(&bytes).contains("512 MiB"));
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
