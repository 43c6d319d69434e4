//! Waiting for keys.
//!
//! crossterm's own wait rounds what remains of it down to whole milliseconds, and asks without a pause during the last one: 2 % of a core
//! at 20 waits a second. So it is asked only when there is something to read.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::Duration;

use crossterm::event::{self, Event};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{isatty, tcgetwinsize};

/// The shortest wait: crossterm takes less for none at all, and does not look.
const AT_HAND: Duration = Duration::from_millis(1);

/// Where keys come from, as crossterm decides it.
pub struct Input {
    /// `None` for standard input.
    tty: Option<File>,
    size: Option<(u16, u16)>,
}

/// Columns and rows of the terminal.
fn size() -> Option<(u16, u16)> {
    let size = tcgetwinsize(io::stdout()).ok()?;
    Some((size.ws_col, size.ws_row))
}

impl Input {
    /// Standard input, or else the controlling terminal.
    ///
    /// # Errors
    ///
    /// There is neither.
    pub fn open() -> io::Result<Self> {
        let tty = match isatty(io::stdin()) {
            true => None,
            false => Some(File::options().read(true).write(true).open("/dev/tty")?),
        };
        // It opens what it reads from when it is asked for the first time; later there may be no descriptor left.
        event::poll(AT_HAND)?;
        Ok(Self { tty, size: size() })
    }

    /// Waits until there may be an event, at most for `patience`; says whether there may be one.
    ///
    /// # Errors
    ///
    /// The terminal has gone.
    pub fn wait(&mut self, patience: Duration) -> io::Result<bool> {
        let stdin = io::stdin();
        let tty: BorrowedFd<'_> = match &self.tty {
            Some(tty) => tty.as_fd(),
            None => stdin.as_fd(),
        };
        let mut waited = [PollFd::from_borrowed_fd(tty, PollFlags::IN)];
        let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
        match poll(&mut waited, Some(&patience)) {
            Ok(_) => {}
            // A signal, which its handler has noted.
            Err(Errno::INTR) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
        let found = waited[0].revents();
        if !found.contains(PollFlags::IN)
            && found.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL)
        {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe));
        }
        let size = size();
        let resized = size != self.size;
        self.size = size;
        Ok(resized || found.contains(PollFlags::IN))
    }

    /// The next event that is there.
    ///
    /// # Errors
    ///
    /// The terminal has gone.
    pub fn next(&mut self) -> io::Result<Option<Event>> {
        match event::poll(AT_HAND)? {
            true => event::read().map(Some),
            false => Ok(None),
        }
    }
}
