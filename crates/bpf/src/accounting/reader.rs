use std::io::{self, ErrorKind, Read};

use libbpf_rs::{Iter, Link};

use super::decode::Records;
use super::model::Accounting;
use crate::btf;
use crate::object;
use crate::skeleton::accounting::{AccountingSkel, AccountingSkelBuilder};
use crate::support::{Coverage, Unsupported};

/// Reads the kernel's own inotify accounting: the programs are loaded once and can be read many times.
pub struct AccountingReader {
    tasks: Link,
    /// Over the programs of everybody: guards are among them.
    guards: Option<Link>,
    coverage: Coverage,
    programs: AccountingSkel<'static>,
}

impl AccountingReader {
    /// Loads the programs into the kernel, which unloads them when this is dropped or the process ends.
    ///
    /// # Errors
    /// Why this kernel or this process cannot load them, and what to do.
    pub fn load() -> Result<Self, Unsupported> {
        // Asked only where the kernel's BTF has been seen: libbpf complains otherwise.
        let has_programs = || btf::has_iterator("bpf_prog");
        let (loaded, coverage) = object::load::<AccountingSkelBuilder>(|open| {
            open.progs.published.set_autoload(has_programs());
            Ok(())
        })?;
        Ok(Self {
            tasks: object::attach(&loaded.progs.tasks)?,
            guards: if has_programs() {
                Some(object::attach(&loaded.progs.published)?)
            } else {
                None
            },
            coverage,
            programs: loaded,
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
    /// Those of reading the iterator; `InvalidData` for a malformed record.
    pub fn read(&mut self) -> io::Result<Accounting> {
        let mut records = Records::default();
        // What an earlier reading left that failed.
        self.take_output(|_| Ok(()))?;
        let tasks = Iter::new(&self.tasks).map_err(io::Error::other)?;
        self.run(tasks, &mut records)?;
        let guards = self.guards.as_ref().map(Iter::new).transpose();
        let guards = guards.map_err(io::Error::other)?;
        let has_guards = guards.is_some();
        if let Some(guards) = guards {
            self.run(guards, &mut records)?;
        }
        let mut accounting = records.into_accounting();
        if !has_guards {
            accounting.guards = None;
        }
        Ok(accounting)
    }

    /// Reads an iterator to its end.
    fn run(&mut self, mut iter: Iter, records: &mut Records) -> io::Result<()> {
        loop {
            // The program's records are in its memory; it writes none to the iterator.
            let got = iter.read(&mut [0; 8]);
            self.take_output(|bytes| records.decode(bytes))?;
            match got {
                Ok(_) => return Ok(()),
                // EAGAIN: the program, which has stopped to have its memory emptied, or the kernel, after a million tasks.
                Err(e) if matches!(e.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// Empties the memory in which the program leaves its records.
    fn take_output(&mut self, then: impl FnOnce(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let globals = self.programs.maps.bss_data.as_mut();
        let output = &mut globals
            .ok_or_else(|| io::Error::other("the memory of the BPF program is not mapped"))?
            .output;
        let length = output.length as usize;
        (output.length, output.end) = (0, 0);
        then(output.bytes.get(..length).unwrap_or_default())
    }
}
