//! What was recorded, moment by moment: an archive of one moment, or a timeline.

use std::fs::File;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use rustix::fs::{MemfdFlags, memfd_create};

use super::archive::{Rest, Sample, Timeline, load};
use super::recorded::Recorded;
use super::when::When;

/// An opened archive. Of a timeline no more than one sample is in memory at a time.
pub struct Replay {
    /// The file, or whose recording it is.
    name: String,
    source: Source,
}

enum Source {
    Moment(Recorded, [Sample; 1]),
    Timeline(Timeline),
}

impl Replay {
    /// Opens what `nospace record` saved.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is no archive of nospace, or takes more than 256 MiB.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            name: path.display().to_string(),
            source: source(path)?,
        })
    }

    /// Opens a timeline that was received from `sender`, which is trusted as little as a file. It stays in memory: the disk may be full.
    ///
    /// # Errors
    ///
    /// When it is none, or nothing of it can be read.
    pub fn received(sender: &str, timeline: &[u8]) -> anyhow::Result<Self> {
        let name = format!("the recording of {sender}");
        let read = || {
            let mut file = File::from(memfd_create("timeline", MemfdFlags::CLOEXEC)?);
            file.write_all(timeline)?;
            Timeline::open(file)?.context("it is no timeline")
        };
        let timeline = read().with_context(|| format!("cannot read {name}"))?;
        Ok(Self {
            name,
            source: Source::Timeline(timeline),
        })
    }

    /// Its samples, at least one, in the order in which they were taken.
    #[must_use]
    pub fn samples(&self) -> &[Sample] {
        match &self.source {
            Source::Moment(_, samples) => samples,
            Source::Timeline(timeline) => timeline.samples(),
        }
    }

    /// The number of the last sample.
    #[must_use]
    pub fn last(&self) -> usize {
        self.samples().len().saturating_sub(1)
    }

    /// Seconds between samples, as asked for; `None` for an archive of one moment.
    #[must_use]
    pub fn interval(&self) -> Option<f64> {
        let Source::Timeline(timeline) = &self.source else {
            return None;
        };
        let head = timeline.head().timeline.as_ref()?;
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds of no more than some days"
        )]
        Some(head.every_ms as f64 / 1e3)
    }

    /// What comes after its samples.
    #[must_use]
    pub fn rest(&self) -> &Rest {
        match &self.source {
            Source::Moment(..) => &Rest::None,
            Source::Timeline(timeline) => timeline.rest(),
        }
    }

    /// A warning where the recording ends in the middle of a sample, or cannot be read to its end.
    #[must_use]
    pub fn gap(&self) -> Option<String> {
        let name = &self.name;
        let last = self.samples().last()?.taken_at;
        match self.rest() {
            Rest::None => None,
            Rest::Cut => Some(format!(
                "{name} has no end: it is still being recorded, or was interrupted after {last}"
            )),
            Rest::Damaged(why) => Some(format!(
                "{name} is damaged: what was recorded after {last} cannot be read ({why})"
            )),
        }
    }

    /// The sample that was the newest one at that time.
    ///
    /// # Errors
    ///
    /// When nothing was recorded at that time; says what times there are.
    pub fn find(&self, when: &When) -> anyhow::Result<usize> {
        let samples = self.samples();
        let times = || samples.iter().map(|sample| sample.taken_at);
        let (first, last) = times().min().zip(times().max()).context("no samples")?;
        let moment = when.before(last);
        let found = moment.filter(|moment| (first..=last).contains(moment));
        if let Some(found) = found.and_then(|moment| times().rposition(|time| time <= moment)) {
            return Ok(found);
        }
        let there = match &self.source {
            Source::Moment(..) => format!("a recording of one moment, {first}"),
            Source::Timeline(_) => format!(
                "a timeline from {first} to {last} ({} samples)",
                samples.len()
            ),
        };
        let meant = |moment: Timestamp| match when.to_string() {
            typed if typed == moment.to_string() => String::new(),
            _ => format!(" ({moment})"),
        };
        bail!(
            "nothing was recorded at {when}{}: {} is {there}",
            moment.map_or_else(String::new, meant),
            self.name
        )
    }

    /// The node as sample `number` has it.
    ///
    /// # Errors
    ///
    /// When there is no such sample, or it cannot be read.
    pub fn host(&self, number: usize) -> anyhow::Result<Recorded> {
        match &self.source {
            Source::Moment(recorded, _) if number == 0 => Ok(recorded.share()),
            Source::Moment(..) => bail!("{} has only one sample", self.name),
            Source::Timeline(timeline) => timeline
                .sample(number)
                .map(Recorded::of)
                .with_context(|| format!("cannot read {}", self.name)),
        }
    }

    /// Calls `each` with the samples from `first` on, in their order, until it breaks. Reads the archive once.
    ///
    /// # Errors
    ///
    /// When a sample cannot be read, and those of `each`.
    pub fn play(
        &self,
        first: usize,
        each: &mut dyn FnMut(usize, &Recorded) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<()> {
        let timeline = match &self.source {
            Source::Moment(recorded, _) => return each(0, recorded).map(drop),
            Source::Timeline(timeline) => timeline,
        };
        timeline
            .play(first, &mut |number, contents| {
                Recorded::lend(contents, |recorded| each(number, recorded))
            })
            .with_context(|| format!("cannot read {}", self.name))
    }
}

fn source(path: &Path) -> anyhow::Result<Source> {
    let whole = || format!("cannot read the recorded node {}", path.display());
    // What is not a file cannot be read twice; a directory is laid out for one moment.
    if path.is_file() {
        let file = File::open(path).with_context(whole)?;
        if let Some(timeline) = Timeline::open(file).with_context(whole)? {
            return Ok(Source::Timeline(timeline));
        }
    }
    // Its errors say which node cannot be read.
    let contents = load(path)?;
    let taken_at = &contents.head.look.taken_at;
    let taken_at = taken_at
        .parse()
        .with_context(|| format!("{taken_at:?} is not a time"))
        .with_context(whole)?;
    let sample = Sample {
        taken_at,
        seconds: 0.0,
    };
    Ok(Source::Moment(Recorded::of(contents), [sample]))
}
