//! cAdvisor, the part of a kubelet that needs the watches, in a user namespace whose limits are lowered: no setting of the host is touched.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use nospace_core::cause::Cause;
use nospace_core::report::User;

use crate::nospace::{Look, Nospace};
use crate::table::Table;

/// Where it all happens.
pub struct Scene<'a> {
    /// The program, as the kubelet starts it.
    pub cadvisor: PathBuf,
    /// The nospace that is held against it.
    pub nospace: &'a Nospace,
    /// Where the claims go.
    pub table: &'a mut Table,
}

/// How a start of cAdvisor went.
enum Start {
    Runs(Running),
    Ended(PathBuf),
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Room for all, for exactly what nospace counts, and for one watch less.
pub fn play(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let needed = healthy(scene)?;
    let exact = scene.start(needed)?;
    full(scene, &exact, needed)?;
    drop(exact);
    refused(scene, needed - 1)
}

/// With room it runs; the watches of its user are what it needs.
fn healthy(scene: &mut Scene<'_>) -> anyhow::Result<u64> {
    let Start::Runs(running) = scene.start(100_000)? else {
        anyhow::bail!("cAdvisor does not start with room for 100,000 watches");
    };
    let look = scene.nospace.check()?;
    let user = user(&look, &running)?;
    scene.table.row(
        "cAdvisor with enough watches",
        "it runs",
        &format!(
            "{} instances, {} of {} watches in its own user namespace",
            user.instances.used,
            user.watches.used,
            user.watches.limit.unwrap_or_default()
        ),
        user.watches.limit == Some(100_000) && user.draws_on.is_some_and(|above| above.uid == 0),
    );
    Ok(user.watches.used)
}

/// With a limit of exactly that it still runs, and nospace calls the namespace full.
fn full(scene: &mut Scene<'_>, start: &Start, needed: u64) -> anyhow::Result<()> {
    let Start::Runs(running) = start else {
        scene.table.row(
            "exactly that many watches",
            "it exits",
            &format!("needs {needed}"),
            false,
        );
        return Ok(());
    };
    let look = scene.nospace.check()?;
    let user = user(&look, running)?;
    let used = user.watches.used;
    let namespace = user.user_namespace.to_string();
    let finding = look.critical(Cause::InotifyWatches)?;
    let knob = finding
        .remedies
        .iter()
        .find(|r| r.command.contains("user/max_inotify_watches"));
    scene.table.row(
        "exactly that many watches",
        "it runs",
        &format!(
            "exit {}; {}; {}",
            look.code,
            finding.title,
            knob.map_or("no remedy", |r| &r.command)
        ),
        look.code == 2 && used == needed && finding.title.contains(&namespace) && knob.is_some(),
    );
    Ok(())
}

/// With one watch less it ends as a kubelet would, and its log is understood.
fn refused(scene: &mut Scene<'_>, room: u64) -> anyhow::Result<()> {
    let Start::Ended(log) = scene.start(room)? else {
        scene
            .table
            .row("one watch less", "it runs", "needs one more", false);
        return Ok(());
    };
    let text = std::fs::read_to_string(&log)?;
    let line = text.lines().last().unwrap_or_default().to_owned();
    let (code, document) = scene.nospace.explain(&log)?;
    let cause = document["causes"][0]["cause"]
        .as_str()
        .unwrap_or("none")
        .to_owned();
    scene.table.row(
        "one watch less",
        &format!(
            "it exits: {}",
            line.split_once("] ")
                .map_or(line.as_str(), |(_, said)| said)
        ),
        &format!("explain: exit {code}, {cause}"),
        line.contains("Failed to start cAdvisor") && cause == "inotify-watches",
    );
    Ok(())
}

impl Scene<'_> {
    fn start(&self, watches: u64) -> anyhow::Result<Start> {
        let log = std::env::temp_dir().join(format!("nospace-cadvisor-{}.log", std::process::id()));
        let file = File::create(&log)?;
        let script = format!("echo {watches} >/proc/sys/user/max_inotify_watches && exec \"$0\"");
        let child = Command::new("unshare")
            .args(["--user", "--map-root-user", "sh", "-c", &script])
            .arg(&self.cadvisor)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .context("unshare")?;
        settle(Running(child), &log)
    }
}

/// Waits until it says that it has started, or ends.
fn settle(mut running: Running, log: &Path) -> anyhow::Result<Start> {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        if running.0.try_wait()?.is_some() {
            return Ok(Start::Ended(log.to_owned()));
        }
        let said = std::fs::read_to_string(log)?;
        if said.lines().any(|line| line == "started") {
            return Ok(Start::Runs(running));
        }
        ensure!(
            Instant::now() < until,
            "neither started nor ended in 30 s: {said}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The user that cAdvisor's instances are charged to.
fn user<'a>(look: &'a Look, running: &Running) -> anyhow::Result<&'a User> {
    let link = std::fs::read_link(format!("/proc/{}/ns/user", running.0.id()))?;
    let namespace: u64 = link
        .to_string_lossy()
        .trim_matches(|c: char| !c.is_ascii_digit())
        .parse()?;
    let mut users = look.report.users.iter();
    users
        .find(|user| user.user_namespace == namespace)
        .with_context(|| format!("user namespace {namespace} is not among the users"))
}
