use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use nospace_core::fleet::{SUMMARY_BYTES, Summary};
use nospace_core::report::Report;

use crate::agent::{Agent, until};
use crate::http;
use crate::support::NOSPACE;

const OPEN: &str = "Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3";

pub fn served() -> anyhow::Result<()> {
    let agent = Agent::start(&["--node-name=n-1.example"])?;
    ensure!(agent.get("/healthz")?.status == 200);
    let answer = agent.get("/api/v1/report")?;
    let report: Report = serde_json::from_slice(&answer.body)?;
    ensure!(report.node.name == "n-1.example", "{:?}", report.node);
    ensure!(answer.header("content-type") == "application/json");
    let age: u64 = answer.header("age").parse().context("age")?;
    ensure!(age < 60, "{age}");
    let short = agent.get("/api/v1/summary")?;
    ensure!(short.body.len() <= SUMMARY_BYTES && short.header("age").parse::<u64>()? < 60);
    let summary = Summary::read(&short.body)?;
    ensure!(summary.node == report.node.name && summary.limits == report.limits);
    ensure!(!summary.budgets.is_empty() && !summary.headline.is_empty());
    let page = agent.get("/")?;
    ensure!(page.header("content-type") == "text/html; charset=utf-8");
    ensure!(
        page.header("content-security-policy")
            .starts_with("default-src 'none'")
    );
    ensure!(page.text().contains("n-1.example") && page.text().ends_with("</main>"));
    ensure!(agent.get("/favicon.ico")?.status == 404);
    for path in ["/", "/metrics", "/api/v1/report", "/healthz", "/nothing"] {
        let answer = agent.get(path)?;
        ensure!(
            answer.header("cache-control") == "no-cache",
            "{path}: {answer:?}"
        );
        ensure!(
            answer.header("vary") == "accept, accept-encoding",
            "{path}: {answer:?}"
        );
        ensure!(
            answer.header("x-content-type-options") == "nosniff",
            "{path}: {answer:?}"
        );
        ensure!(answer.header("content-length") == answer.body.len().to_string());
    }
    let head = http::request(agent.address, "HEAD", "/metrics", &[])?;
    ensure!(head.status == 200 && head.body.is_empty(), "{head:?}");
    ensure!(
        head.header("content-type").starts_with("text/plain"),
        "{head:?}"
    );
    let post = http::request(agent.address, "POST", "/metrics", &[])?;
    ensure!(
        post.status == 405 && post.header("allow") == "GET,HEAD",
        "{post:?}"
    );
    let looks = agent.metrics()?.one("nospace_looks_total")?;
    for _ in 0..50 {
        agent.get("/metrics")?;
    }
    ensure!(
        agent.metrics()?.one("nospace_looks_total")? == looks,
        "a scrape looked"
    );
    Ok(())
}

fn checked(text: &[u8]) -> anyhow::Result<()> {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("promtool (scripts/prepare test)")?;
    promtool.stdin.take().context("stdin")?.write_all(text)?;
    let output = promtool.wait_with_output()?;
    let said = [output.stdout, output.stderr].concat();
    ensure!(
        output.status.success() && said.is_empty(),
        "{}",
        String::from_utf8_lossy(&said)
    );
    Ok(())
}

pub fn promtool() -> anyhow::Result<()> {
    let agent = Agent::start(&[
        "--interval=100ms",
        "--tune",
        "--tune-ceiling=watches=0,instances=0",
    ])?;
    agent.looks(9)?;
    let answer = agent.get("/metrics")?;
    ensure!(answer.text().contains("nospace_growth_per_second{"));
    checked(&answer.body)?;
    let check = Command::new(NOSPACE)
        .args(["check", "-o", "prometheus"])
        .output()?;
    // Of a machine on which something is hidden from root nothing is known to be well (3).
    let answered = check.status.code().is_some_and(|code| code <= 3);
    ensure!(answered && check.stderr.is_empty(), "{check:?}");
    ensure!(check.stdout.starts_with(b"# HELP nospace_build_info"));
    checked(&check.stdout)
}

