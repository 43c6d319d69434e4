//! Calls that are refused while a timeline is recorded.

use nospace_core::report::Refusals;

use super::*;

/// Takes all instances of a user namespace of its own, and is then refused five.
const REFUSED: &str = "
import ctypes, time
libc = ctypes.CDLL(None)
open('/proc/self/comm', 'w').write('refused-here')
open('/proc/sys/user/max_inotify_instances', 'w').write('3')
for n in range(8):
    libc.inotify_init1(0)
    time.sleep(0.02)
";

fn refused(path: &Path) -> Option<Refusals> {
    let output = nospace(&["diff", path.to_str().unwrap(), "-o", "json"]);
    let difference: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    serde_json::from_value(difference["refusals"].clone()).unwrap()
}

#[test]
fn a_timeline_has_the_calls_that_were_refused() {
    if nospace(&["trace", "--duration", "0.1s"]).status.code() != Some(0) {
        eprintln!("not tested: calls cannot be traced here");
        return;
    }
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.tar.zst");
    let mut record = Command::new(cargo_bin!("nospace"));
    record.args(["record", "--every", "0.2s", "--for", "60s"]);
    let mut recording = record.arg(&path).stderr(Stdio::null()).spawn().unwrap();
    let samples = || Replay::open(&path).map_or(0, |replay| replay.samples().len());
    let wait_for = |least: usize| {
        let mut tries = 0;
        while samples() < least {
            std::thread::sleep(Duration::from_millis(50));
            tries += 1;
            assert!(tries < 1200, "no samples");
        }
    };
    wait_for(2);
    let done = Command::new("unshare")
        .args(["--user", "--map-root-user", "python3", "-c", REFUSED])
        .status()
        .unwrap();
    assert!(done.success());
    wait_for(samples() + 4);
    let pid = rustix::process::Pid::from_child(&recording);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert!(recording.wait().unwrap().success());

    let refusals = refused(&path).unwrap();
    let ours = refusals
        .calls
        .iter()
        .filter(|one| one.comm == "refused-here");
    let ours: Vec<_> = ours
        .map(|one| {
            (
                one.times,
                one.call.as_str(),
                one.error.as_str(),
                one.causes[0].code(),
            )
        })
        .collect();
    assert_eq!(
        ours,
        [(5, "inotify_init1", "EMFILE", "inotify-instances")],
        "{refusals:?}"
    );
    let page = nospace(&["report", "--from", path.to_str().unwrap(), "-o", "html"]);
    let page = String::from_utf8_lossy(&page.stdout).into_owned();
    assert!(page.contains("<path class=tick"), "{page}");
    let report = nospace(&["report", "--from", path.to_str().unwrap(), "-o", "text"]);
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(report.contains("5 calls refused until "), "{report}");
    assert!(
        report.contains("inotify_init1 of refused-here (pid "),
        "{report}"
    );
}

#[test]
fn what_was_not_recorded_is_not_called_none() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.tar.zst");
    assert!(record(&path, "0.1", "0.3s").status().unwrap().success());
    assert_eq!(refused(&path), None);
    let why = "refused calls were not recorded: recorded with --no-ebpf";
    for command in [&["diff"][..], &["report", "-o", "text", "--from"]] {
        let output = nospace(&[command, &[path.to_str().unwrap()]].concat());
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(printed.contains(why), "{printed}");
    }
    // One that an older nospace recorded has no answer at all.
    let live = Live::open(&Roots::default(), false).unwrap();
    let mut writer = TimelineWriter::new(File::create(&path).unwrap(), live.look(), 100).unwrap();
    for second in [0.0, 5.0] {
        let recording = Recording::new(&live, writer, false);
        collect(&recording);
        writer = recording.into_writer();
        writer.end_sample(live.look(), second).unwrap();
    }
    writer.finish().unwrap();
    let output = nospace(&["report", "-o", "text", "--from", path.to_str().unwrap()]);
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        printed.contains("not recorded: an older nospace"),
        "{printed}"
    );
}
