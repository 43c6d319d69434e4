//! `cargo xtask bench timeline [MINUTES]`: how large a timeline of a busy node is, and what recording it, reporting it and watching the node
//! with `top` cost. The figures go to docs/benchmarks.md.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::figures::Figures;
use super::measure::{self, Usage, megabytes};
use super::node::Node;
use super::record::Record;
use super::{build, must_be_root, root};

const ROUNDS: usize = 5;
/// How long top runs before it is watched.
const SETTLED: Duration = Duration::from_secs(5);
/// How long `top` is watched.
const WATCHED: Duration = Duration::from_secs(30);
/// What the first frame has.
const FRAME: &[u8] = b"1 Holders";

/// Measures and writes.
pub fn run(minutes: Option<&str>) -> Result<()> {
    let minutes: u32 = minutes.map_or(Ok(10), str::parse).context("minutes")?;
    must_be_root()?;
    let root = root();
    let nospace = build(&root)?;
    let mut record = Record::begin("timeline", &minutes.to_string())?;
    let mut node = Node::make()?;
    let directory = tempfile::tempdir()?;
    let timeline = directory.path().join("timeline.tar.zst");

    let mut text = format!("{}\n\n", node.describe());
    text += &recorded(&nospace, &mut node, minutes, &timeline, &mut record)?;
    text += &reported(&nospace, &timeline, &mut record)?;
    text += &top(&nospace, &mut node, &mut record)?;
    record.finish(&text)
}

fn recorded(
    nospace: &Path,
    node: &mut Node,
    minutes: u32,
    timeline: &Path,
    record: &mut Record,
) -> Result<String> {
    let time = Duration::from_mins(minutes.into());
    eprintln!("bench: recording for {minutes} min");
    let mut command = Command::new(nospace);
    command
        .args(["record", "--every", "5s", "--for"])
        .arg(format!("{minutes}m"))
        .arg(timeline);
    let (measured, answer) = std::thread::scope(|scope| {
        let recording = scope.spawn(|| measure::run(&mut command));
        let lived = node.live(time);
        let recorded = recording.join();
        lived?;
        recorded.ok().context("record was not measured")?
    })?;
    ensure!(answer.status.success(), "record: {}", answer.errors);
    let bytes = std::fs::metadata(timeline)?.len();
    // One at the start, and one more at each interval.
    let samples = u64::from(minutes) * 12 + 1;
    let an_hour = bytes * 720 / samples;
    let share = measured.cpu.as_secs_f64() / measured.time.as_secs_f64() * 100.0;
    record.figure("timeline", megabytes(an_hour), "MB an hour");
    record.figure("record", share, "% of a core");
    Ok(format!(
        "| | |\n|---|---:|\n\
         | samples | {samples} |\n\
         | bytes of the timeline | {bytes} |\n\
         | MB an hour | {:.2} |\n\
         | processor time of `nospace record`, of one core | {share:.2} % |\n\
         | its peak MB | {:.1} |\n",
        megabytes(an_hour),
        megabytes(measured.memory),
    ))
}

fn reported(nospace: &Path, timeline: &Path, record: &mut Record) -> Result<String> {
    let mut times = Vec::new();
    let mut memory = 0;
    let mut bytes = 0;
    for round in 1..=ROUNDS {
        eprintln!("bench: report {round} of {ROUNDS}");
        let mut command = Command::new(nospace);
        command.args(["report", "--from"]).arg(timeline);
        let (measured, answer) = measure::run(&mut command)?;
        ensure!(answer.status.success(), "report: {}", answer.errors);
        times.push(measured.time.as_secs_f64());
        memory = measured.memory.max(memory);
        bytes = answer.output.len();
    }
    let times = Figures::new(times);
    record.figure("report", times.median(), "s");
    Ok(format!(
        "| `nospace report`, median s | {:.2} ({:.2}–{:.2}) |\n\
         | its peak MB | {:.1} |\n\
         | bytes of the page | {bytes} |\n",
        times.median(),
        times.min(),
        times.max(),
        megabytes(memory),
    ))
}

/// `top` in a terminal of its own, which `script` makes.
struct Screen {
    script: Child,
    output: Receiver<Vec<u8>>,
}

impl Screen {
    fn open(nospace: &Path) -> Result<Self> {
        let command = format!(
            "stty cols 120 rows 40; exec {} top --interval 1s",
            nospace.display()
        );
        let mut script = Command::new("script")
            .args(["--quiet", "--flush", "--command", &command, "/dev/null"])
            .env("TERM", "xterm-256color")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("script (Debian: bsdutils)")?;
        let mut stdout = script.stdout.take().context("no pipe")?;
        let (drawn, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(length @ 1..) = stdout.read(&mut buffer) {
                if drawn.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Ok(Self { script, output })
    }

    /// Until the first frame has come.
    fn first_frame(&self) -> Result<()> {
        let mut all = Vec::new();
        while !all.windows(FRAME.len()).any(|part| part == FRAME) {
            all.extend(self.output.recv_timeout(Duration::from_secs(60))?);
        }
        Ok(())
    }

    /// Bytes that were drawn since then.
    fn drawn(&self) -> usize {
        self.output.try_iter().map(|part| part.len()).sum()
    }

    /// pid of the shell that became `top`.
    fn pid(&self) -> Result<u32> {
        let pid = self.script.id();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
        let first = children.split_whitespace().next().context("no top")?;
        Ok(first.parse()?)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // The terminal goes with it, and top with the terminal.
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}

fn top(nospace: &Path, node: &mut Node, record: &mut Record) -> Result<String> {
    let mut frames = Vec::new();
    for round in 1..=ROUNDS {
        eprintln!("bench: top {round} of {ROUNDS}");
        let begin = Instant::now();
        let screen = Screen::open(nospace)?;
        screen.first_frame()?;
        frames.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    let screen = Screen::open(nospace)?;
    screen.first_frame()?;
    let pid = screen.pid()?;
    // The kernel verifies the programs that trace refused calls meanwhile.
    node.live(SETTLED)?;
    let before = Usage::of(pid)?;
    let begin = Instant::now();
    screen.drawn();
    node.live(WATCHED)?;
    let (after, bytes) = (Usage::of(pid).context("top has ended")?, screen.drawn());
    let share = (after.cpu - before.cpu).as_secs_f64() / begin.elapsed().as_secs_f64() * 100.0;
    let frames = Figures::new(frames);
    record.figure("top, first frame", frames.median(), "ms");
    record.figure("top", share, "% of a core");
    record.figure("top, resident", megabytes(after.resident), "MB");
    let mut text = String::new();
    let _ = writeln!(
        text,
        "| first frame of `nospace top`, median ms | {:.0} ({:.0}–{:.0}) |",
        frames.median(),
        frames.min(),
        frames.max()
    );
    let _ = writeln!(
        text,
        "| its processor time in the first {} s, with the start of its trace, ms | {:.0} |",
        SETTLED.as_secs(),
        before.cpu.as_secs_f64() * 1e3
    );
    let _ = writeln!(
        text,
        "| after that, at `--interval 1s`, of one core, over {} s | {share:.2} % |",
        WATCHED.as_secs()
    );
    let _ = writeln!(
        text,
        "| its resident MB | {:.1} |",
        megabytes(after.resident)
    );
    let _ = writeln!(
        text,
        "| bytes a second to the terminal | {:.0} |",
        bytes as f64 / WATCHED.as_secs_f64()
    );
    Ok(text)
}
