use std::io;

use libbpf_rs::{Iter, Link};

use super::decode::Records;
use super::model::Accounting;
use crate::btf;
use crate::object;
use crate::output;
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

    fn run(&mut self, iter: Iter, records: &mut Records) -> io::Result<()> {
        output::read(
            iter,
            &mut self.programs,
            |programs| output::output!(programs),
            |bytes| records.decode(bytes),
        )
    }
}
