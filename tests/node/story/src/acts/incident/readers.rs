//! What is read of the incident afterwards: the report, `top` at the moment when all was used up, and what changed until then.

use anyhow::{Context as _, ensure};
use nospace_core::diff::Difference;

use super::{Incident, POD, WORKLOAD};
use crate::Stage;
use crate::node::text;
use crate::tmux::Tmux;

/// The report says who, when, what was refused and that the limit was raised, in this order.
pub fn report(stage: &mut Stage, incident: &Incident) -> anyhow::Result<()> {
    let write = |format: &str, name: &str| {
        let mut command = stage.nospace.command(&["report", "-o", format, "--from"]);
        command
            .arg(&incident.timeline)
            .arg("--logs")
            .arg(&incident.log);
        let made = text(&mut command, "nospace report")?;
        std::fs::write(incident.timeline.with_file_name(name), &made)?;
        anyhow::Ok(made)
    };
    let markdown = write("markdown", "report.md")?;
    let page = write("html", "report.html")?;
    let short = write("text", "report.txt")?;
    let events: Vec<&str> = markdown.lines().filter(|l| l.starts_with("- ")).collect();
    // Underscores are escaped in markdown.
    let event = |parts: &[&str]| {
        let is_it = |line: &&str| {
            parts
                .iter()
                .all(|part| line.replace('\\', "").contains(part))
        };
        let at = events.iter().position(is_it);
        at.with_context(|| format!("no event with {parts:?}:\n{markdown}"))
    };
    let begins = event(&["begins: "])?;
    let full = event(&["has used", "of 128 inotify instances", "(9"])?;
    let of_leak = event(&["refused", "inotify_init1 of watcher", "EMFILE"])?;
    let of_kubelet = event(&["refused", "inotify_init1 of kubelet", "EMFILE"])?;
    let tuned = event(&["limit of inotify instances", "changed from 128 to"])?;
    let is_in_order = begins < full && full <= of_kubelet && of_leak < tuned && of_kubelet < tuned;
    let holder = format!("| {WORKLOAD} |");
    let held = markdown.lines().find(|line| line.starts_with(&holder));
    let held = held.with_context(|| format!("no row of {WORKLOAD}:\n{markdown}"))?;
    let most: u64 = held
        .split('|')
        .nth(2)
        .and_then(|cell| cell.trim().parse().ok())
        .context("its instances")?;
    for part in [
        POD,
        "inotify_init1",
        "too many open files",
        "<svg",
        "class=tick",
    ] {
        ensure!(page.contains(part), "the page has no {part}");
    }
    let is_said = |text: &str| text.contains(WORKLOAD) && text.contains("of inotify-instances");
    ensure!(is_said(&short), "{short}");
    stage.table.row(
        "`nospace report` of it",
        events[of_kubelet].trim_start_matches("- "),
        &format!(
            "{}; then: {}; {WORKLOAD} held at most {most} instances",
            events[full].trim_start_matches("- "),
            events[tuned].trim_start_matches("- ")
        ),
        is_in_order && most > 64,
    );
    Ok(())
}

/// `top` goes back to when all was used up.
pub fn replay(stage: &mut Stage, incident: &Incident) -> anyhow::Result<()> {
    if !Tmux::is_there() {
        println!("not replayed: tmux is missing");
        return Ok(());
    }
    let command = format!(
        "{} top --from {} --sort instances",
        stage.nospace.path().display(),
        incident.timeline.display()
    );
    let tmux = Tmux::start(160, 30, &command)?;
    let last = tmux.wait("the last sample", |screen| screen.contains("1 Holders"))?;
    // A disk of the machine may fill up meanwhile.
    ensure!(!last.contains("CRITICAL inotify"), "{last}");
    // Back through the samples, to the one before which nothing was refused yet.
    let mut screen = last.clone();
    for _ in 0..200 {
        if screen.contains("CRITICAL") && screen.contains("128/128") {
            break;
        }
        tmux.keys(&["["])?;
        let before = screen.clone();
        screen = tmux.wait("the sample before", |screen| *screen != before)?;
    }
    // The names are shortened in the middle.
    let row = screen
        .lines()
        .find(|line| line.starts_with("default/c") && line.contains("watcher"));
    let row = row.with_context(|| format!("the pod is not at the top:\n{screen}"))?;
    let held: Vec<&str> = row.split_whitespace().collect();
    tmux.keys(&["3"])?;
    let refusals = tmux.wait("what was refused", |screen| {
        screen.contains("inotify_init1") && screen.contains("watcher")
    })?;
    std::fs::write(
        incident.timeline.with_file_name("top.txt"),
        format!("{last}\n{screen}\n{refusals}"),
    )?;
    stage.table.row(
        "`nospace top --from` it, back to where all is used up",
        "",
        &format!(
            "{}; {}",
            screen.lines().next().unwrap_or_default().trim(),
            held.join(" ")
        ),
        screen.contains("100 %"),
    );
    Ok(())
}

/// `diff` of the healthy and the exhausted time names the pod.
pub fn difference(stage: &mut Stage, incident: &Incident) -> anyhow::Result<()> {
    let between = |more: &[&str]| {
        let mut command = stage.nospace.command(&["diff"]);
        command.arg(&incident.timeline).args(more);
        command.args(["--at", &incident.healthy, "--at", &incident.exhausted]);
        text(&mut command, "nospace diff")
    };
    std::fs::write(incident.timeline.with_file_name("diff.txt"), between(&[])?)?;
    let difference: Difference = serde_json::from_str(&between(&["-o", "json"])?)?;
    let grew = difference.workloads.iter();
    let most = grew
        .max_by_key(|change| change.after.holds.instances)
        .context("no workload changed")?;
    let refused = difference.refusals.context("refused calls")?;
    let of_kubelet = refused.calls.iter().any(|call| call.comm == "kubelet");
    stage.table.row(
        "`nospace diff` of the healthy and the exhausted node",
        "",
        &format!(
            "{}: {} to {} instances; {} kinds of refused calls, of the kubelet: {of_kubelet}",
            most.workload,
            most.before.holds.instances,
            most.after.holds.instances,
            refused.calls.len()
        ),
        most.workload.to_string() == WORKLOAD && of_kubelet,
    );
    Ok(())
}
