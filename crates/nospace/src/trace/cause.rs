use nospace_bpf::trace::{Call, Event, Refusal};
use nospace_core::cause::Cause;

const EAGAIN: i64 = 11;
const ENFILE: i64 = 23;
const EMFILE: i64 = 24;
const ENOSPC: i64 = 28;
const EDQUOT: i64 = 122;

/// What can have refused `event`; `in_cgroupfs` says whether a directory was to be made there, where that is known.
pub fn candidates(event: &Event, in_cgroupfs: Option<bool>) -> Vec<Cause> {
    if let Some(refusal) = event.refusal() {
        return inotify(refusal);
    }
    match (event.call, -event.result) {
        (_, ENFILE) => vec![Cause::SystemFiles],
        (_, EMFILE) => vec![Cause::ProcessFiles],
        // cgroup.max.descendants and cgroup.max.depth answer EAGAIN, the 65,535 memory cgroups ENOSPC.
        (Call::Mkdir | Call::Mkdirat, EAGAIN) => vec![Cause::CgroupLimit],
        (Call::Mkdir | Call::Mkdirat, ENOSPC) => match in_cgroupfs {
            Some(true) => vec![Cause::CgroupLimit],
            Some(false) => vec![Cause::DiskSpace],
            None => vec![Cause::CgroupLimit, Cause::DiskSpace],
        },
        (Call::Mount | Call::MoveMount, ENOSPC) => vec![Cause::MountLimit],
        (Call::Unshare | Call::Clone, ENOSPC) => vec![Cause::NamespaceLimit],
        (Call::Clone, EAGAIN) => vec![Cause::Pids],
        (Call::EpollCtl, ENOSPC) => vec![Cause::EpollWatches],
        (Call::AddKey | Call::Keyctl, EDQUOT) => vec![Cause::Keys],
        (Call::Semget, ENOSPC) => vec![Cause::SysvSemaphores],
        (Call::Shmget, ENOSPC) => vec![Cause::SysvShm],
        _ => Vec::new(),
    }
}

fn inotify(refusal: Refusal) -> Vec<Cause> {
    match refusal {
        Refusal::Instances => vec![Cause::InotifyInstances],
        Refusal::Watches => vec![Cause::InotifyWatches],
        Refusal::ProcessFiles => vec![Cause::ProcessFiles],
        Refusal::InstancesOrProcessFiles => vec![Cause::InotifyInstances, Cause::ProcessFiles],
    }
}

/// Whether it matters for the cause where the directory was to be made.
pub fn depends_on_place(event: &Event) -> bool {
    matches!(event.call, Call::Mkdir | Call::Mkdirat) && event.result == -ENOSPC
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::filter::tests::event;

    fn told(call: Call, errno: i64) -> Vec<Cause> {
        candidates(&event(call, -errno), None)
    }

    #[test]
    fn each_refusal_has_its_cause() {
        for (call, errno, cause) in [
            (Call::InotifyAddWatch, ENOSPC, Cause::InotifyWatches),
            (Call::InotifyInit1, ENFILE, Cause::SystemFiles),
            (Call::Mkdir, EAGAIN, Cause::CgroupLimit),
            (Call::Mount, ENOSPC, Cause::MountLimit),
            (Call::Unshare, ENOSPC, Cause::NamespaceLimit),
            (Call::Clone, EAGAIN, Cause::Pids),
            (Call::Clone, ENOSPC, Cause::NamespaceLimit),
            (Call::EpollCtl, ENOSPC, Cause::EpollWatches),
            (Call::AddKey, EDQUOT, Cause::Keys),
            (Call::Semget, ENOSPC, Cause::SysvSemaphores),
            (Call::Shmget, ENOSPC, Cause::SysvShm),
        ] {
            assert_eq!(told(call, errno), [cause], "{call:?}");
        }
    }

    #[test]
    fn other_errors_have_none() {
        assert_eq!(told(Call::InotifyAddWatch, 2), []);
        assert_eq!(told(Call::Keyctl, EAGAIN), []);
        assert_eq!(candidates(&event(Call::InotifyAddWatch, 3), None), []);
    }

    #[test]
    fn what_the_kernel_did_not_tell_stays_open() {
        let both = [Cause::InotifyInstances, Cause::ProcessFiles];
        assert_eq!(told(Call::InotifyInit1, EMFILE), both);
        let both = [Cause::CgroupLimit, Cause::DiskSpace];
        assert_eq!(told(Call::Mkdir, ENOSPC), both);
        let mkdir = event(Call::Mkdir, -ENOSPC);
        assert_eq!(candidates(&mkdir, Some(true)), [Cause::CgroupLimit]);
        assert_eq!(candidates(&mkdir, Some(false)), [Cause::DiskSpace]);
    }
}
