use nospace_bpf::trace::{Call, Event, Refusal};
use nospace_core::cause::Cause;
use nospace_core::limits::{
    self,
    errno::{EAGAIN, ENOSPC},
};

use super::any_call;
use super::owners::Site;
use super::verdict::Verdict;

/// What refuses inotify calls below the limit.
const BELOW_LIMIT: &str = "a BPF program or security module";

/// What can have refused `event`; `site` says what it was about, and `max_mappings` is `vm.max_map_count`, where that is known.
pub fn verdict(event: &Event, site: Site, max_mappings: Option<u64>) -> Verdict {
    if let Some(refusal) = event.refusal() {
        return inotify(event, refusal);
    }
    let errno = i32::try_from(-event.result).unwrap_or(0);
    let mut known = limits::refused(event.call.name(), errno, site.place);
    if let (ENOSPC, Some(kind)) = (errno, site.file_system) {
        known.retain(|cause| kind.can_mean(*cause));
    }
    match event.call {
        Call::Other(name) => any_call::verdict(event, name, errno, known, max_mappings),
        // RLIMIT_NPROC comes first, and then its count was reached.
        Call::Clone if errno == EAGAIN && event.situation.deadline && event.count.is_none() => {
            Verdict::of(known).or("a process under SCHED_DEADLINE may not fork")
        }
        _ => Verdict::of(known),
    }
}

/// What a guard refused; the count was not reached.
pub fn by_guard(event: &Event) -> Verdict {
    Verdict::of(match event.call {
        Call::InotifyAddWatch => [Cause::InotifyWatches],
        _ => [Cause::InotifyInstances],
    })
}

/// The kernel's count at that moment says which it was. Below the limit, or without a count, the limit can have refused the call all
/// the same, but so can any program that the kernel asks.
fn inotify(event: &Event, refusal: Refusal) -> Verdict {
    let is_certain = event.had_reached_limit() || refusal == Refusal::ProcessFiles;
    let limits = match refusal {
        Refusal::Instances => vec![Cause::InotifyInstances],
        Refusal::Watches => vec![Cause::InotifyWatches],
        Refusal::ProcessFiles => vec![Cause::ProcessFiles],
        Refusal::InstancesOrProcessFiles => vec![Cause::InotifyInstances, Cause::ProcessFiles],
    };
    match Verdict::of(limits) {
        certain if is_certain => certain,
        limit => limit.or(BELOW_LIMIT),
    }
}

/// Whether it matters for the cause what the call was about.
pub fn depends_on_place(event: &Event) -> bool {
    let writes = matches!(event.call, Call::Mkdir | Call::Mkdirat | Call::Other(_));
    writes && event.result == -i64::from(ENOSPC)
}

#[cfg(test)]
mod tests {
    use nospace_bpf::trace::{Count, Counted};
    use nospace_core::limits::Place;
    use nospace_core::limits::errno::EMFILE;

    use super::*;
    use crate::trace::file_system::FileSystem;
    use crate::trace::filter::tests::event;

    #[test]
    fn calls_have_the_names_that_limits_know() {
        let causes = |event: &Event, place| {
            let site = Site {
                place,
                file_system: None,
            };
            verdict(event, site, None).candidates
        };
        let known = |call: Call, errno: i32| causes(&event(call, -i64::from(errno)), None);
        assert_eq!(known(Call::Unshare, ENOSPC), [Cause::NamespaceLimit]);
        let mkdir = event(Call::Mkdir, -i64::from(ENOSPC));
        let unknown = causes(&mkdir, None);
        assert!(unknown.contains(&Cause::CgroupLimit) && unknown.contains(&Cause::DiskSpace));
        assert_eq!(causes(&mkdir, Some(Place::Cgroupfs)), [Cause::CgroupLimit]);
        assert_eq!(causes(&event(Call::InotifyAddWatch, 3), None), []);
    }

    #[test]
    fn below_the_limit_something_else_may_have_refused() {
        use Cause::{InotifyInstances, InotifyWatches, ProcessFiles};
        let judged = |call, errno: i32, of, used: Option<u64>, files_full| {
            let mut event = event(call, -i64::from(errno));
            event.count = used.map(|used| Count {
                of,
                key: None,
                used,
                limit: 1000,
            });
            event.situation.files_full = files_full;
            let verdict = verdict(&event, Site::default(), None);
            (verdict.candidates, verdict.otherwise.is_none())
        };
        let watch = |used| judged(Call::InotifyAddWatch, ENOSPC, Counted::Watches, used, false);
        // At the limit; then the limit was lowered below the use.
        assert_eq!(watch(Some(1000)), (vec![InotifyWatches], true));
        assert_eq!(watch(Some(5000)), (vec![InotifyWatches], true));
        // One may have been freed meanwhile, or all of them; neither says that it was not the limit.
        for used in [Some(999), Some(900), Some(0), None] {
            assert_eq!(watch(used), (vec![InotifyWatches], false), "{used:?}");
        }
        let init = |used, files_full| {
            let of = Counted::Instances;
            judged(Call::InotifyInit1, EMFILE, of, used, files_full)
        };
        let either = vec![InotifyInstances, ProcessFiles];
        assert_eq!(init(Some(1000), false), (vec![InotifyInstances], true));
        assert_eq!(init(Some(999), true), (vec![ProcessFiles], true));
        assert_eq!(init(Some(999), false), (either.clone(), false));
        assert_eq!(init(None, false), (either, false));
    }

    #[test]
    fn who_may_not_fork_anyway_is_not_certain() {
        let mut fork = event(Call::Clone, -i64::from(EAGAIN));
        let judged = |event: &Event| {
            let verdict = verdict(event, Site::default(), None);
            (verdict.candidates, verdict.otherwise.is_none())
        };
        assert_eq!(judged(&fork), (vec![Cause::Pids], true));
        fork.situation.deadline = true;
        assert_eq!(judged(&fork), (vec![Cause::Pids], false));
    }

    #[test]
    fn a_full_disk_is_certain_only_where_nothing_else_answers_so() {
        use Cause::{BtrfsMetadata, DirectoryIndex, DiskQuota, DiskSpace};
        let causes = |call, file_system| {
            let site = Site {
                place: Some(Place::OtherFilesystem),
                file_system,
            };
            verdict(&event(call, -i64::from(ENOSPC)), site, None).candidates
        };
        let write = Call::Other("write");
        for (call, file_system, expected) in [
            (write, Some(FileSystem::Tmpfs), vec![DiskSpace]),
            (write, Some(FileSystem::Ext), vec![DiskSpace]),
            (write, Some(FileSystem::Xfs), vec![DiskSpace, DiskQuota]),
            (
                write,
                Some(FileSystem::Btrfs),
                vec![DiskSpace, BtrfsMetadata],
            ),
            (write, None, vec![DiskSpace, DiskQuota, BtrfsMetadata]),
            (
                Call::Mkdir,
                Some(FileSystem::Ext),
                vec![DiskSpace, DirectoryIndex],
            ),
            (Call::Mkdir, Some(FileSystem::Tmpfs), vec![DiskSpace]),
        ] {
            assert_eq!(causes(call, file_system), expected, "{call:?}");
        }
    }
}
