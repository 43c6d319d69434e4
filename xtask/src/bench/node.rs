//! A busy node: 250 pods, some of which grow and are replaced, beside the processes of "A single check".

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use nospace_holder::Holder;

use super::load::{Load, Size};
use super::pods::Pods;

/// Time between two steps of its life.
pub const EVERY: Duration = Duration::from_secs(5);
/// Pods that hold what they hold, and those that take a watch with each step; one of these is replaced with each step.
const STEADY: u32 = 230;
const GROWING: u32 = 20;
/// A uid of its own for each pod that grows, so that none is charged to root; no system gives these out.
const FIRST_UID: u32 = 1_910_000_000;

/// The node's pods; those that change are processes of their own.
pub struct Node {
    growing: Vec<Holder>,
    oldest: usize,
    load: Load,
    size: Size,
    // Dropped last, when its cgroups are empty.
    pods: Pods,
}

impl Node {
    /// Starts it all.
    pub fn make() -> Result<Self> {
        eprintln!("bench: creating the load");
        let size = Size {
            holders: STEADY,
            ..Size::times(1)
        };
        let load = Load::make(&size)?;
        let mut node = Self {
            growing: Vec::new(),
            oldest: 0,
            pods: Pods::of(load.pids().take(STEADY as usize))?,
            load,
            size,
        };
        for number in 0..GROWING {
            let holder = node.pod(number)?;
            node.growing.push(holder);
        }
        Ok(node)
    }

    /// What it is made of.
    pub fn describe(&self) -> String {
        format!(
            "{} pods: {STEADY} with {} instances of {} watches each; {GROWING} that take one more watch every {} s, one of which is replaced by a \
             new pod every {} s. {} idle processes, {} open descriptors.",
            STEADY + GROWING,
            self.size.instances,
            self.size.watches,
            EVERY.as_secs(),
            EVERY.as_secs(),
            self.size.idle,
            self.load.descriptors()
        )
    }

    fn pod(&mut self, number: u32) -> Result<Holder> {
        let holder = Holder::start(&[
            &format!("--uid={}", FIRST_UID + number),
            "--instances=2",
            "--watches=20",
            "--comm=growing",
        ])?;
        self.pods.add(holder.pid().cast_signed())?;
        Ok(holder)
    }

    /// Each takes one more, and the oldest is replaced.
    pub fn step(&mut self) -> Result<()> {
        for holder in &mut self.growing {
            let tried = holder.tell("add 1")?;
            ensure!(tried.done == 1, "a pod did not grow: {tried:?}");
        }
        self.growing[self.oldest].end();
        let number = u32::try_from(self.oldest)?;
        self.growing[self.oldest] = self.pod(number)?;
        self.oldest = (self.oldest + 1) % self.growing.len();
        self.pods.sweep();
        Ok(())
    }

    /// Steps until `time` is up.
    pub fn live(&mut self, time: Duration) -> Result<()> {
        let begin = Instant::now();
        let mut step = 1;
        while begin.elapsed() < time {
            self.step()?;
            std::thread::sleep((EVERY * step).min(time).saturating_sub(begin.elapsed()));
            step += 1;
        }
        Ok(())
    }
}
