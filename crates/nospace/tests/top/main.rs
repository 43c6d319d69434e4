//! `nospace top` in a real terminal: tmux shows what it draws, and a holder in a user namespace what is true.

#![allow(clippy::print_stderr, reason = "a test program of its own")]

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod support;
mod tmux;

use std::fs;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use nospace::host::replay::Replay;
use nospace_holder::Holder;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use support::{NOSPACE, test};
use tmux::Tmux;

/// uids of the holders outside of their namespaces: tests run at the same time.
const FOLLOWED: u32 = 797_000;
const WALKED: u32 = 798_000;
/// A user who may have one process, and no thread more.
const ALONE: u32 = 799_000;
const RECORDED: u32 = 796_000;

fn main() -> ExitCode {
    if nospace_holder::is_asked() {
        return nospace_holder::main();
    }
    let mut tests = vec![test("not a terminal", not_a_terminal)];
    if Tmux::is_there() {
        tests.extend([
            test("the screen follows a holder", follows),
            test("the watches of a holder", walks),
            test("q gives the terminal back", || {
                gives_back(|tmux| tmux.keys(&["q"]))
            }),
            test("SIGTERM gives the terminal back", || signal(Signal::TERM)),
            test("SIGINT gives the terminal back", || signal(Signal::INT)),
            test("SIGHUP gives the terminal back", || signal(Signal::HUP)),
            test("SIGQUIT gives the terminal back", || signal(Signal::QUIT)),
            test("Ctrl-Z and fg", stops_and_goes_on),
            test("no descriptor left, another size", no_descriptor_left),
            test("no thread to be had", no_thread),
            test("a timeline, step by step", steps_through),
        ]);
    } else {
        eprintln!("skipped: tmux is missing; scripts/prepare test installs it");
    }
    support::run(tests)
}

fn holder(root: u32, arguments: &[&str]) -> anyhow::Result<Holder> {
    let namespace = format!("--user-namespace={root}");
    Holder::start(&[&[namespace.as_str()], arguments].concat())
}

/// The nospace that runs in it.
fn nospace_in(tmux: &Tmux) -> anyhow::Result<Pid> {
    child(tmux.shell()?)?.context("nospace does not run")
}

/// What the row of `program` says in its columns.
fn row(screen: &str, program: &str) -> Option<Vec<String>> {
    let line = screen.lines().find(|line| line.contains(program))?;
    let (_, after) = line.split_once(program)?;
    Some(after.split_whitespace().map(str::to_owned).collect())
}

fn follows() -> anyhow::Result<()> {
    let tmux = Tmux::start(100, 30, &format!("{NOSPACE} top --interval 1"))?;
    let mut holder = holder(
        FOLLOWED,
        &["--instances=2", "--watches=3", "--comm=top-followed"],
    )?;
    let instances_are = |number: &str| {
        let number = number.to_owned();
        move |screen: &str| {
            row(screen, "top-followed").is_some_and(|row| row.get(2) == Some(&number))
        }
    };
    tmux.wait("2 instances", instances_are("2"))?;
    let tried = holder.tell("open 5")?;
    ensure!(tried.done == 5 && tried.errno.is_none(), "{tried:?}");
    tmux.wait("7 instances", instances_are("7"))?;
    holder.tell("limit instances 9")?;
    let tried = holder.tell("open 5")?;
    ensure!(tried.done == 2 && tried.errno.is_some(), "{tried:?}");
    // The kernel gave two more and refused the next: the screen says both, and that the budget is full.
    tmux.wait("9 instances", instances_are("9"))?;
    let screen = tmux.wait("the budget", |screen| {
        screen.contains(" 9/9 ") && screen.contains("100 %")
    })?;
    ensure!(screen.contains("CRITICAL"), "{screen}");
    if screen.contains("refusals are not traced") {
        eprintln!("no refusal is traced here: {screen}");
        return Ok(());
    }
    holder.tell("press-open 4")?;
    tmux.keys(&["3"])?;
    tmux.wait("a refused call", |screen| {
        screen
            .lines()
            .any(|line| line.contains("top-followed") && line.contains("inotify-instances"))
    })?;
    Ok(())
}

