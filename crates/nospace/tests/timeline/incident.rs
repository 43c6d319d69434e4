//! What people read of a real incident: tests/timelines/config-reloader.tar.zst, recorded by `tests/node/run.sh host incident`.

use super::*;

const WORKLOAD: &str = "deployment default/config-reloader";
/// Before the pod came, and when nothing was left.
const HEALTHY: &str = "07:42:29";
const EXHAUSTED: &str = "07:45:34";

/// `nospace ARGUMENTS` of the timeline, whose node was in namespaces of its own.
fn read(arguments: &[&str]) -> String {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/timelines/config-reloader.tar.zst");
    let output = Command::new(cargo_bin!("nospace"))
        .args(arguments)
        .arg(file)
        .env("NOSPACE_WHOLE_NODE", "1")
        .env("COLUMNS", "80")
        .output()
        .unwrap();
    assert!(output.status.code() < Some(3), "{}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_report_tells_the_story_in_its_order() {
    let markdown = read(&["report", "-o", "markdown", "--from"]);
    let mut rest = markdown.replace('\\', "");
    for part in [
        "| uid 0 (root) |",
        "begins: OK",
        "will run out in 2 min at the current rate, 38 instances/min (100 % of it from pod default/config-reloader-5dd5756b68-2xqzv)",
        "OK becomes CRITICAL",
        "uid 0 (root) has used 122 of 128 inotify instances (95 %)",
        "1 call refused: inotify_init1 of kubelet",
        "10 calls refused until 07:45:36: inotify_init1 of watcher",
        // Before what follows from it.
        "the limit of inotify instances of uid 0 (root) changed from 128 to 8,192",
        "no longer found: uid 0 (root) has used 128 of 128 inotify instances (100 %)",
        "CRITICAL becomes OK",
    ] {
        let at = rest.find(part);
        let at = at.unwrap_or_else(|| panic!("{part} is not there, or too early:\n{markdown}"));
        rest = rest.split_off(at + part.len());
    }
    // It is gone at the end.
    let row = format!("| {WORKLOAD} | 132 | 0 | 528 | 0 |");
    assert!(rest.contains(&row), "{rest}");
    let text = read(&["report", "-o", "text", "--from"]);
    let held = format!("held: {WORKLOAD}: 528 watches, 132 instances at most\n");
    assert!(text.contains(&held), "{text}");
}

/// 8,192 would leave nothing to be seen of 132.
#[test]
fn a_raised_limit_does_not_flatten_the_plot() {
    let page = read(&["report", "--from"]);
    let plot = page.split("<figure").nth(1).unwrap();
    assert!(plot.contains("inotify instances of uid 0 (root)"), "{plot}");
    let top = plot.split("class=top>").nth(1).unwrap();
    let top: u32 = top.split('<').next().unwrap().parse().unwrap();
    assert!((128..160).contains(&top), "{plot}");
    // The old limit, the refused calls, and when it was raised.
    for part in ["class=limit", "class=tick", "class=\"mark ok\""] {
        assert!(plot.contains(part), "no {part}: {plot}");
    }
}

#[test]
fn the_difference_names_the_pod_in_80_columns() {
    let text = read(&["diff", "--at", HEALTHY, "--at", EXHAUSTED]);
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    for line in [
        "      +118      128        128  inotify instances of root",
        "     +472  472       +118  118  deployment default/config-reloader (new)",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}: {text}");
    }
    let raised = read(&["diff", "--at", EXHAUSTED]);
    assert!(
        raised.contains("128 to 8,192  inotify instances of root"),
        "{raised}"
    );
}
