use std::io;
use std::os::fd::{AsFd as _, IntoRawFd};

use libbpf_rs::{KprobeMultiOpts, Link, MapCore, MapFlags, Object, OpenObject, ProgramMut};
use zerocopy::IntoBytes;

use super::functions::{self, Function};
use super::tracefs::Tracefs;
use super::{Hook, Options, missed, numbers};
use crate::object;
use crate::perf;
use crate::records::{CALL_NUMBERS, FUNCTIONS, TraceConfig};
use crate::support::Unsupported;
use crate::types;

static IMAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/trace.bpf.o"));

/// Bytes between kernel and us; where locked memory is short (before 5.11) the object's own 1 MiB does.
const LARGE_RING: u32 = 8 << 20;

/// Every system call's return.
const EVENT: &str = "raw_syscalls/sys_exit";

/// The programs at work.
#[derive(Debug)]
pub struct Attached {
    pub hook: Hook,
    pub object: Object,
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
        let load = |ring| object::load(IMAGE, |open| prepare(open, hook, &config, ring));
        let ring = (!options.frugal).then_some(LARGE_RING);
        let (object, _) = load(ring).or_else(|_| load(None))?;
        let links = match hook {
            Hook::Returns => vec![returns(&object, functions)?],
            Hook::Exits => exits(&object)?,
            Hook::EveryCall => vec![every_call(&object)?],
        };
        Ok(Self {
            hook,
            object,
            links,
            missed: 0,
        })
    }

    /// Nothing is told any more. To take programs away from functions one by one may last seconds: they are only silenced,
    /// and go when this is dropped.
    pub fn end(&mut self) {
        if self.hook == Hook::Exits && silence(&self.object).is_ok() {
            return;
        }
        self.missed = self.missed_by_links();
        self.links.clear();
    }

    /// Calls that no program saw.
    pub fn missed(&self) -> u64 {
        let by_programs = loaded(&self.object).map(|p| missed::by_program(p.as_fd()));
        by_programs.sum::<u64>() + self.missed_by_links()
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
fn config(options: Options, functions: &[Function]) -> TraceConfig {
    let mut config = TraceConfig {
        failed_only: options.failed_only.into(),
        by_pid: options.pid.is_some().into(),
        pid: options.pid.unwrap_or_default(),
        by_uid: options.uid.is_some().into(),
        uid: options.uid.unwrap_or_default(),
        reserved: 0,
        native: [0; CALL_NUMBERS],
        compat: [0; CALL_NUMBERS],
        functions: [0; FUNCTIONS],
    };
    numbers::set(&mut config);
    for (place, function) in config.functions.iter_mut().zip(functions) {
        *place = u8::try_from(function.call).unwrap_or_default();
    }
    config
}

/// Chooses the programs for `hook`, and tells them what is wanted.
fn prepare(
    open: &mut OpenObject,
    hook: Hook,
    config: &TraceConfig,
    ring: Option<u32>,
) -> libbpf_rs::Result<()> {
    for mut program in open.progs_mut() {
        let name = program.name().to_string_lossy().into_owned();
        program.set_autoload(match hook {
            Hook::Returns => name == "returns",
            Hook::EveryCall => name == "sys_exit",
            Hook::Exits => place(&name).is_some_and(|place| config.functions[place] > 0),
        });
    }
    for mut map in open.maps_mut() {
        let name = map.name().to_string_lossy().into_owned();
        if name == "ring"
            && let Some(bytes) = ring
        {
            map.set_max_entries(bytes)?;
        }
        if name.ends_with(".rodata")
            && let Some(value) = map.initial_value_mut()
            && let Some(value) = value.get_mut(..size_of::<TraceConfig>())
        {
            value.copy_from_slice(config.as_bytes());
        }
    }
    Ok(())
}

/// Of the function that the program `fexit_N` is for.
fn place(program: &str) -> Option<usize> {
    let place = program.strip_prefix("fexit_")?.parse().ok()?;
    (place < FUNCTIONS).then_some(place)
}

fn loaded(object: &Object) -> impl Iterator<Item = ProgramMut<'_>> {
    object.progs_mut().filter(|program| program.autoload())
}

fn the_program(object: &Object) -> Result<ProgramMut<'_>, Unsupported> {
    let program = loaded(object).next();
    program.ok_or_else(|| Unsupported::fault("the program of the trace"))
}

fn returns(object: &Object, functions: &[Function]) -> Result<Link, Unsupported> {
    let options = KprobeMultiOpts {
        symbols: functions.iter().map(|f| f.name.to_owned()).collect(),
        cookies: functions.iter().map(|f| f.call.into()).collect(),
        retprobe: true,
        ..KprobeMultiOpts::default()
    };
    let link = the_program(object)?
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

fn exits(object: &Object) -> Result<Vec<Link>, Unsupported> {
    let attach = |program: ProgramMut<'_>| {
        let link = program.attach_trace();
        link.map_err(|error| object::refused("trace functions", &error))
    };
    loaded(object).map(attach).collect()
}

/// By way of perf, which keeps the program from being interrupted.
fn every_call(object: &Object) -> Result<Link, Unsupported> {
    let refused = |error: io::Error| {
        Unsupported::new(
            format!("cannot trace system calls: {EVENT}: {error}"),
            "run as root, on a kernel built with CONFIG_EVENT_TRACING",
        )
    };
    let id = Tracefs::open()?.id(EVENT).map_err(refused)?;
    let event = perf::tracepoint(id).map_err(refused)?;
    // The link closes the event.
    the_program(object)?
        .attach_perf_event(event.into_raw_fd())
        .map_err(|error| refused(io::Error::other(error)))
}

/// Sets `ended`.
fn silence(object: &Object) -> io::Result<()> {
    let (key, ended) = (0_u32.to_ne_bytes(), 1_u32.to_ne_bytes());
    object::map(object, ".data.ended")?
        .update(&key, &ended, MapFlags::ANY)
        .map_err(io::Error::other)
}
