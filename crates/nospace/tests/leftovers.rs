//! However looks end, they leave no BPF program, map or link behind.
//!
//! A hundred looks by default; `NOSPACE_LOOKS=1000` makes it so many.

#![cfg(feature = "ebpf")]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use libbpf_rs::query::{LinkInfoIter, MapInfoIter, ProgInfoIter};

const LOOKS: u32 = 100;
/// One look in so many is killed while it runs.
const KILLED: u32 = 10;

/// Programs, maps and links in the kernel now.
fn objects() -> (usize, usize, usize) {
    let programs = ProgInfoIter::default().count();
    (
        programs,
        MapInfoIter::default().count(),
        LinkInfoIter::default().count(),
    )
}

fn look() -> std::process::Child {
    let mut nospace = Command::new(cargo_bin!("nospace"));
    nospace
        .args(["check", "-o", "json"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    nospace.spawn().unwrap()
}

#[test]
fn many_looks_leave_nothing() {
    let output = Command::new(cargo_bin!("nospace"))
        .args(["check", "-o", "json"])
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    if report["collectors"][0]["source"] != "ebpf" {
        eprintln!(
            "skipped: the kernel's books cannot be read here: {}",
            report["collectors"][0]["gaps"]
        );
        return;
    }
    let looks = std::env::var("NOSPACE_LOOKS")
        .ok()
        .and_then(|looks| looks.parse().ok());
    let before = objects();
    for number in 0..looks.unwrap_or(LOOKS) {
        let mut look = look();
        if number % KILLED == 0 {
            // At another moment each time, from before the programs are loaded to after.
            std::thread::sleep(Duration::from_micros(u64::from(number % 1000) * 30));
            look.kill().unwrap();
        }
        look.wait().unwrap();
    }
    // The kernel frees them a little later than the process ends.
    let deadline = Instant::now() + Duration::from_secs(20);
    while objects() != before && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(objects(), before, "(programs, maps, links)");
}
