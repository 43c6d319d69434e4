use std::io;
use std::os::fd::{AsFd as _, IntoRawFd};

use libbpf_rs::skel::{OpenSkel as _, Skel as _};
use libbpf_rs::{KprobeMultiOpts, Link, ProgramMut};

use super::functions::{self, Function};
use super::tracefs::Tracefs;
use super::{Hook, Options, missed, numbers};
use crate::object;
use crate::perf;
use crate::skeleton::trace::types::trace_config;
use crate::skeleton::trace::{OpenTraceSkel, TraceSkel, TraceSkelBuilder};
use crate::support::Unsupported;
use crate::types;

/// Bytes between kernel and us; where locked memory is short (before 5.11) the object's own 1 MiB does.
const LARGE_RING: u32 = 8 << 20;

/// Every system call's return.
const EVENT: &str = "raw_syscalls/sys_exit";

/// The programs at work.
pub struct Attached {
    pub hook: Hook,
    pub programs: TraceSkel<'static>,
    links: Vec<Link>,
    /// Of links that are no more.
    missed: u64,
}

impl Attached {
    /// Loads the programs for `hook`, and attaches them.
    pub fn new(options: Options, hook: Hook) -> Result<Self, Unsupported> {
        let functions = match hook {
            Hook::EveryCall => &[][..],
            Hook::Returns | Hook::Exits => functions::known().map_err(|name| {
                Unsupported::new(
                    format!("the kernel's types do not have {name}"),
                    "report this with the kernel's version",
                )
            })?,
        };
        if hook == Hook::Exits {
            types::aim(functions.iter().map(|f| f.number).collect());
        }
        let config = config(options, functions);
        let load =
            |ring| object::load::<TraceSkelBuilder>(|open| prepare(open, hook, &config, ring));
        let ring = (!options.frugal).then_some(LARGE_RING);
        let (programs, _) = load(ring).or_else(|_| load(None))?;
        let links = match hook {
            Hook::Returns => vec![returns(&programs.progs.returns, functions)?],
            Hook::Exits => exits(&programs)?,
            Hook::EveryCall => vec![every_call(&programs.progs.sys_exit)?],
        };
        Ok(Self {
            hook,
            programs,
            links,
            missed: 0,
        })
    }

    /// Nothing is told any more. To take programs away from functions one by one may last seconds: they are only silenced,
    /// and go when this is dropped.
    pub fn end(&mut self) {
        if let (Hook::Exits, Some(memory)) = (self.hook, &mut self.programs.maps.bss_data) {
            memory.ended = 1;
            return;
        }
        self.missed = self.missed_by_links();
        self.links.clear();
    }

    /// Calls that no program saw, or that found the ring full.
    pub fn lost(&self) -> u64 {
        let by_programs = loaded(&self.programs).map(|p| missed::by_program(p.as_fd()));
        let memory = self.programs.maps.bss_data.as_ref();
        // SAFETY: read through a reference; volatile, because the programs change it unseen by the compiler.
        let full = memory.map_or(0, |memory| unsafe {
            (&raw const memory.lost).read_volatile()
        });
        full + by_programs.sum::<u64>() + self.missed_by_links()
    }

    fn missed_by_links(&self) -> u64 {
        if self.hook != Hook::Returns {
            return 0;
        }
        let by_links = self
            .links
            .iter()
            .filter_map(|link| missed::by_link(link.as_fd()));
        self.missed + by_links.sum::<u64>()
    }
}

/// What the programs are told.
fn config(options: Options, functions: &[Function]) -> trace_config {
    let mut config = trace_config {
        failed_only: options.failed_only.into(),
        by_pid: options.pid.is_some().into(),
        pid: options.pid.unwrap_or_default(),
        by_uid: options.uid.is_some().into(),
        uid: options.uid.unwrap_or_default(),
        ..trace_config::default()
    };
    numbers::set(&mut config);
    for (place, function) in config.functions.iter_mut().zip(functions) {
        *place = u8::try_from(function.call.0).unwrap_or_default();
    }
    config
}

/// Chooses the programs for `hook`, and tells them what is wanted.
fn prepare(
    open: &mut OpenTraceSkel<'_>,
    hook: Hook,
    config: &trace_config,
    ring: Option<u32>,
) -> libbpf_rs::Result<()> {
    match hook {
        Hook::Returns => open.progs.returns.set_autoload(true),
        Hook::EveryCall => open.progs.sys_exit.set_autoload(true),
        Hook::Exits => {
            for mut program in open.open_object_mut().progs_mut() {
                let place = program.name().to_str().and_then(place);
                program.set_autoload(place.is_some_and(|place| config.functions[place] > 0));
            }
        }
    }
    if let Some(bytes) = ring {
        open.maps.ring.set_max_entries(bytes)?;
    }
    if let Some(constants) = &mut open.maps.rodata_data {
        constants.config = *config;
    }
    Ok(())
}

/// Of the function that the program `fexit_N` is for.
fn place(program: &str) -> Option<usize> {
    program.strip_prefix("fexit_")?.parse().ok()
}

fn loaded<'p>(programs: &'p TraceSkel<'static>) -> impl Iterator<Item = ProgramMut<'p>> {
    let all = programs.object().progs_mut();
    all.filter(|program| program.autoload())
}

fn returns(program: &ProgramMut<'_>, functions: &[Function]) -> Result<Link, Unsupported> {
    let options = KprobeMultiOpts {
        symbols: functions.iter().map(|f| f.name.to_owned()).collect(),
        cookies: functions.iter().map(|f| f.call.0.into()).collect(),
        retprobe: true,
        ..KprobeMultiOpts::default()
    };
    let link = program
        .attach_kprobe_multi_with_opts(options)
        .map_err(|error| object::refused("trace functions", &error))?;
    match missed::by_link(link.as_fd()) {
        Some(_) => Ok(link),
        None => Err(Unsupported::new(
            "the kernel does not count what a trace of functions misses",
            "use Linux 6.7 or later",
        )),
    }
}

fn exits(programs: &TraceSkel<'static>) -> Result<Vec<Link>, Unsupported> {
    let attach = |program: ProgramMut<'_>| {
        let link = program.attach_trace();
        link.map_err(|error| object::refused("trace functions", &error))
    };
    loaded(programs).map(attach).collect()
}

/// By way of perf, which keeps the program from being interrupted.
fn every_call(program: &ProgramMut<'_>) -> Result<Link, Unsupported> {
    let refused = |error: io::Error| {
        Unsupported::new(
            format!("cannot trace system calls: {EVENT}: {error}"),
            "run as root, on a kernel built with CONFIG_EVENT_TRACING",
        )
    };
    let id = Tracefs::open()?.id(EVENT).map_err(refused)?;
    let event = perf::tracepoint(id).map_err(refused)?;
    // The link closes the event.
    program
        .attach_perf_event(event.into_raw_fd())
        .map_err(|error| refused(io::Error::other(error)))
}
