use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::ensure;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use crate::agent::Agent;
use crate::http::{ask, connect, hear};

/// Connections of each kind.
const BAD: usize = 100;
/// What the agent may take more for all of them.
const ROOM: u64 = 16 << 20;

fn asking(agent: &Agent, path: &str) -> anyhow::Result<TcpStream> {
    let mut stream = connect(agent.address)?;
    ask(&mut stream, path, &["Accept-Encoding: gzip"])?;
    Ok(stream)
}

pub fn many() -> anyhow::Result<()> {
    let agent = Agent::start(&["--interval=500ms"])?;
    let before = agent.anonymous_memory()?;
    let streams = (0..500).map(|_| asking(&agent, "/metrics"));
    let streams = streams.collect::<anyhow::Result<Vec<_>>>()?;
    let during = agent.anonymous_memory()?;
    for stream in streams {
        let answer = hear(stream)?;
        ensure!(answer.status == 200 && answer.header("content-encoding") == "gzip");
        ensure!(answer.header("content-length") == answer.body.len().to_string());
    }
    ensure!(during < before + ROOM, "{before} before, {during} during");
    Ok(())
}

/// Those who never read, who never end their request, and who send what is none.
pub fn bad_company() -> anyhow::Result<()> {
    let agent = Agent::start(&["--interval=500ms"])?;
    let before = agent.anonymous_memory()?;
    let mut kept = Vec::new();
    for number in 0..BAD {
        // Asks for the same again and again, and takes nothing.
        let mut slow = connect(agent.address)?;
        slow.set_nonblocking(true)?;
        for _ in 0..200 {
            let request =
                b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n";
            if slow.write(request).is_err() {
                break;
            }
        }
        let mut half = connect(agent.address)?;
        half.write_all(b"GET /metrics HTTP/1.1\r\nHost: loc")?;
        let mut garbage = connect(agent.address)?;
        let noise: Vec<u8> = (0..4096).map(|at| (at * number % 251) as u8).collect();
        let _ = garbage.write_all(&noise);
        let mut endless = connect(agent.address)?;
        let _ = endless.write_all(b"GET /metrics HTTP/1.1\r\nx: ");
        let _ = endless.write_all(&[b'a'; 64 << 10]);
        kept.extend([slow, half, garbage, endless]);
    }
    for _ in 0..100 {
        let answer = hear(asking(&agent, "/metrics")?)?;
        ensure!(answer.status == 200);
    }
    let during = agent.anonymous_memory()?;
    ensure!(
        during < before + ROOM,
        "{before} before, {during} with {} bad ones",
        kept.len()
    );
    drop(kept);
    ensure!(agent.get("/readyz")?.status == 200);
    Ok(())
}

pub fn no_descriptor() -> anyhow::Result<()> {
    let agent = Agent::start(&[])?;
    let pid = Pid::from_raw(agent.pid().cast_signed());
    let own = getrlimit(Resource::Nofile);
    let few = Rlimit {
        current: Some(3),
        ..own
    };
    prlimit(pid, Resource::Nofile, few)?;
    let waiting = asking(&agent, "/readyz")?;
    let line = "cannot take a connection: Too many open files (os error 24): its own RLIMIT_NOFILE";
    agent.until("the error in the log", || {
        Ok(agent.messages().contains(line).then_some(()))
    })?;
    prlimit(pid, Resource::Nofile, own)?;
    ensure!(hear(waiting)?.status == 200);
    let times = agent.messages().matches("cannot take").count();
    ensure!(times == 1, "{times} times: {}", agent.messages());
    Ok(())
}

pub fn hung_up() -> anyhow::Result<()> {
    let agent = Agent::start(&[])?;
    // More than the socket buffers hold, and nobody reads it.
    let mut deaf = connect(agent.address)?;
    deaf.set_nonblocking(true)?;
    let asked = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1_500);
    ensure!(deaf.write(&asked)? > 40_000);
    agent.until("hung up", || {
        let gone = |error: std::io::Error| error.kind() != ErrorKind::WouldBlock;
        Ok(deaf.write(b"G").is_err_and(gone).then_some(()))
    })?;
    let begin = Instant::now();
    let mut half = connect(agent.address)?;
    half.write_all(b"GET /metrics HTTP/1.1\r\n")?;
    let mut told = Vec::new();
    let _ = half.read_to_end(&mut told);
    let waited = begin.elapsed();
    ensure!((5..40).contains(&waited.as_secs()), "{waited:?}");
    // One that sends a byte now and then is not waited for either.
    let mut drip = connect(agent.address)?;
    let begin = Instant::now();
    while drip.write_all(b"a").is_ok() {
        ensure!(begin.elapsed() < Duration::from_secs(40), "still there");
        std::thread::sleep(Duration::from_millis(500));
    }
    Ok(())
}
