//! `cargo xtask bench fleet [NODES [SAMPLES]]`: `nospace cluster --via prometheus` and a real Prometheus that has an hour of that many
//! nodes' series, SAMPLES of each. The figures go to docs/benchmarks.md.
//!
//! ```text
//! recorded nodes ─ check -o prometheus ─┐
//! a running agent ─ its own families ───┴─ Shape ─ a name a node ─ remote write ─▶ Prometheus ◀─ nospace cluster
//! ```

mod nodes;
mod queries;
mod remote_write;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use nospace_core::amount::thousands;
use nospace_core::fleet::Fleet;

use self::nodes::{Shape, kube_node_info, shapes};
use self::queries::Log;
use self::remote_write::{Moment, Request, Writer};
use super::agent::{Server, free_address};
use super::measure::{Measured, megabytes, peak, run};
use super::record::Record;
use super::{build, root};

/// Twice what Kubernetes supports in one cluster.
const NODES: usize = 10_000;
/// One a minute: Prometheus's default scrape interval.
const SAMPLES: u32 = 60;
/// In milliseconds.
const HOUR: i64 = 3_600_000;
/// Samples may be this old: a query finds those of the last five minutes.
const FRESH: i64 = 100_000;
/// Nodes of one request.
const AT_ONCE: usize = 20;
/// Prometheus takes no sample that is an hour older than its newest: this much of the hour is written of every node before the next.
const PART: i64 = HOUR * 5 / 6;
/// What Go's garbage collector keeps Prometheus within if it can.
const MEMORY: &str = "14GiB";
/// Runs of nospace.
const ROUNDS: usize = 3;
/// Connections that write at a time.
const WRITERS: usize = 3;

/// Measures and writes.
pub fn bench(nodes: Option<&str>, samples: Option<&str>) -> Result<()> {
    let nodes: usize = nodes.map_or(Ok(NODES), str::parse).context("nodes")?;
    let samples: u32 = samples.map_or(Ok(SAMPLES), str::parse).context("samples")?;
    let root = root();
    let nospace = build(&root)?;
    let mut record = Record::begin("fleet", &format!("{nodes} {samples}"))?;
    let shapes = shapes(&root, &nospace, &page_of_agent(&nospace)?)?;

    let place = tempfile::tempdir()?;
    let log = place.path().join("queries");
    let config = place.path().join("prometheus.yml");
    std::fs::write(
        &config,
        format!("global: {{query_log_file: {}}}\n", log.display()),
    )?;
    let address = free_address()?;
    let mut command = Command::new("prometheus");
    command.arg("--web.enable-remote-write-receiver");
    command.arg(format!("--config.file={}", config.display()));
    command.arg(format!(
        "--storage.tsdb.path={}",
        place.path().join("data").display()
    ));
    command.arg(format!("--web.listen-address={address}"));
    command.env("GOMEMLIMIT", MEMORY);
    let prometheus = Server::start(command, address)?;
    ensure!(nodes <= 100_000, "their names have five digits");
    let names: Vec<String> = (0..nodes).map(|n| format!("node-{n:05}.example")).collect();
    let mut hour = Hour {
        names: &names,
        shapes: &shapes,
        writers: (0..WRITERS)
            .map(|_| Writer::connect(address))
            .collect::<Result<_>>()?,
        interval: HOUR / i64::from(samples),
        next: Timestamp::now().as_millisecond() - HOUR,
        samples: 0,
    };
    let began = Instant::now();
    hour.write()?;
    let written = began.elapsed();
    let at_rest = peak(prometheus.pid())?;
    eprintln!("bench: Prometheus has it all after {written:.0?}");

    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        // What was written first may be too old soon.
        if Timestamp::now().as_millisecond() - hour.next > FRESH {
            hour.write()?;
        }
        let mut command = Command::new(&nospace);
        command.args([
            "cluster",
            "--via",
            &format!("prometheus=http://{address}"),
            "-o",
            "json",
        ]);
        // There is no API server: nodes are those that kube-state-metrics knows.
        command
            .env("KUBECONFIG", "/nonexistent")
            .env_remove("KUBERNETES_SERVICE_HOST");
        let (measured, answer) = run(&mut command)?;
        let fleet: Fleet = serde_json::from_str(&answer.output).with_context(|| answer.errors)?;
        ensure!(
            fleet.counts.current == nodes as u64,
            "{:?}: {:?}",
            fleet.counts,
            fleet.origin.notes
        );
        rounds.push(Round {
            measured,
            answer: answer.output.len(),
        });
    }
    let log = Log::read(&log, ROUNDS)?;
    let peak = peak(prometheus.pid())?;
    let text = Found {
        nodes,
        shapes: &shapes,
        hour: &hour,
        written,
        at_rest,
        peak,
        rounds: &rounds,
    }
    .text(&mut record, address, &log)?;
    record.finish(&text)
}

