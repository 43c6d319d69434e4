//! `nospace record --every TIME`: a sample at each interval.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use nospace_core::amount::{self, bytes};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::super::stop::stop_flag;
use super::refusals::RefusalWatch;
use super::target::{ByteCounter, NewFile, Target};
use crate::collect::{cmdlines, collect};
use crate::host::Host as _;
use crate::host::archive::{MAX_SAMPLES, TimelineWriter};
use crate::host::live::Live;
use crate::host::recording::Recording;
use crate::ui::warn;

/// Taking a sample needs longer than a shorter interval.
const SHORTEST: Duration = Duration::from_millis(100);
/// How soon a signal ends the wait for the next sample.
const STEP: Duration = Duration::from_millis(100);

/// When samples are taken.
pub struct Schedule {
    every: Duration,
    length: Option<Duration>,
}

impl Schedule {
    /// Checks what was asked for.
    ///
    /// # Errors
    ///
    /// When the samples are too close together, or too many.
    pub fn new(every: Duration, length: Option<Duration>) -> anyhow::Result<Self> {
        ensure!(
            every >= SHORTEST,
            "--every {}: shorter than {}, which a sample takes",
            amount::duration(every),
            amount::duration(SHORTEST)
        );
        if let Some(length) = length {
            let most = every.saturating_mul(u32::try_from(MAX_SAMPLES).unwrap_or(u32::MAX));
            ensure!(
                length < most,
                "--for {}: more than {MAX_SAMPLES} samples; use a longer --every",
                amount::duration(length)
            );
        }
        Ok(Self { every, length })
    }

    /// In words.
    fn describe(&self) -> String {
        let every = amount::duration(self.every);
        match self.length {
            Some(length) => format!("every {every} for {}", amount::duration(length)),
            None => format!("every {every}"),
        }
    }
}

/// What was recorded.
struct Summary {
    samples: usize,
    /// Samples that began later than they should have.
    late: usize,
    length: Duration,
    size: u64,
}

/// Records until the time is up or a signal comes. The file has its name from the first complete sample on.
pub fn record(
    host: &mut Live,
    refusals: &RefusalWatch,
    path: &Path,
    schedule: &Schedule,
    with_arguments: bool,
) -> anyhow::Result<ExitCode> {
    let cannot = || format!("cannot save {}", path.display());
    let stop = stop_flag(&[SIGINT, SIGTERM, SIGHUP])?;
    let target = Target::of(path).with_context(cannot)?;
    warn(&format!(
        "recording {} to {}; Ctrl-C stops",
        schedule.describe(),
        path.display()
    ));
    let mut session = Session {
        host,
        refusals,
        schedule,
        with_arguments,
        stop: &stop,
        incomplete: BTreeSet::new(),
    };
    let summary = match target {
        Target::Stream(mut stream) => session.run(&mut stream, &mut || Ok(())),
        Target::File => {
            let mut new = NewFile::create(path).with_context(cannot)?;
            let file = new.file.try_clone().with_context(cannot)?;
            let summary = session.run(&file, &mut || new.publish());
            file.sync_all().with_context(cannot)?;
            summary
        }
    };
    let summary = summary.with_context(cannot)?;
    warn(&format!(
        "saved {} ({} in {}, {})",
        path.display(),
        amount::count(summary.samples as u64, "sample", "samples"),
        amount::duration(summary.length),
        bytes(summary.size)
    ));
    if summary.late > 0 {
        warn(&format!(
            "{} late: taking one needs longer than --every",
            amount::count(summary.late as u64, "sample was", "samples were")
        ));
    }
    Ok(ExitCode::SUCCESS)
}

struct Session<'a> {
    host: &'a mut Live,
    refusals: &'a RefusalWatch,
    schedule: &'a Schedule,
    with_arguments: bool,
    stop: &'a AtomicBool,
    /// Files of which only the beginning is kept, to say so once.
    incomplete: BTreeSet<String>,
}

impl Session<'_> {
    /// Samples into `out`; `begun` is called when the first sample is complete.
    fn run<W: Write + Send>(
        &mut self,
        out: W,
        begun: &mut dyn FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<Summary> {
        let every = self.schedule.every;
        let every_ms = u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
        let mut writer = TimelineWriter::new(ByteCounter::new(out), self.host.look(), every_ms)?;
        let started = Instant::now();
        let mut late = 0;
        let mut due = Duration::ZERO;
        loop {
            self.host.renew();
            let look = self.host.look();
            let seconds = started.elapsed();
            let recording = Recording::new(&*self.host, writer, self.with_arguments);
            let snapshot = collect(&recording);
            cmdlines::ask(&recording, &snapshot);
            recording.keep_refusals(&self.refusals.take());
            writer = recording.into_writer();
            self.warn_of_incomplete(&writer);
            let ended = writer.end_sample(look, milliseconds(seconds));
            if let Err(error) = ended {
                let samples = writer.samples();
                let finished = writer.finish().is_ok();
                return match samples {
                    0 => Err(error),
                    _ => Err(error).with_context(|| stopped(samples, finished)),
                };
            }
            if writer.samples() == 1 {
                begun()?;
            }
            let length = started.elapsed();
            due = next(due, length, every, &mut late);
            if self.schedule.length.is_some_and(|length| due > length) || !self.wait(started + due)
            {
                let samples = writer.samples();
                return Ok(Summary {
                    samples,
                    late,
                    length,
                    size: writer.finish()?.bytes,
                });
            }
        }
    }

    fn warn_of_incomplete<W: Write>(&mut self, writer: &TimelineWriter<W>) {
        for file in writer.incomplete() {
            if self.incomplete.insert(file.to_owned()) {
                warn(&format!(
                    "{file} is too large: the archive keeps only its beginning"
                ));
            }
        }
    }

    /// Waits; `false` when a signal came.
    fn wait(&self, until: Instant) -> bool {
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return false;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            std::thread::sleep(left.min(STEP));
        }
    }
}

fn stopped(samples: usize, finished: bool) -> String {
    let cut = if finished { "" } else { ", and ends there" };
    let samples = amount::count(samples as u64, "sample", "samples");
    format!("recording stopped; the file holds {samples}{cut}")
}

/// When the sample after the one of `due` is taken. Those that are missed are left out.
fn next(due: Duration, now: Duration, every: Duration, late: &mut usize) -> Duration {
    let mut next = due + every;
    if next < now {
        *late += 1;
        next = now;
    }
    next
}

fn milliseconds(seconds: Duration) -> f64 {
    (seconds.as_secs_f64() * 1e3).round() / 1e3
}
