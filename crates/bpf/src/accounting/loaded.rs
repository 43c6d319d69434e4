use std::io::{self, ErrorKind, Read};

use libbpf_rs::{Iter, Link};

use super::books::Books;
use crate::object;
use crate::skeleton::accounting::{AccountingSkel, AccountingSkelBuilder};
use crate::support::{Coverage, Unsupported};
use crate::tally::Tally;

/// The kernel fills at most 8 pages a read (kernel/bpf/bpf_iter.c).
const CHUNK: usize = 64 * 1024;

/// Reads the kernel's books: programs loaded once, read as often as wanted.
pub struct Accountant {
    descriptors: Link,
    users: Link,
    coverage: Coverage,
    _programs: AccountingSkel<'static>,
    buffer: Vec<u8>,
}

impl Accountant {
    /// Loads the programs into the kernel; they go when this is dropped, or the process dies.
    ///
    /// # Errors
    /// [`Unsupported`] says in words why this kernel or this caller cannot, and what to do.
    pub fn load() -> Result<Self, Unsupported> {
        let (loaded, coverage) = object::load::<AccountingSkelBuilder>(|_| Ok(()))?;
        Ok(Self {
            descriptors: object::attach(&loaded.progs.descriptors)?,
            users: object::attach(&loaded.progs.users)?,
            coverage,
            _programs: loaded,
            buffer: Vec::new(),
        })
    }

    /// Whether holders of the whole node are seen.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        self.coverage
    }

    /// Goes through every open descriptor once.
    ///
    /// # Errors
    /// What the kernel answered to reading the iterators; `InvalidData` if a record makes no sense.
    pub fn account(&mut self) -> io::Result<Tally> {
        self.buffer.clear();
        drain(&self.descriptors, &mut self.buffer)?;
        drain(&self.users, &mut self.buffer)?;
        Books::read(&self.buffer).map(Books::close)
    }
}

/// Appends all that the iterator has to say.
fn drain(link: &Link, buffer: &mut Vec<u8>) -> io::Result<()> {
    let mut iter = Iter::new(link).map_err(io::Error::other)?;
    loop {
        let start = buffer.len();
        buffer.resize(start + CHUNK, 0);
        let got = iter.read(&mut buffer[start..]);
        buffer.truncate(start + *got.as_ref().unwrap_or(&0));
        match got {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            // EAGAIN: a million files went by with nothing to tell.
            Err(e) if matches!(e.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            Err(e) => return Err(e),
        }
    }
}
