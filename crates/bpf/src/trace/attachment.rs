use std::io;
use std::os::fd::{AsFd as _, IntoRawFd};

use libbpf_rs::skel::{OpenSkel as _, Skel as _};
use libbpf_rs::{KprobeMultiOpts, Link, ProgramMut};

use super::functions::{self, Function};
use super::hook::Hook;
use super::options::Options;
use super::tracefs::Tracefs;
use super::{any_call, syscalls};
use crate::btf;
use crate::misses;
use crate::object;
use crate::perf;
use crate::skeleton::trace::types::trace_config;
use crate::skeleton::trace::{OpenTraceSkel, TraceSkel, TraceSkelBuilder};
use crate::support::Unsupported;

/// Bytes of the ring buffer, unless RLIMIT_MEMLOCK is too low for it (before 5.11): then it has 1 MiB as in the object.
const LARGE_RING: u32 = 8 << 20;

/// The tracepoint at the end of every system call.
const EVENT: &str = "raw_syscalls/sys_exit";

/// The loaded programs and their links.
pub struct Attachment {
    pub hook: Hook,
    pub programs: TraceSkel<'static>,
    links: Vec<Link>,
    /// Calls that removed links missed.
    missed: u64,
}

impl Attachment {
    /// Loads the programs for `hook` and attaches them.
    pub fn new(options: Options, hook: Hook) -> Result<Self, Unsupported> {
        let functions = match hook {
            Hook::SysExit => &[][..],
            Hook::KprobeMulti | Hook::Fexit => functions::kernel_functions().map_err(|name| {
                Unsupported::new(
                    format!("the kernel's BTF does not have the function {name}"),
                    "report this with the kernel version (uname -r)",
                )
            })?,
        };
        if hook == Hook::Fexit {
            btf::set_fexit_targets(functions.iter().map(|f| f.btf_id).collect());
        }
        let config = config(options, functions);
        let load =
            |ring| object::load::<TraceSkelBuilder>(|open| prepare(open, hook, &config, ring));
        let ring = (!options.low_memory).then_some(LARGE_RING);
        let (programs, _) = load(ring).or_else(|_| load(None))?;
        let links = match hook {
            Hook::KprobeMulti => vec![attach_kprobe_multi(
                &programs.progs.kprobe_multi,
                functions,
            )?],
            Hook::Fexit => attach_fexit(&programs)?,
            Hook::SysExit => vec![attach_sys_exit(&programs.progs.sys_exit)?],
        };
        Ok(Self {
            hook,
            programs,
            links,
            missed: 0,
        })
    }

    /// Stops the trace. Detaching from functions one by one can take seconds, so fexit programs are only told to do nothing
    /// until this is dropped.
    pub fn detach(&mut self) {
        if let (Hook::Fexit, Some(memory)) = (self.hook, &mut self.programs.maps.bss_data) {
            memory.ended = 1;
            return;
        }
        self.missed = self.missed_by_links();
        self.links.clear();
    }

    /// Calls that no program saw, or that found the ring buffer full.
    pub fn lost(&self) -> u64 {
        let by_programs =
            loaded(&self.programs).map(|p| misses::recursion_misses(p.as_fd()).unwrap_or(0));
        let memory = self.programs.maps.bss_data.as_ref();
        // SAFETY: read through a reference; volatile, because the programs change it unseen by the compiler.
        let full = memory.map_or(0, |memory| unsafe {
            (&raw const memory.lost).read_volatile()
        });
        full + by_programs.sum::<u64>() + self.missed_by_links()
    }

    fn missed_by_links(&self) -> u64 {
        if self.hook != Hook::KprobeMulti {
            return 0;
        }
        let by_links = self
            .links
            .iter()
            .filter_map(|link| misses::kprobe_multi_misses(link.as_fd()));
        self.missed + by_links.sum::<u64>()
    }
}

/// The constants of the programs.
fn config(options: Options, functions: &[Function]) -> trace_config {
    let mut config = trace_config {
        failed_only: options.failed_only.into(),
        by_pid: options.pid.is_some().into(),
        pid: options.pid.unwrap_or_default(),
        by_uid: options.uid.is_some().into(),
        uid: options.uid.unwrap_or_default(),
        ..trace_config::default()
    };
    syscalls::set(&mut config);
    any_call::set(&mut config, options.any_call);
    for (call, function) in config.functions.iter_mut().zip(functions) {
        *call = u8::try_from(function.call.0).unwrap_or_default();
    }
    config
}

/// Selects the programs for `hook`, and sets their constants and the size of the ring buffer.
fn prepare(
    open: &mut OpenTraceSkel<'_>,
    hook: Hook,
    config: &trace_config,
    ring: Option<u32>,
) -> libbpf_rs::Result<()> {
    match hook {
        Hook::KprobeMulti => open.progs.kprobe_multi.set_autoload(true),
        Hook::SysExit => open.progs.sys_exit.set_autoload(true),
        Hook::Fexit => {
            for mut program in open.open_object_mut().progs_mut() {
                let number = program.name().to_str().and_then(fexit_number);
                program.set_autoload(number.is_some_and(|n| config.functions[n] > 0));
            }
        }
    }
    if let Some(bytes) = ring {
        open.maps.ring.set_max_entries(bytes)?;
    }
    if let Some(constants) = &mut open.maps.rodata_data {
        constants.config = *config;
        constants.page_shift = rustix::param::page_size().trailing_zeros();
    }
    Ok(())
}

/// N of the program `fexit_N`.
fn fexit_number(program: &str) -> Option<usize> {
    program.strip_prefix("fexit_")?.parse().ok()
}

fn loaded<'p>(programs: &'p TraceSkel<'static>) -> impl Iterator<Item = ProgramMut<'p>> {
    let all = programs.object().progs_mut();
    all.filter(|program| program.autoload())
}

fn attach_kprobe_multi(
    program: &ProgramMut<'_>,
    functions: &[Function],
) -> Result<Link, Unsupported> {
    let options = KprobeMultiOpts {
        symbols: functions.iter().map(|f| f.name.to_owned()).collect(),
        cookies: functions.iter().map(|f| f.call.0.into()).collect(),
        retprobe: true,
        ..KprobeMultiOpts::default()
    };
    let link = program
        .attach_kprobe_multi_with_opts(options)
        .map_err(|error| object::load_error("trace functions", &error))?;
    match misses::kprobe_multi_misses(link.as_fd()) {
        Some(_) => Ok(link),
        None => Err(Unsupported::new(
            "the kernel does not count the calls that kprobe.multi misses",
            "use Linux 6.7 or later",
        )),
    }
}

fn attach_fexit(programs: &TraceSkel<'static>) -> Result<Vec<Link>, Unsupported> {
    let attach = |program: ProgramMut<'_>| {
        let link = program.attach_trace();
        link.map_err(|error| object::load_error("trace functions", &error))
    };
    loaded(programs).map(attach).collect()
}

/// Through a perf event, which runs the program with preemption disabled.
fn attach_sys_exit(program: &ProgramMut<'_>) -> Result<Link, Unsupported> {
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