/// What was recorded is shown, at each of its moments.
fn steps_through() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let timeline = directory.path().join("timeline.tar.zst");
    let mut holder = holder(
        RECORDED,
        &["--instances=2", "--watches=3", "--comm=top-recorded"],
    )?;
    let mut record = Command::new(NOSPACE)
        .args(["record", "--every", "1s", "--for", "60s"])
        .arg(&timeline)
        .spawn()?;
    let samples = |least: usize| {
        for _ in 0..600 {
            std::thread::sleep(Duration::from_millis(100));
            let Ok(replay) = Replay::open(&timeline) else {
                continue;
            };
            let there = replay.samples().len();
            if there >= least {
                return Ok(there);
            }
        }
        anyhow::bail!("no {least} samples in a minute")
    };
    let before = samples(2)?;
    let tried = holder.tell("open 5")?;
    ensure!(tried.done == 5, "{tried:?}");
    samples(before + 3)?;
    let pid = Pid::from_child(&record);
    kill_process(pid, Signal::INT)?;
    ensure!(record.wait()?.success(), "record");
    drop(holder);
    let last = samples(1)?;

    let tmux = Tmux::start(
        100,
        24,
        &format!(
            "{NOSPACE} top --from {} --filter top-recorded",
            timeline.display()
        ),
    )?;
    let shows = |number: usize, instances: &'static str| {
        let place = format!("{number} of {last}");
        move |screen: &str| {
            let cell = row(screen, "top-recorded").and_then(|row| row.get(2).cloned());
            screen.contains(&place) && cell.as_deref() == Some(instances)
        }
    };
    let screen = tmux.wait("the last sample", shows(last, "7"))?;
    let is_traced = !screen.contains("not recorded") && !screen.contains("not traced");
    ensure!(is_traced, "{screen}");
    tmux.keys(&["^"])?;
    tmux.wait("the first sample", shows(1, "2"))?;
    tmux.keys(&["]"])?;
    tmux.wait("the second sample", shows(2, "2"))?;
    tmux.keys(&["Space"])?;
    tmux.wait("the last sample, played", shows(last, "7"))?;
    tmux.keys(&["Left"])?;
    tmux.wait("one sample back", shows(last - 1, "7"))?;
    Ok(())
}

fn walks() -> anyhow::Result<()> {
    let _holder = holder(
        WALKED,
        &["--instances=1", "--watches=12", "--comm=top-walked"],
    )?;
    let tmux = Tmux::start(220, 30, &format!("{NOSPACE} top --filter top-walked"))?;
    tmux.wait("the holder", |screen| {
        row(screen, "top-walked").is_some_and(|row| row.iter().any(|cell| cell == "12"))
    })?;
    let cmdline = |screen: &str| screen.contains("nospace-holder --user");
    ensure!(!cmdline(&tmux.screen()?), "nobody asked for command lines");
    tmux.keys(&["c"])?;
    tmux.wait("its command line", cmdline)?;
    tmux.keys(&["c"])?;
    tmux.wait("its name", |screen| !cmdline(screen))?;
    tmux.keys(&["Enter"])?;
    // All in one directory, whose entries have one watch each.
    tmux.wait("its watches", |screen| {
        screen.contains("12 watches, 1 instance") && screen.contains("(12 entries)")
    })?;
    tmux.keys(&["Enter"])?;
    tmux.wait("its files", |screen| screen.matches("8 %").count() == 12)?;
    Ok(())
}

fn signal(signal: Signal) -> anyhow::Result<()> {
    gives_back(|tmux| Ok(kill_process(nospace_in(tmux)?, signal)?))
}

fn gives_back(end: impl Fn(&Tmux) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let tmux = Tmux::start(80, 24, &format!("{NOSPACE} top; echo ended $?; stty -a"))?;
    tmux.wait("a screen", |screen| screen.contains("1 Holders"))?;
    ensure!(tmux.is_alternate()?, "top draws on the screen of the shell");
    end(&tmux)?;
    is_given_back(&tmux, "ended 0")
}

fn is_given_back(tmux: &Tmux, end: &str) -> anyhow::Result<()> {
    let screen = tmux.wait("the shell's screen", |screen| {
        screen.contains(end) && screen.contains("icanon")
    })?;
    ensure!(!tmux.is_alternate()?, "the other screen stays");
    ensure!(tmux.has_cursor()?, "the cursor is gone");
    for mode in ["-icanon", "-echo ", "-isig", "-opost"] {
        ensure!(!screen.contains(mode), "{mode}: {screen}");
    }
    ensure!(
        screen.contains("min = 1") || !screen.contains("min ="),
        "{screen}"
    );
    Ok(())
}

