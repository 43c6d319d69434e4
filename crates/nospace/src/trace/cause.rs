use nospace_bpf::trace::{Call, Event, Refusal};
use nospace_core::cause::Cause;
use nospace_core::limits::{self, errno::ENOSPC};

/// What can have refused `event`; `in_cgroupfs` says whether a directory was to be made there, where that is known.
pub fn candidates(event: &Event, in_cgroupfs: Option<bool>) -> Vec<Cause> {
    if let Some(refusal) = event.refusal() {
        return inotify(refusal);
    }
    let errno = i32::try_from(-event.result).unwrap_or(0);
    limits::refused(event.call.name(), errno, in_cgroupfs)
}

/// The kernel's count at that moment says which it was.
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
    matches!(event.call, Call::Mkdir | Call::Mkdirat) && event.result == -i64::from(ENOSPC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::filter::tests::event;

    #[test]
    fn calls_have_the_names_that_limits_know() {
        let known = |call: Call, errno: i32| candidates(&event(call, -i64::from(errno)), None);
        assert_eq!(known(Call::Unshare, ENOSPC), [Cause::NamespaceLimit]);
        let both = [Cause::CgroupLimit, Cause::DiskSpace];
        assert_eq!(known(Call::Mkdir, ENOSPC), both);
        let mkdir = event(Call::Mkdir, -i64::from(ENOSPC));
        assert_eq!(candidates(&mkdir, Some(true)), [Cause::CgroupLimit]);
        assert_eq!(candidates(&event(Call::InotifyAddWatch, 3), None), []);
    }
}