/// As the specification of OpenMetrics 1.0 wants it.
pub fn open_metrics() -> anyhow::Result<()> {
    let agent = Agent::start(&[])?;
    let answer = http::get(agent.address, "/metrics", &[OPEN])?;
    ensure!(
        answer
            .header("content-type")
            .starts_with("application/openmetrics-text; version=1.0.0")
    );
    let text = answer.text();
    ensure!(text.ends_with("\n# EOF\n") && text.matches("# EOF").count() == 1);
    let (mut families, mut samples) = (BTreeSet::new(), BTreeSet::new());
    let mut family = ("", "");
    for line in text.lines().filter(|line| *line != "# EOF") {
        if let Some(told) = line.strip_prefix("# TYPE ") {
            family = told.split_once(' ').context("a type")?;
            ensure!(families.insert(family.0), "{line}: told twice");
        } else if !line.starts_with('#') {
            let (sample, value) = line.rsplit_once(' ').context("a sample")?;
            ensure!(samples.insert(sample), "{line}: told twice");
            value.parse::<f64>()?;
            let suffix = match family.1 {
                "counter" => "_total",
                "info" => "_info",
                "gauge" => "",
                other => anyhow::bail!("{other}?"),
            };
            let name = sample.split('{').next().unwrap_or(sample);
            ensure!(
                name == format!("{}{suffix}", family.0),
                "{line} in {family:?}"
            );
        }
    }
    ensure!(families.len() > 20, "{families:?}");
    Ok(())
}

/// The real one, which asks for OpenMetrics.
pub fn prometheus() -> anyhow::Result<()> {
    let agent = Agent::start(&[])?;
    let directory = tempfile::tempdir()?;
    let config = directory.path().join("prometheus.yml");
    fs::write(
        &config,
        format!(
            "scrape_configs: [{{job_name: a, scrape_interval: 1s, static_configs: [{{targets: ['{}']}}]}}]",
            agent.address
        ),
    )?;
    let port = std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port();
    let mut server = Command::new("prometheus")
        .arg(format!("--config.file={}", config.display()))
        .arg(format!(
            "--storage.tsdb.path={}",
            directory.path().join("data").display()
        ))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("prometheus (scripts/prepare test)")?;
    let to: SocketAddr = format!("127.0.0.1:{port}").parse()?;
    let query = |query: &str| {
        let answer = http::get(
            to,
            &format!("/api/v1/query?query={query}"),
            &["Accept: */*"],
        );
        Ok(answer.map_or(String::new(), |answer| answer.text().to_owned()))
    };
    let asked = until("scraped", || {
        let text = query("up")?;
        Ok(text.contains(",\"1\"]").then_some(text))
    })
    .and_then(|_| query("nospace_looks_total"));
    let _ = server.kill();
    let _ = server.wait();
    ensure!(asked?.contains(",\"1\"]"), "no look");
    Ok(())
}

pub fn packed() -> anyhow::Result<()> {
    let agent = Agent::start(&[])?;
    let of = |packing: &str| {
        let line = format!("Accept-Encoding: {packing}");
        http::get(agent.address, "/api/v1/report", &[&line])
    };
    let plain = of("identity")?;
    for none in ["identity", "gzip;q=0", "br", "gzip;q=nonsense"] {
        ensure!(of(none)?.header("content-encoding").is_empty(), "{none}");
    }
    ensure!(of("zstd;q=0.1, GZIP")?.header("content-encoding") == "gzip");
    let gzip = of("gzip")?;
    ensure!(gzip.header("content-encoding") == "gzip");
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(gzip.body.as_slice()).read_to_end(&mut unpacked)?;
    ensure!(unpacked == plain.body && gzip.body.len() < plain.body.len() / 2);
    let zstd = of("zstd, gzip")?;
    ensure!(zstd.header("content-encoding") == "zstd");
    ensure!(zstd::bulk::decompress(&zstd.body, plain.body.len())? == plain.body);
    ensure!(zstd.header("content-length") == zstd.body.len().to_string());
    Ok(())
}
