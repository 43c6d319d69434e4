//! Keys and updates in, screens out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use crossterm::event::{Event, KeyEventKind};

use super::draw::{Look, draw};
use super::feed::{self, Feed};
use super::holders::Choice;
use super::input::Input;
use super::live::{Pace, Worker, trace};
use super::player::Player;
use super::state::{Effect, Shown, State};
use super::terminal::{Signals, Terminal};
use super::update::{Request, Update};
use crate::host::live::{Live, Roots};
use crate::host::replay::Replay;
use crate::sampling::Sampler;

/// How long to wait for a key before looking for updates and signals.
const PATIENCE: Duration = Duration::from_millis(50);
/// Growth is measured between samples at least this far apart.
const GROWTH_SPACING: Duration = Duration::from_secs(5);

/// What to show.
pub enum What {
    /// This node, live.
    Node {
        /// Where the host's file systems are.
        roots: Roots,
        /// Whether to use eBPF.
        ebpf: bool,
        /// How often to take a sample.
        pace: Pace,
    },
    /// A recording, from this sample on.
    Recording(Replay, usize),
}

/// What to show, and how.
pub struct Options {
    /// What to show.
    pub what: What,
    /// Order, groups and filter at the start.
    pub choice: Choice,
    /// What the terminal can show.
    pub look: Look,
}

/// Shows the node until a key or a signal ends it.
///
/// # Errors
///
/// The node cannot be opened, or the terminal not be used.
pub fn run(options: Options) -> anyhow::Result<()> {
    let signals = Signals::new()?;
    let (updates, incoming) = mpsc::channel();
    let stop = Arc::new(AtomicBool::new(false));
    let cmdlines = options.choice.cmdlines;
    let mut state = State::new(options.choice);
    let mut source = match options.what {
        What::Node { roots, ebpf, pace } => {
            let host = Live::open(&roots, ebpf)?;
            let sampler = Sampler::new(host, GROWTH_SPACING);
            let mut worker = Worker::new(sampler, pace, Instant::now());
            worker.cmdlines(cmdlines);
            let source = Source::start(Box::new(worker), &updates);
            start_trace(&roots, ebpf, updates, &stop);
            source
        }
        What::Recording(replay, number) => {
            let mut player = Player::new(replay);
            player.cmdlines(cmdlines);
            state.take(player.show(number)?);
            Source::start(Box::new(player), &updates)
        }
    };
    let mut terminal = Terminal::take()?;
    let done = show(
        &mut state,
        &mut terminal,
        &signals,
        &mut source,
        &incoming,
        options.look,
    );
    stop.store(true, Ordering::Relaxed);
    done.context("the terminal cannot be used any more")
}

fn show(
    state: &mut State,
    terminal: &mut Terminal,
    signals: &Signals,
    source: &mut Source,
    incoming: &Receiver<Update>,
    look: Look,
) -> std::io::Result<()> {
    let mut input = Input::open()?;
    let mut changed = true;
    while !signals.stop() {
        if signals.suspend() {
            terminal.suspend()?;
            signals.resumed();
            changed = true;
        }
        if signals.resumed() {
            terminal.resume()?;
            changed = true;
        }
        let here = source.step_if_due();
        for update in incoming.try_iter().chain(here) {
            state.take(update);
            changed = true;
        }
        if changed {
            let mut shown = Shown::default();
            terminal.draw(|frame| {
                let area = frame.area();
                shown = draw(frame.buffer_mut(), area, state, look);
            })?;
            state.learn(shown);
            changed = false;
        }
        if !input.wait(PATIENCE)? {
            continue;
        }
        changed = true;
        while let Some(event) = input.next()? {
            let effect = match event {
                Event::Key(key) if key.kind != KeyEventKind::Release => state.key(key),
                _ => Effect::Draw,
            };
            match effect {
                Effect::Draw => {}
                Effect::Quit => return Ok(()),
                Effect::Suspend => {
                    terminal.suspend()?;
                    signals.resumed();
                }
                Effect::Ask(request) => {
                    let answers = source.ask(request).into_iter();
                    answers.for_each(|answer| state.take(answer));
                }
            }
        }
    }
    Ok(())
}

/// Who feeds the screen: a thread, or this one if none can be started.
enum Source {
    Thread(Sender<Request>),
    Here(Box<dyn Feed>),
}

impl Source {
    fn start(feed: Box<dyn Feed>, updates: &Sender<Update>) -> Self {
        let (requests, asked) = mpsc::channel();
        let (hand, taken) = mpsc::channel::<Box<dyn Feed>>();
        let updates = updates.clone();
        let thread = thread::Builder::new()
            .name("look".to_owned())
            .spawn(move || {
                if let Ok(mut feed) = taken.recv() {
                    feed::run(feed.as_mut(), &asked, &updates);
                }
            });
        match thread {
            Ok(_) => match hand.send(feed) {
                Ok(()) => Self::Thread(requests),
                Err(back) => Self::Here(back.0),
            },
            // No pid is left.
            Err(_) => Self::Here(feed),
        }
    }

    fn step_if_due(&mut self) -> Vec<Update> {
        match self {
            Self::Here(feed) if feed.rest().is_some_and(|rest| rest.is_zero()) => feed.step(),
            Self::Thread(_) | Self::Here(_) => Vec::new(),
        }
    }

    fn ask(&mut self, request: Request) -> Vec<Update> {
        match self {
            Self::Thread(requests) => {
                // It ends with the program.
                let _ = requests.send(request);
                Vec::new()
            }
            Self::Here(feed) => feed.answer(vec![request]),
        }
    }
}

/// Traces refused calls in a thread of its own; where that cannot be, says why.
fn start_trace(roots: &Roots, ebpf: bool, updates: Sender<Update>, stop: &Arc<AtomicBool>) {
    let report = updates.clone();
    let started = if ebpf {
        // Only names owners: the eBPF programs are those of the trace.
        Live::open(roots, false).and_then(|host| {
            let stop = Arc::clone(stop);
            let thread = thread::Builder::new().name("trace".to_owned());
            thread.spawn(move || trace(&host, &updates, &stop))?;
            Ok(())
        })
    } else {
        Err(anyhow::anyhow!("eBPF is switched off (--no-ebpf)"))
    };
    if let Err(why) = started {
        let _ = report.send(Update::TraceEnded(format!("{why:#}")));
    }
}