fn stops_and_goes_on() -> anyhow::Result<()> {
    let tmux = Tmux::start(80, 24, "env PS1='shell> ' bash --norc --noprofile -i")?;
    tmux.wait("a prompt", |screen| screen.contains("shell>"))?;
    tmux.keys(&[&format!("{NOSPACE} top"), "Enter"])?;
    tmux.wait("a screen", |screen| screen.contains("1 Holders"))?;
    tmux.keys(&["C-z"])?;
    tmux.wait("the shell", |screen| screen.contains("Stopped"))?;
    ensure!(
        !tmux.is_alternate()? && tmux.has_cursor()?,
        "the terminal was not given back"
    );
    tmux.keys(&["fg", "Enter"])?;
    tmux.wait("a screen again", |screen| screen.contains("1 Holders"))?;
    // From outside, too.
    kill_process(nospace_in(&tmux)?, Signal::TSTP)?;
    tmux.wait("the shell again", |screen| {
        screen.matches("Stopped").count() > 1
    })?;
    tmux.keys(&["fg", "Enter"])?;
    tmux.wait("a screen again", |screen| screen.contains("1 Holders"))?;
    tmux.keys(&["q"])?;
    // What is typed before the terminal is given back is not the shell's.
    tmux.wait("the prompt", |screen| screen.trim_end().ends_with("shell>"))?;
    tmux.keys(&["echo ended $?; stty -a", "Enter"])?;
    is_given_back(&tmux, "ended 0")
}

fn no_descriptor_left() -> anyhow::Result<()> {
    let tmux = Tmux::start(
        100,
        30,
        &format!("{NOSPACE} top --interval 1; echo ended $?; stty -a"),
    )?;
    tmux.wait("a screen", |screen| screen.contains("1 Holders"))?;
    let pid = nospace_in(&tmux)?;
    let none = Rlimit {
        current: Some(3),
        maximum: Some(3),
    };
    prlimit(Some(pid), Resource::Nofile, none).context("cannot take its descriptors")?;
    std::thread::sleep(Duration::from_secs(3));
    tmux.resize(140, 40)?;
    // It says what it cannot see, and never that all is well.
    tmux.wait("a screen of the new size", |screen| {
        let lines: Vec<&str> = screen.lines().collect();
        lines.len() > 35
            && screen.contains("UNKNOWN")
            && lines.iter().any(|line| line.contains("q quit"))
    })?;
    tmux.keys(&["?"])?;
    tmux.wait("the help", |screen| screen.contains("reverse the order"))?;
    tmux.keys(&["q"])?;
    is_given_back(&tmux, "ended 0")
}

fn no_thread() -> anyhow::Result<()> {
    let user = ALONE.to_string();
    let as_user =
        format!("setpriv --reuid {user} --regid {user} --clear-groups prlimit --nproc=1:1");
    let directory = tempfile::tempdir()?;
    // Where the build lies may be closed to other users.
    let program = directory.path().join("nospace");
    fs::copy(NOSPACE, &program)?;
    open(directory.path(), 0o755)?;
    let tmux = Tmux::start(
        100,
        30,
        &format!("{as_user} {} top --no-ebpf", program.display()),
    )?;
    let screen = tmux.wait("a screen", |screen| screen.contains("1 Holders"))?;
    ensure!(
        screen.contains("UNKNOWN") || screen.contains("estimated"),
        "{screen}"
    );
    let tasks = fs::read_dir(format!(
        "/proc/{}/task",
        nospace_in(&tmux)?.as_raw_nonzero()
    ))?
    .count();
    ensure!(tasks == 1, "{tasks} threads");
    tmux.keys(&["2"])?;
    tmux.wait("the limits", |screen| screen.contains("the fullest first"))?;
    Ok(())
}

fn open(path: &std::path::Path, mode: u32) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
}

fn not_a_terminal() -> anyhow::Result<()> {
    let output = Command::new(NOSPACE).arg("top").output()?;
    let says = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.code() == Some(1) && output.stdout.is_empty(),
        "{output:?}"
    );
    ensure!(
        says.contains("terminal") && says.contains("nospace check"),
        "{says}"
    );
    let wrong = Command::new(NOSPACE)
        .args(["top", "--interval", "soon"])
        .output()?;
    ensure!(wrong.status.code() == Some(3), "{wrong:?}");
    Ok(())
}

/// pid of a child of `parent` whose program is nospace.
fn child(parent: Pid) -> anyhow::Result<Option<Pid>> {
    let raw = parent.as_raw_nonzero();
    let own = fs::read_to_string(format!("/proc/{raw}/comm")).unwrap_or_default();
    if own.trim() == "nospace" {
        return Ok(Some(parent));
    }
    let children =
        fs::read_to_string(format!("/proc/{raw}/task/{raw}/children")).unwrap_or_default();
    for pid in children.split_whitespace() {
        let pid = Pid::from_raw(pid.parse()?).context("pid 0")?;
        if let Some(found) = child(pid)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
