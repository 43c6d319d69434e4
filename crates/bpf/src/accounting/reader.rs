use std::io;
use std::thread;

use libbpf_rs::{Iter, Link};

use super::decode::Records;
use super::model::Accounting;
use crate::btf;
use crate::object;
use crate::output;
use crate::skeleton::accounting::{AccountingSkel, AccountingSkelBuilder};
use crate::skeleton::tables::{TablesSkel, TablesSkelBuilder};
use crate::skeleton::type_ids;
use crate::support::{Coverage, Unsupported};

/// Reads the kernel's own inotify accounting: the programs are loaded once and can be read many times.
pub struct AccountingReader {
    tasks: Tasks,
    tables: Tables,
    coverage: Coverage,
}

/// What tasks are charged for, and guards.
struct Tasks {
    link: Link,
    /// Over the programs of everybody: guards are among them.
    guards: Option<Link>,
    programs: AccountingSkel<'static>,
}

/// What is open.
struct Tables {
    link: Link,
    programs: TablesSkel<'static>,
}

impl AccountingReader {
    /// Loads the programs into the kernel, which unloads them when this is dropped or the process ends.
    ///
    /// # Errors
    /// Why this kernel or this process cannot load them, and what to do.
    pub fn load() -> Result<Self, Unsupported> {
        let (tasks, tables) = both(Tasks::load, Tables::load);
        let (tasks, coverage) = tasks?;
        Ok(Self {
            tasks,
            tables: tables?,
            coverage,
        })
    }

    /// Whether the processes of the whole node are visible.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        self.coverage
    }

    /// Has the processes named that are near this `vm.max_map_count`; without, none is.
    pub fn set_max_mappings(&mut self, max: Option<u32>) {
        if let Some(globals) = &mut self.tasks.programs.maps.bss_data {
            globals.max_mappings = max.unwrap_or(0);
            globals.page_shift = rustix::param::page_size().trailing_zeros();
        }
    }

    /// Visits every task and every open descriptor once.
    ///
    /// # Errors
    /// Those of reading the iterators; `InvalidData` for a malformed record.
    pub fn read(&mut self) -> io::Result<Accounting> {
        let (tasks, tables) = both(|| self.tasks.read(), || self.tables.read());
        let mut records = tasks?;
        records.add_tables(tables?);
        let mut accounting = records.into_accounting();
        if self.tasks.guards.is_none() {
            accounting.guards = None;
        }
        Ok(accounting)
    }
}

impl Tasks {
    fn load() -> Result<(Self, Coverage), Unsupported> {
        // Asked only where the kernel's BTF has been seen: libbpf complains otherwise.
        let has_programs = || btf::has_iterator("bpf_prog");
        let (programs, coverage) = object::load::<AccountingSkelBuilder>(|open, id| {
            open.progs.published.set_autoload(has_programs());
            if let Some(constants) = &mut open.maps.rodata_data {
                constants.type_ids = type_ids!(accounting, id);
            }
            Ok(())
        })?;
        let tasks = Self {
            link: object::attach(&programs.progs.tasks)?,
            guards: if has_programs() {
                Some(object::attach(&programs.progs.published)?)
            } else {
                None
            },
            programs,
        };
        Ok((tasks, coverage))
    }

    fn read(&mut self) -> io::Result<Records> {
        let mut records = Records::default();
        for link in std::iter::once(&self.link).chain(&self.guards) {
            output::read(
                Iter::new(link).map_err(io::Error::other)?,
                &mut self.programs,
                |programs| output::output!(programs),
                |bytes| records.decode(bytes),
            )?;
        }
        Ok(records)
    }
}

impl Tables {
    fn load() -> Result<Self, Unsupported> {
        let (programs, _) = object::load::<TablesSkelBuilder>(|open, id| {
            if let Some(constants) = &mut open.maps.rodata_data {
                constants.type_ids = type_ids!(tables, id);
            }
            Ok(())
        })?;
        Ok(Self {
            link: object::attach(&programs.progs.tables)?,
            programs,
        })
    }

    fn read(&mut self) -> io::Result<Records> {
        let mut records = Records::default();
        output::read(
            Iter::new(&self.link).map_err(io::Error::other)?,
            &mut self.programs,
            |programs| output::output!(programs),
            |bytes| records.decode(bytes),
        )?;
        Ok(records)
    }
}

/// Runs both at once; one after the other where there is no second thread to be had, because no pid is left.
fn both<A, B: Send>(here: impl FnOnce() -> A, mut there: impl FnMut() -> B + Send) -> (A, B) {
    let mut done = None;
    let here = thread::scope(|scope| {
        let spawned = thread::Builder::new().spawn_scoped(scope, || done = Some(there()));
        drop(spawned);
        here()
    });
    let there = done.unwrap_or_else(there);
    (here, there)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    #[test]
    fn both_run_at_once() {
        let (sender, receiver) = mpsc::channel();
        let wait = Duration::from_secs(60);
        let (here, there) = both(
            || receiver.recv_timeout(wait),
            || sender.send(1).is_ok().then_some(2),
        );
        assert_eq!((here, there), (Ok(1), Some(2)));
    }
}
