//! What Prometheus' own log says of nospace's queries, and each of them once more, alone.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::bench::measure::megabytes;

/// Queries with the times that they took in each round, in seconds.
pub struct Log(BTreeMap<String, Vec<f64>>);

#[derive(Deserialize)]
struct Line {
    params: Params,
    stats: Stats,
}

#[derive(Deserialize)]
struct Params {
    query: String,
}

#[derive(Deserialize)]
struct Stats {
    timings: Timings,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Timings {
    /// With what it waited for others.
    exec_total_time: f64,
}

impl Log {
    /// Reads it; every query must be there as often as there were rounds.
    pub fn read(path: &Path, rounds: usize) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let mut all: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for line in text.lines() {
            let line: Line = serde_json::from_str(line)?;
            let times = all.entry(line.params.query).or_default();
            times.push(line.stats.timings.exec_total_time);
        }
        for (query, times) in &all {
            ensure!(times.len() == rounds, "{query}: {} times", times.len());
        }
        Ok(Self(all))
    }

    /// The longest time of any.
    pub fn slowest(&self) -> Duration {
        let all = self.0.values().flatten().copied();
        Duration::from_secs_f64(all.fold(0.0, f64::max))
    }

    /// A row a query, the slowest first.
    pub fn table(&self, address: SocketAddr) -> Result<String> {
        let mut rows = Vec::new();
        for (query, times) in &self.0 {
            let began = Instant::now();
            let answer = post(address, query)?;
            let alone = began.elapsed().as_secs_f64();
            let most = times.iter().copied().fold(0.0, f64::max);
            let series = answer.matches("\"metric\":").count();
            rows.push((most, alone, series, answer.len(), query));
        }
        rows.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut text = format!(
            "\nIts {} queries, two at a time: the longest time of each by Prometheus's own log, and the time from asking to the last byte where it \
             is asked alone.\n\n| query | longest s | alone s | series | MB |\n|---|---:|---:|---:|---:|\n",
            rows.len()
        );
        for (most, alone, series, bytes, query) in rows {
            let _ = writeln!(
                text,
                "| `{}` | {most:.2} | {alone:.2} | {series} | {:.1} |",
                query.replace('|', "\\|"),
                megabytes(bytes as u64)
            );
        }
        Ok(text)
    }
}

fn post(address: SocketAddr, query: &str) -> Result<String> {
    let mut form = "query=".to_owned();
    for byte in query.bytes() {
        let _ = write!(form, "%{byte:02X}");
    }
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "POST /api/v1/query HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.0 200"), "{query}: {answer}");
    Ok(answer)
}
