//! Keys and updates in, screens out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use crossterm::event::{self, Event, KeyEventKind};

use super::draw::{Look, draw};
use super::holders::Choice;
use super::live::{Pace, Worker, trace};
use super::state::{Effect, Shown, State};
use super::terminal::{Signals, Terminal};
use super::update::{Request, Update};
use crate::host::live::{Live, Roots};
use crate::sampling::Sampler;

/// How long to wait for a key before looking for updates and signals.
const PATIENCE: Duration = Duration::from_millis(50);
/// Growth is measured between samples at least this far apart.
const GROWTH_SPACING: Duration = Duration::from_secs(5);

/// What to show, and how.
pub struct Options {
    /// Where the host's file systems are.
    pub roots: Roots,
    /// Whether to use eBPF.
    pub ebpf: bool,
    /// How often to take a sample.
    pub pace: Pace,
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
    let started = Instant::now();
    let signals = Signals::new()?;
    let host = Live::open(&options.roots, options.ebpf)?;
    let sampler = Sampler::new(host, GROWTH_SPACING);
    let worker = Worker::new(sampler, options.pace, started);
    let (updates, incoming) = mpsc::channel();
    let mut source = Source::start(worker, &updates);
    let stop = Arc::new(AtomicBool::new(false));
    start_trace(&options, updates, &stop);
    let mut state = State::new(options.choice);
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
        let here = source.look_if_due();
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
        let mut patience = PATIENCE;
        while event::poll(patience)? {
            patience = Duration::ZERO;
            changed = true;
            let effect = match event::read()? {
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
                Effect::Ask(request) => source
                    .ask(request)
                    .into_iter()
                    .for_each(|answer| state.take(answer)),
            }
        }
    }
    Ok(())
}

/// Who samples the node: a thread, or this one if none can be started.
enum Source {
    Thread(Sender<Request>),
    Here(Box<Worker>),
}

impl Source {
    fn start(worker: Worker, updates: &Sender<Update>) -> Self {
        let (requests, asked) = mpsc::channel();
        let (hand, taken) = mpsc::channel::<Worker>();
        let updates = updates.clone();
        let thread = thread::Builder::new()
            .name("look".to_owned())
            .spawn(move || {
                if let Ok(worker) = taken.recv() {
                    worker.run(&asked, &updates);
                }
            });
        match thread {
            Ok(_) => match hand.send(worker) {
                Ok(()) => Self::Thread(requests),
                Err(back) => Self::Here(Box::new(back.0)),
            },
            // No pid is left.
            Err(_) => Self::Here(Box::new(worker)),
        }
    }

    fn look_if_due(&mut self) -> Vec<Update> {
        match self {
            Self::Thread(_) => Vec::new(),
            Self::Here(worker) => worker.look_if_due(),
        }
    }

    fn ask(&mut self, request: Request) -> Option<Update> {
        match self {
            Self::Thread(requests) => {
                // It ends with the program.
                let _ = requests.send(request);
                None
            }
            Self::Here(worker) => worker.answer(request),
        }
    }
}

/// Traces refused calls in a thread of its own; where that cannot be, says why.
fn start_trace(options: &Options, updates: Sender<Update>, stop: &Arc<AtomicBool>) {
    let report = updates.clone();
    let started = if options.ebpf {
        // Only names owners: the eBPF programs are those of the trace.
        Live::open(&options.roots, false).and_then(|host| {
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