/// What a running agent exposes once it has checked this machine.
fn page_of_agent(nospace: &Path) -> Result<String> {
    let agent = Server::agent(nospace, &[])?;
    for _ in 0..600 {
        let page = agent.get("/metrics")?;
        if page.contains("nospace_look_age_seconds ") {
            return Ok(page);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    anyhow::bail!("the agent does not check this machine")
}

/// What is written of all nodes.
struct Hour<'h> {
    names: &'h [String],
    shapes: &'h [Shape],
    writers: Vec<Writer>,
    interval: i64,
    /// The next moment, in milliseconds.
    next: i64,
    /// Of each series so far.
    samples: usize,
}

impl Hour<'_> {
    /// Everything until now, or almost: what has come while it was written may be missing.
    fn write(&mut self) -> Result<()> {
        loop {
            let now = Timestamp::now().as_millisecond();
            let end = now.min(self.next + PART);
            let mut moments = Vec::new();
            while self.next <= end {
                moments.push(Moment::new(self.next));
                self.next += self.interval;
            }
            if moments.is_empty() {
                return Ok(());
            }
            self.samples += moments.len();
            let (names, shapes, moments) = (self.names, self.shapes, &moments);
            std::thread::scope(|scope| {
                let writers = self.writers.iter_mut().enumerate();
                let threads: Vec<_> = writers
                    .map(|(at, writer)| {
                        let parts = names.chunks(AT_ONCE).enumerate().skip(at).step_by(WRITERS);
                        scope.spawn(|| write(writer, parts, shapes, moments))
                    })
                    .collect();
                threads.into_iter().try_for_each(|thread| {
                    thread
                        .join()
                        .map_err(|_| anyhow::anyhow!("a writer panicked"))?
                })
            })?;
            eprint!("\rbench: {} samples of each series  ", self.samples);
            // Else what came meanwhile follows at once.
            let took = Timestamp::now().as_millisecond() - now;
            if end == now && (took < FRESH || moments.len() <= 2) {
                return Ok(());
            }
        }
    }
}

/// Writes parts of the nodes, each with its number, at these moments.
fn write<'n>(
    writer: &mut Writer,
    parts: impl Iterator<Item = (usize, &'n [String])>,
    shapes: &[Shape],
    moments: &[Moment],
) -> Result<()> {
    let known = kube_node_info();
    for (part, names) in parts {
        let mut request = Request::default();
        for (at, name) in names.iter().enumerate() {
            shapes[(part * AT_ONCE + at) % shapes.len()].add(&mut request, name, moments);
            request.add(&known, name, moments, |_| 1.0);
        }
        writer.send(&request)?;
    }
    Ok(())
}

/// One run of nospace.
struct Round {
    measured: Measured,
    /// Bytes printed.
    answer: usize,
}

/// Everything that was measured, but queries.
struct Found<'f> {
    nodes: usize,
    shapes: &'f [Shape],
    hour: &'f Hour<'f>,
    written: Duration,
    at_rest: u64,
    peak: u64,
    rounds: &'f [Round],
}

impl Found<'_> {
    fn text(&self, record: &mut Record, address: SocketAddr, log: &Log) -> Result<String> {
        let of = |number: fn(&Shape) -> usize| {
            let all: Vec<usize> = self.shapes.iter().map(number).collect();
            let (least, most) = (all.iter().min(), all.iter().max());
            let mean = all.iter().sum::<usize>() / all.len();
            (
                least.copied().unwrap_or(0),
                mean,
                most.copied().unwrap_or(0),
            )
        };
        let (series, bytes) = (of(Shape::len), of(|shape| shape.bytes));
        let all: usize = (0..self.nodes)
            .map(|n| self.shapes[n % self.shapes.len()].len() + 1)
            .sum();
        let mut times: Vec<f64> = self
            .rounds
            .iter()
            .map(|r| r.measured.time.as_secs_f64())
            .collect();
        times.sort_by(f64::total_cmp);
        let (time, slowest) = (times[times.len() / 2], times[times.len() - 1]);
        let memory = self
            .rounds
            .iter()
            .map(|r| r.measured.memory)
            .max()
            .unwrap_or(0);
        let cpu = self
            .rounds
            .iter()
            .map(|r| r.measured.cpu)
            .max()
            .unwrap_or_default();
        let printed = self.rounds.last().map_or(0, |round| round.answer);
        record.figure("all nodes by Prometheus", time, "s");
        record.figure("nospace, peak", megabytes(memory), "MB");
        record.figure("the slowest query", log.slowest().as_secs_f64(), "s");
        record.figure("Prometheus, peak", megabytes(self.peak), "MB");
        let mut text = format!(
            "\nPrometheus {} has {} samples of each of {} series of {} nodes, those of the recorded nodes of tests/nodes in turn and what only an \
             agent exposes: {} to {} series a node ({} on average) and {} to {} bytes of /metrics ({}). They were written by remote write in {:.0} s, and are in its memory (GOMEMLIMIT={MEMORY}), as \
             the last two hours always are.\n\n| `nospace cluster --via prometheus=URL -o json`, {} runs | |\n|---|---:|\n",
            prometheus_version()?,
            self.hour.samples,
            thousands(all as u64),
            thousands(self.nodes as u64),
            series.0,
            series.2,
            series.1,
            thousands(bytes.0 as u64),
            thousands(bytes.2 as u64),
            thousands(bytes.1 as u64),
            self.written.as_secs_f64(),
            self.rounds.len(),
        );
        let megabytes_of = |bytes: u64| format!("{:.0} MB", megabytes(bytes));
        for (what, figure) in [
            ("time, median", format!("{time:.1} s")),
            ("time, slowest", format!("{slowest:.1} s")),
            (
                "of these nospace's own CPU time, at most",
                format!("{:.1} s", cpu.as_secs_f64()),
            ),
            ("nospace's peak memory", megabytes_of(memory)),
            ("printed", megabytes_of(printed as u64)),
            (
                "Prometheus's peak memory, all written and before the first query",
                megabytes_of(self.at_rest),
            ),
            (
                "Prometheus's peak memory, after all queries",
                megabytes_of(self.peak),
            ),
        ] {
            let _ = writeln!(text, "| {what} | {figure} |");
        }
        text += &log.table(address)?;
        Ok(text)
    }
}

fn prometheus_version() -> Result<String> {
    let (_, answer) = run(Command::new("prometheus").arg("--version"))?;
    let all = answer.output + &answer.errors;
    let version = all.split_whitespace().nth(2).context("no version")?;
    Ok(version.split('+').next().unwrap_or(version).to_owned())
}
