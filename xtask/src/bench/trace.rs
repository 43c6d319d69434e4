//! `cargo xtask bench trace`: what a trace costs those who are traced and those who are not, and what it
//! misses under pressure; the figures go to docs/benchmarks.md.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use nospace::trace::{TraceLine, TraceSummary};
use nospace_holder::Holder;
use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init, remove_watch};
use rustix::process::{Pid, Signal, kill_process};
use rustix::time::{ClockId, clock_gettime};

use super::build;
use super::record::Record;

/// Pairs of rounds, one without and one with the trace.
const ROUNDS: usize = 15;
/// Calls in a round.
const CALLS: u32 = 20_000;
/// Refusals at each speed.
const REFUSALS: u64 = 500_000;
/// Refusals a second; `None` is as fast as the program can.
const SPEEDS: [Option<u64>; 3] = [Some(10_000), Some(100_000), None];
/// uid of the refused program; no system gives it out.
const UID: u32 = 1_800_000_000;

/// Measures and writes.
pub fn run() -> Result<()> {
    ensure!(
        rustix::process::geteuid().is_root(),
        "tracing needs root: run as root"
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let nospace = build(&root)?;
    let mut record = Record::begin("trace", "")?;
    let mut text = cost(&nospace, &mut record)?;
    text += &losses(&nospace)?;
    record.finish(&text)
}

/// A call that is made over and over.
struct Probe {
    name: &'static str,
    round: fn() -> Result<Duration>,
}

const PROBES: [Probe; 3] = [
    Probe {
        name: "`inotify_add_watch`, `inotify_rm_watch`",
        round: watches,
    },
    Probe {
        name: "`getppid`, never traced",
        round: getppid,
    },
    Probe {
        name: "`mkdir` of an existing directory, reported only when it hits a limit",
        round: mkdir,
    },
];

fn cost(nospace: &Path, record: &mut Record) -> Result<String> {
    let mut text = "\nCPU time of the caller, nanoseconds per call, median:\n\n\
                    | call | no trace | trace | overhead | trace `--failed`, which skips these calls | overhead |\n\
                    |---|---:|---:|---:|---:|---:|\n"
        .to_owned();
    let mut times: Vec<[Vec<f64>; 3]> = PROBES.iter().map(|_| Default::default()).collect();
    for round in 0..ROUNDS {
        eprint!("\rbench: round {} of {ROUNDS}", round + 1);
        for (place, arguments) in [None, Some([].as_slice()), Some(&["--failed"])]
            .into_iter()
            .enumerate()
        {
            let tracing = arguments.map(|a| Tracing::start(nospace, a)).transpose()?;
            for (probe, times) in PROBES.iter().zip(&mut times) {
                let spent = (probe.round)().context(probe.name)?;
                times[place].push(spent.as_secs_f64() * 1e9 / f64::from(CALLS));
            }
            tracing.map(Tracing::end).transpose()?;
        }
    }
    eprintln!();
    for (probe, times) in PROBES.iter().zip(times) {
        let [without, all, failed] = times.map(median);
        record.figure(format!("overhead of {}", probe.name), all - without, "ns");
        let _ = writeln!(
            text,
            "| {} | {without:.0} | {all:.0} | {:.0} | {failed:.0} | {:.0} |",
            probe.name,
            all - without,
            failed - without
        );
    }
    Ok(text)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Of this thread, and nobody else.
fn processor_time() -> Result<Duration> {
    Ok(clock_gettime(ClockId::ThreadCPUTime).try_into()?)
}

fn timed(work: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let before = processor_time()?;
    work()?;
    Ok(processor_time()?.saturating_sub(before))
}

fn watches() -> Result<Duration> {
    let instance = init(CreateFlags::CLOEXEC).context("inotify_init1")?;
    timed(|| {
        for _ in 0..CALLS / 2 {
            let watch = add_watch(&instance, "/", WatchFlags::DELETE_SELF)?;
            remove_watch(&instance, watch)?;
        }
        Ok(())
    })
}

fn getppid() -> Result<Duration> {
    timed(|| {
        for _ in 0..CALLS {
            std::hint::black_box(rustix::process::getppid());
        }
        Ok(())
    })
}

fn mkdir() -> Result<Duration> {
    timed(|| {
        for _ in 0..CALLS {
            let made = rustix::fs::mkdir("/", rustix::fs::Mode::empty());
            ensure!(made == Err(rustix::io::Errno::EXIST), "{made:?}");
        }
        Ok(())
    })
}

fn losses(nospace: &Path) -> Result<String> {
    let mut text = format!(
        "\n{REFUSALS} failing calls by a program that counts them itself, `nospace trace --failed -o json`:\n\n\
         | target calls/s | actual calls/s | reported | lost | nospace's CPU time, µs per reported call |\n\
         |---:|---:|---:|---:|---:|\n"
    );
    for speed in SPEEDS {
        let (seconds, summary, spent) = pressure(nospace, speed)?;
        let wanted = speed.map_or_else(|| "unlimited".to_owned(), |s| s.to_string());
        ensure!(
            summary.refused + summary.lost == REFUSALS,
            "told and lost are not all: {summary:?}"
        );
        let _ = writeln!(
            text,
            "| {wanted} | {:.0} | {} | {} | {:.1} |",
            REFUSALS as f64 / seconds,
            summary.refused,
            summary.lost,
            spent.as_secs_f64() * 1e6 / summary.refused as f64
        );
    }
    Ok(text)
}

/// How long the program pressed, what the trace said, and its processor time.
fn pressure(nospace: &Path, speed: Option<u64>) -> Result<(f64, TraceSummary, Duration)> {
    let namespace = format!("--user-namespace={UID}");
    let mut holder = Holder::start(&[&namespace, "--instances=1", "--watches=5"])?;
    holder.tell("limit watches 5")?;
    let pid = holder.pid().to_string();
    let tracing = Tracing::start(nospace, &["--failed", "--pid", &pid])?;
    let before = children_time();
    let begin = std::time::Instant::now();
    let tried = match speed {
        Some(speed) => holder.tell(&format!("pace {REFUSALS} {speed}"))?,
        None => holder.tell(&format!("press {REFUSALS}"))?,
    };
    let seconds = begin.elapsed().as_secs_f64();
    ensure!(tried.done == 0, "{tried:?}");
    let summary = tracing.end()?;
    Ok((seconds, summary, children_time() - before))
}

/// Processor time of the children that were waited for: the traces.
fn children_time() -> Duration {
    // SAFETY: a rusage is numbers; all zeroes are some.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer leads to what the kernel writes there.
    unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage) };
    super::measure::duration(usage.ru_utime) + super::measure::duration(usage.ru_stime)
}

