//! `cargo xtask bench agent [MINUTES]`: what `nospace agent` costs, beside node_exporter, both scraped on the same load; and that it
//! stays so. The figures go to docs/benchmarks.md.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::load::{Load, Size};
use super::measure::{Usage, megabytes};
use super::pods::Pods;
use super::record::Record;
use super::{build, must_be_root, root};

/// Prometheus' and the agent's own.
const INTERVAL: Duration = Duration::from_secs(15);
/// Looks in a row, to see whether anything grows.
const LOOKS: f64 = 1000.0;
/// Pods of the measurement of scrapes, and scrapes of each page.
const PODS: u32 = 1000;
const SCRAPES: usize = 200;
/// What is asked for, with which headers (Prometheus 3.5 sends no others that matter).
const ASKED: [(&str, &str); 4] = [
    (
        "/metrics",
        "Accept: application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.2\r\nAccept-Encoding: gzip\r\n",
    ),
    ("/metrics", ""),
    ("/api/v1/report", ""),
    ("/", ""),
];

/// Measures and writes.
pub fn run(minutes: Option<&str>) -> Result<()> {
    let minutes: u32 = minutes.map_or(Ok(10), str::parse).context("minutes")?;
    must_be_root()?;
    let root = root();
    let nospace = build(&root)?;
    let exporter = exporter(&root)?;
    let mut record = Record::begin("agent", &minutes.to_string())?;
    let mut text = beside(&nospace, &exporter, minutes, &mut record)?;
    text += &flat(&nospace)?;
    record.finish(&text)
}

/// `cargo xtask bench scrapes`: how long its pages take on a node of a thousand pods.
pub fn scrapes() -> Result<()> {
    must_be_root()?;
    let root = root();
    let nospace = build(&root)?;
    let mut record = Record::begin("scrapes", "")?;
    let text = pages(&nospace, &mut record)?;
    record.finish(&text)
}

