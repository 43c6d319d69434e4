//! The terminal while `top` has it, and how it is given back: at the end, at a signal, when something panics, and while it is stopped.

use std::io::{self, Stdout, Write as _, stdout};
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use crossterm::cursor::{Hide, Show};
use crossterm::execute;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::backend::CrosstermBackend;
use rustix::termios::{OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::flag;
use signal_hook::low_level::emulate_default_handler;

/// A terminal that shows the program's screen.
pub struct Terminal {
    screen: ratatui::Terminal<CrosstermBackend<Stdout>>,
}

impl Terminal {
    /// Takes the terminal.
    ///
    /// # Errors
    ///
    /// It cannot be set up.
    pub fn take() -> anyhow::Result<Self> {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            // The message belongs on the screen that stays.
            give_back();
            before(panic);
        }));
        let screen =
            set_up().and_then(|()| ratatui::Terminal::new(CrosstermBackend::new(stdout())));
        match screen {
            Ok(screen) => Ok(Self { screen }),
            Err(error) => {
                give_back();
                Err(error).context("cannot set the terminal up")
            }
        }
    }

    /// Draws a screen.
    ///
    /// # Errors
    ///
    /// The terminal has gone.
    pub fn draw(&mut self, draw: impl FnOnce(&mut ratatui::Frame<'_>)) -> io::Result<()> {
        self.screen.draw(draw).map(drop)
    }

    /// Stops, as a program does at Ctrl-Z, and takes the terminal again when it is continued.
    ///
    /// # Errors
    ///
    /// The terminal cannot be set up again.
    pub fn suspend(&mut self) -> io::Result<()> {
        give_back();
        emulate_default_handler(SIGTSTP)?;
        set_up()?;
        self.screen.clear()
    }

    /// Takes the terminal again, after a stop that gave no time to give it back.
    ///
    /// # Errors
    ///
    /// The terminal cannot be set up again.
    pub fn resume(&mut self) -> io::Result<()> {
        // Only the modes: leaving a screen twice puts the cursor where it was long ago.
        disable_raw_mode()?;
        set_up()?;
        self.screen.clear()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

fn set_up() -> io::Result<()> {
    enable_raw_mode()?;
    never_wait_for_keys();
    execute!(stdout(), EnterAlternateScreen, Hide)
}

/// A read without a key returns at once: half an escape sequence would hold everything up until the next key.
fn never_wait_for_keys() {
    let stdin = io::stdin();
    // Where keys come from elsewhere, half a sequence is rare.
    if let Ok(mut modes) = tcgetattr(&stdin) {
        modes.special_codes[SpecialCodeIndex::VMIN] = 0;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        let _ = tcsetattr(&stdin, OptionalActions::Now, &modes);
    }
}

/// As it was before. Nothing more can be done where this fails.
fn give_back() {
    let _ = execute!(stdout(), LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
    let _ = stdout().flush();
}

/// Signals that arrived.
pub struct Signals {
    stop: Arc<AtomicBool>,
    suspend: Arc<AtomicBool>,
    resume: Arc<AtomicBool>,
}

impl Signals {
    /// Waits for them from now on.
    ///
    /// # Errors
    ///
    /// They cannot be handled.
    pub fn new() -> anyhow::Result<Self> {
        let new = |signals: &[i32]| {
            let arrived = Arc::new(AtomicBool::new(false));
            for &signal in signals {
                flag::register(signal, Arc::clone(&arrived)).context("cannot handle signals")?;
            }
            anyhow::Ok(arrived)
        };
        Ok(Self {
            stop: new(&[SIGTERM, SIGINT, SIGHUP, SIGQUIT])?,
            suspend: new(&[SIGTSTP])?,
            resume: new(&[SIGCONT])?,
        })
    }

    /// Whether the program is to end.
    pub fn stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Whether it is to stop; once for each time.
    pub fn suspend(&self) -> bool {
        self.suspend.swap(false, Ordering::Relaxed)
    }

    /// Whether it was continued; once for each time.
    pub fn resumed(&self) -> bool {
        self.resume.swap(false, Ordering::Relaxed)
    }
}