/// A trace that runs; what it prints goes to a file.
struct Tracing {
    child: Child,
    output: PathBuf,
    _directory: tempfile::TempDir,
}

impl Tracing {
    fn start(nospace: &Path, arguments: &[&str]) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let output = directory.path().join("trace");
        let mut child = Command::new(nospace)
            .args(["trace", "-o", "json"])
            .args(arguments)
            .stdout(std::fs::File::create(&output)?)
            .stderr(Stdio::piped())
            .spawn()?;
        let mut stderr = BufReader::new(child.stderr.take().context("no pipe")?);
        let mut said = String::new();
        while !said.contains("tracing inotify calls") {
            ensure!(stderr.read_line(&mut said)? > 0, "{}", said.trim());
        }
        Ok(Self {
            child,
            output,
            _directory: directory,
        })
    }

    fn end(mut self) -> Result<TraceSummary> {
        let pid = Pid::from_raw(self.child.id().cast_signed());
        kill_process(pid.context("no pid")?, Signal::INT)?;
        ensure!(self.child.wait()?.success(), "the trace failed");
        let lines = BufReader::new(std::fs::File::open(&self.output)?).lines();
        let last = lines.last().context("no line")??;
        match serde_json::from_str(&last)? {
            TraceLine::Summary(summary) if summary.last => Ok(summary),
            other => anyhow::bail!("it ends with {other:?}"),
        }
    }
}