fn exporter(root: &Path) -> Result<String> {
    let output = Command::new(root.join("xtask/src/bench/node-exporter.sh"))
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(
        output.status.success(),
        "node-exporter.sh could not fetch it"
    );
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// A program that serves /metrics, until it is dropped.
pub struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// `nospace agent` with these options.
    pub fn agent(nospace: &Path, options: &[&str]) -> Result<Self> {
        Self::agent_by(Command::new(nospace), options)
    }

    /// The same, by a command that starts nospace with the arguments that follow.
    pub fn agent_by(mut command: Command, options: &[&str]) -> Result<Self> {
        let address = free_address()?;
        command
            .args(["agent", "--kube=off", &format!("--listen={address}")])
            .args(options);
        Self::start(command, address)
    }

    /// Another that serves /metrics, with `process_cpu_seconds_total` among them.
    pub fn start(mut command: Command, address: SocketAddr) -> Result<Self> {
        let quiet = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = quiet.spawn().with_context(|| format!("{quiet:?}"))?;
        let server = Self { child, address };
        for _ in 0..600 {
            if server
                .get("/metrics")
                .is_ok_and(|text| text.contains("process_cpu_seconds_total"))
            {
                return Ok(server);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        anyhow::bail!("it does not serve {address}")
    }

    /// The answer's body, as text.
    pub fn get(&self, path: &str) -> Result<String> {
        Ok(String::from_utf8(self.ask(path, "")?)?)
    }

    /// The answer's body, to a request with these headers.
    fn ask(&self, path: &str, headers: &str) -> Result<Vec<u8>> {
        let mut stream = TcpStream::connect(self.address)?;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let head = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let body = answer.split_off(head.context("no answer")? + 4);
        ensure!(
            answer.starts_with(b"HTTP/1.1 200"),
            "{path}: {}",
            answer.escape_ascii()
        );
        Ok(body)
    }

    /// Its pid.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn usage(&self) -> Result<Usage> {
        Usage::of(self.pid())
    }

    /// Checks that it has made.
    pub fn looks(&self) -> Result<f64> {
        let text = self.get("/metrics")?;
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix("nospace_looks_total "));
        Ok(value.context("no looks")?.parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where nothing listens.
pub fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// Both, scraped every 15 s for this many minutes.
fn beside(nospace: &Path, exporter: &str, minutes: u32, record: &mut Record) -> Result<String> {
    eprintln!("bench: making the load");
    let load = Load::make(&Size::times(1))?;
    let address = free_address()?;
    let mut command = Command::new(exporter);
    command.arg(format!("--web.listen-address={address}"));
    let servers = [
        ("`nospace agent`", Server::agent(nospace, &[])?),
        (
            "`nospace agent --trace=off`",
            Server::agent(nospace, &["--trace=off"])?,
        ),
        (
            "node_exporter (Debian's package)",
            Server::start(command, address)?,
        ),
    ];
    let begin = Instant::now();
    let whole = Duration::from_mins(minutes.into());
    let before = servers
        .iter()
        .map(|(_, s)| s.usage())
        .collect::<Result<Vec<_>>>()?;
    let mut most = [0; 3];
    let mut sizes = [0; 3];
    let mut round = 1;
    while begin.elapsed() < whole {
        for (at, (_, server)) in servers.iter().enumerate() {
            sizes[at] = server.get("/metrics")?.len();
            most[at] = server.usage()?.resident.max(most[at]);
        }
        eprint!(
            "\rbench: {} of {} s",
            begin.elapsed().as_secs(),
            whole.as_secs()
        );
        std::thread::sleep((INTERVAL * round).saturating_sub(begin.elapsed()));
        round += 1;
    }
    eprintln!();
    let took = begin.elapsed();
    let mut text = format!(
        "\n{} processes with {} inotify instances and {} watches, {} idle processes, {} open descriptors; {minutes} minutes, a check \
         and a scrape every 15 s:\n\n\
         | | of one core | CPU ms per scrape | resident MB, start | end | peak | descriptors, start | end | bytes of /metrics |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|\n",
        200,
        1000,
        100_000,
        2000,
        load.descriptors()
    );
    for (at, (name, server)) in servers.iter().enumerate() {
        let (then, now) = (before[at], server.usage()?);
        let cpu = (now.cpu - then.cpu).as_secs_f64();
        let _ = writeln!(
            text,
            "| {name} | {:.2} % | {:.1} | {:.1} | {:.1} | {:.1} | {} | {} | {} |",
            cpu / took.as_secs_f64() * 100.0,
            cpu * 1e3 / f64::from(round),
            megabytes(then.resident),
            megabytes(now.resident),
            megabytes(most[at]),
            then.descriptors,
            now.descriptors,
            sizes[at],
        );
        if at == 0 {
            record.figure("agent", cpu / took.as_secs_f64() * 100.0, "% of a core");
            record.figure("agent, resident", megabytes(now.resident), "MB");
            record.figure("agent, peak", megabytes(most[at]), "MB");
        }
    }
    Ok(text)
}

/// Look after look, on the same load.
fn flat(nospace: &Path) -> Result<String> {
    let _load = Load::make(&Size::times(1))?;
    let agent = Server::agent(nospace, &["--interval=10ms"])?;
    let mut text = "\nConsecutive checks, 10 ms apart, on the same load:\n\n\
                    | checks | resident MB | descriptors | CPU ms per check |\n|---:|---:|---:|---:|\n"
        .to_owned();
    let mut last = (agent.looks()?, agent.usage()?.cpu);
    for wanted in [0.1, 0.25, 0.5, 0.75, 1.0].map(|share| share * LOOKS) {
        while agent.looks()? < wanted {
            std::thread::sleep(Duration::from_millis(20));
        }
        let (looks, usage) = (agent.looks()?, agent.usage()?);
        let each = (usage.cpu - last.1).as_secs_f64() * 1e3 / (looks - last.0);
        let _ = writeln!(
            text,
            "| {looks} | {:.1} | {} | {each:.1} |",
            megabytes(usage.resident),
            usage.descriptors
        );
        last = (looks, usage.cpu);
    }
    Ok(text)
}

/// Scrapes on a node of a thousand pods.
fn pages(nospace: &Path, record: &mut Record) -> Result<String> {
    let size = Size {
        holders: PODS,
        instances: 1,
        watches: 10,
        idle: 0,
        openers: 0,
        ..Size::times(1)
    };
    let load = Load::make(&size)?;
    let pods = Pods::of(load.pids())?;
    let agent = Server::agent(nospace, &["--interval=1s", "--top=1000"])?;
    let mut text = format!(
        "\n{SCRAPES} scrapes of each page on a node with {PODS} pods, each with its own series (`--top=1000`), a check every second; \
         milliseconds from connecting to the last byte:\n\n| | bytes | median | p99 | maximum |\n|---|---:|---:|---:|---:|\n"
    );
    for (path, asked) in ASKED {
        let mut times = Vec::new();
        let mut bytes = 0;
        for _ in 0..SCRAPES {
            let begin = Instant::now();
            bytes = agent.ask(path, asked)?.len();
            times.push(begin.elapsed().as_secs_f64() * 1e3);
            // Not in step with the looks, and longer than the agent keeps a page.
            std::thread::sleep(Duration::from_millis(311));
        }
        times.sort_by(f64::total_cmp);
        let packed = if asked.is_empty() { "" } else { ", compressed" };
        record.figure(format!("{path}{packed}"), times[SCRAPES / 2], "ms");
        let _ = writeln!(
            text,
            "| `{path}`{} | {bytes} | {:.1} | {:.1} | {:.1} |",
            if asked.is_empty() {
                ""
            } else {
                ", as Prometheus asks: OpenMetrics, gzip"
            },
            times[SCRAPES / 2],
            times[SCRAPES * 99 / 100 - 1],
            times[SCRAPES - 1]
        );
    }
    drop(agent);
    drop(load);
    drop(pods);
    Ok(text)
}
