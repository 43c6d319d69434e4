//! The same out of the kernel's accounting: nobody's descriptors are walked, only their holders described.

use nospace_core::model::{Epoll, EpollUser, Inotify, Process, Provenance};

use super::process::describe;
use crate::collect::read;
use crate::collect::run::{CollectResult, Measurement, Runs};
use crate::host::{Host, KernelAccounting, ProcessDescriptors, ReadError};
use crate::parallel::share_out;

/// The collectors of limits that only eBPF shows.
const FANOTIFY: &str = "fanotify";
const RLIMITS: &str = "rlimits";
const MAPPINGS: &str = "mappings";

/// Instances and counters as the kernel has them; `missed` is what could not be read of their holders.
pub fn inotify(accounts: &mut KernelAccounting, missed: Vec<String>) -> Measurement<Inotify> {
    let gaps: Vec<String> = accounts.gap.take().into_iter().chain(missed).collect();
    Measurement::exact(std::mem::take(&mut accounts.inotify))
        .partial(!gaps.is_empty())
        .with_gaps(gaps)
}

/// The processes that the accounting names, described from procfs; and why something of them could not be read.
pub fn processes(host: &dyn Host, booked: &[ProcessDescriptors]) -> (Vec<Process>, Vec<String>) {
    type Part = (Vec<Process>, Vec<String>);
    let parts = share_out(booked, |one, (described, missed): &mut Part| {
        match host.owner(one.pid) {
            Ok(uid) => {
                let process = describe(host, one.pid, uid, one.descriptors, one.limit, missed);
                described.extend(process.map(|(process, _)| process));
            }
            Err(ReadError::Gone) => {}
            Err(error) => missed.push(format!("owner of /proc/PID: {error}")),
        }
    });
    let (described, missed): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    let mut all = described.concat();
    all.sort_unstable_by_key(|process| process.pid);
    let mut missed = missed.concat();
    missed.sort_unstable();
    missed.dedup();
    (all, missed)
}

/// epoll watches; each CPU holds back some of the kernel's own count.
pub fn epoll(host: &dyn Host, users: Vec<EpollUser>) -> CollectResult<Epoll> {
    let max_user_watches = read::sysctl(host, "fs.epoll.max_user_watches")?;
    Ok(Measurement::estimated(Epoll {
        max_user_watches,
        users,
    }))
}

/// Says which other limits the account has: those of this kernel, and of this nospace if it is a recording's.
pub fn other_limits(runs: &mut Runs, accounts: &KernelAccounting) {
    let limits = accounts.accounts.as_deref();
    for (name, is_known) in [
        (FANOTIFY, limits.is_some_and(|all| all.fanotify.is_some())),
        (RLIMITS, limits.is_some_and(|all| all.rlimits)),
        (MAPPINGS, limits.is_some_and(|all| all.mappings)),
    ] {
        if is_known {
            let gaps: Vec<String> = accounts.gap.clone().into_iter().collect();
            let done = Measurement::exact(()).partial(!gaps.is_empty());
            runs.run(name, "ebpf", || Ok(done.with_gaps(gaps)));
        } else {
            let why =
                "this kernel does not show it to eBPF, or the recording is older than this nospace";
            unavailable(runs, name, why);
        }
    }
}

/// Says that the other limits are out of sight, and why there is no eBPF to show them.
pub fn no_other_limits(runs: &mut Runs, without_books: &ReadError) {
    let why = match without_books {
        ReadError::Failed(why) => format!("only eBPF shows it: {why}"),
        _ => "only eBPF shows it; run nospace with CAP_BPF and CAP_PERFMON".to_owned(),
    };
    for name in [FANOTIFY, RLIMITS, MAPPINGS] {
        unavailable(runs, name, &why);
    }
}

fn unavailable(runs: &mut Runs, name: &str, why: &str) {
    let mut nothing = Measurement::exact(()).out_of_sight(vec![why.to_owned()]);
    nothing.provenance = Provenance::Unavailable;
    runs.run(name, "ebpf", || Ok(nothing));
}
