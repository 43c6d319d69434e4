use std::io;
use std::thread;

use libbpf_rs::{Iter, Link};

use super::decode::Records;
use super::model::Accounting;
use crate::btf;
use crate::object;
use crate::output;
use crate::output::Output;
use crate::skeleton::accounting::{AccountingSkel, AccountingSkelBuilder};
use crate::skeleton::accounting_direct::{AccountingDirectSkel, AccountingDirectSkelBuilder};
use crate::skeleton::tables::{TablesSkel, TablesSkelBuilder};
use crate::skeleton::tables_direct::{TablesDirectSkel, TablesDirectSkelBuilder};
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
    programs: Box<dyn TaskPrograms>,
}

/// The programs of an object, and what it shares with them.
trait TaskPrograms: Send {
    fn output(&mut self) -> Option<Output<'_>>;
    /// `vm.max_map_count`, 0 for none, and the size of a page as a power of two.
    fn set_max_mappings(&mut self, max: u32, page_shift: u32);
}

trait TablePrograms: Send {
    fn output(&mut self) -> Option<Output<'_>>;
}

macro_rules! programs {
    ($tasks:ident, $tables:ident) => {
        impl TaskPrograms for $tasks<'static> {
            fn output(&mut self) -> Option<Output<'_>> {
                output::output!(self)
            }

            fn set_max_mappings(&mut self, max: u32, page_shift: u32) {
                if let Some(globals) = &mut self.maps.bss_data {
                    globals.max_mappings = max;
                    globals.page_shift = page_shift;
                }
            }
        }

        impl TablePrograms for $tables<'static> {
            fn output(&mut self) -> Option<Output<'_>> {
                output::output!(self)
            }
        }
    };
}

programs!(AccountingSkel, TablesSkel);
programs!(AccountingDirectSkel, TablesDirectSkel);

/// What is open.
struct Tables {
    link: Link,
    programs: Box<dyn TablePrograms>,
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
        let page_shift = rustix::param::page_size().trailing_zeros();
        self.tasks
            .programs
            .set_max_mappings(max.unwrap_or(0), page_shift);
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

/// Loads the programs of one object, and attaches their iterators.
macro_rules! load_tasks {
    ($builder:ident) => {{
        // Asked only where the kernel's BTF has been seen: libbpf complains otherwise.
        let has_programs = || btf::has_iterator("bpf_prog");
        let loaded = object::load::<$builder>(|open| {
            open.progs.published.set_autoload(has_programs());
            Ok(())
        });
        loaded.and_then(|(programs, coverage)| {
            let tasks = Tasks {
                link: object::attach(&programs.progs.tasks)?,
                guards: if has_programs() {
                    Some(object::attach(&programs.progs.published)?)
                } else {
                    None
                },
                programs: Box::new(programs),
            };
            Ok((tasks, coverage))
        })
    }};
}

macro_rules! load_tables {
    ($builder:ident) => {
        object::load::<$builder>(|_| Ok(())).and_then(|(programs, _)| {
            Ok(Tables {
                link: object::attach(&programs.progs.tables)?,
                programs: Box::new(programs),
            })
        })
    };
}

impl Tasks {
    fn load() -> Result<(Self, Coverage), Unsupported> {
        // A kernel without its JIT compiler has the function that casts, and loads no program that calls it.
        if btf::has_casts()
            && let Ok(loaded) = load_tasks!(AccountingDirectSkelBuilder)
        {
            return Ok(loaded);
        }
        load_tasks!(AccountingSkelBuilder)
    }

    fn read(&mut self) -> io::Result<Records> {
        let mut records = Records::default();
        for link in std::iter::once(&self.link).chain(&self.guards) {
            output::read(
                Iter::new(link).map_err(io::Error::other)?,
                &mut self.programs,
                |programs| programs.output(),
                |bytes| records.decode(bytes),
            )?;
        }
        Ok(records)
    }
}

impl Tables {
    fn load() -> Result<Self, Unsupported> {
        if btf::has_casts()
            && let Ok(loaded) = load_tables!(TablesDirectSkelBuilder)
        {
            return Ok(loaded);
        }
        load_tables!(TablesSkelBuilder)
    }

    fn read(&mut self) -> io::Result<Records> {
        let mut records = Records::default();
        output::read(
            Iter::new(&self.link).map_err(io::Error::other)?,
            &mut self.programs,
            |programs| programs.output(),
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
