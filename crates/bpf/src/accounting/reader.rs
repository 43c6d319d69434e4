use std::io::{self, ErrorKind, Read};

use libbpf_rs::{Iter, Link};

use super::decode::Records;
use super::model::Accounting;
use crate::object;
use crate::skeleton::accounting::{AccountingSkel, AccountingSkelBuilder};
use crate::support::{Coverage, Unsupported};

/// Bytes to read at once: the kernel returns at most 8 pages (kernel/bpf/bpf_iter.c).
const CHUNK: usize = 64 * 1024;

/// Reads the kernel's own inotify accounting: the programs are loaded once and can be read many times.
pub struct AccountingReader {
    descriptors: Link,
    users: Link,
    coverage: Coverage,
    programs: AccountingSkel<'static>,
    buffer: Vec<u8>,
}

impl AccountingReader {
    /// Loads the programs into the kernel, which unloads them when this is dropped or the process ends.
    ///
    /// # Errors
    /// Why this kernel or this process cannot load them, and what to do.
    pub fn load() -> Result<Self, Unsupported> {
        let (loaded, coverage) = object::load::<AccountingSkelBuilder>(|_| Ok(()))?;
        Ok(Self {
            descriptors: object::attach(&loaded.progs.descriptors)?,
            users: object::attach(&loaded.progs.users)?,
            coverage,
            programs: loaded,
            buffer: Vec::new(),
        })
    }

    /// Whether the processes of the whole node are visible.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        self.coverage
    }

    /// Has the processes named that are near this `vm.max_map_count`; without, none is.
    pub fn set_max_mappings(&mut self, max: Option<u32>) {
        if let Some(globals) = &mut self.programs.maps.bss_data {
            globals.max_mappings = max.unwrap_or(0);
            globals.page_shift = rustix::param::page_size().trailing_zeros();
        }
    }

    /// Visits every open descriptor once.
    ///
    /// # Errors
    /// Those of reading the iterators; `InvalidData` for a malformed record.
    pub fn read(&mut self) -> io::Result<Accounting> {
        self.buffer.clear();
        drain(&self.descriptors, &mut self.buffer)?;
        drain(&self.users, &mut self.buffer)?;
        Records::decode(&self.buffer).map(Records::into_accounting)
    }
}

/// Appends the output of the iterator.
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
            // EAGAIN: the kernel visited a million files without output.
            Err(e) if matches!(e.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            Err(e) => return Err(e),
        }
    }
}
