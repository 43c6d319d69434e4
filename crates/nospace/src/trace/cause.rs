use nospace_bpf::trace::{Call, Event, Refusal};
use nospace_core::cause::Cause;
use nospace_core::limits::{self, Place, errno::ENOSPC};

use super::any_call;
use super::verdict::Verdict;

/// What can have refused `event`; `place` says what it was about, and `max_mappings` is `vm.max_map_count`, where that is known.
pub fn verdict(event: &Event, place: Option<Place>, max_mappings: Option<u64>) -> Verdict {
    if let Some(refusal) = event.refusal() {
        return Verdict::of(inotify(refusal));
    }
    let errno = i32::try_from(-event.result).unwrap_or(0);
    let known = limits::refused(event.call.name(), errno, place);
    match event.call {
        Call::Other(name) => any_call::verdict(event, name, errno, known, max_mappings),
        _ => Verdict::of(known),
    }
}

/// Limits that can have refused one of the calls that are always traced.
#[cfg(feature = "agent")]
pub fn candidates(event: &Event, place: Option<Place>) -> Vec<Cause> {
    verdict(event, place, None).candidates
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

/// Whether it matters for the cause what the call was about.
pub fn depends_on_place(event: &Event) -> bool {
    let writes = matches!(event.call, Call::Mkdir | Call::Mkdirat | Call::Other(_));
    writes && event.result == -i64::from(ENOSPC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::filter::tests::event;

    #[test]
    fn calls_have_the_names_that_limits_know() {
        let causes = |event: &Event, place| verdict(event, place, None).candidates;
        let known = |call: Call, errno: i32| causes(&event(call, -i64::from(errno)), None);
        assert_eq!(known(Call::Unshare, ENOSPC), [Cause::NamespaceLimit]);
        let both = [Cause::CgroupLimit, Cause::DiskSpace];
        assert_eq!(known(Call::Mkdir, ENOSPC), both);
        let mkdir = event(Call::Mkdir, -i64::from(ENOSPC));
        assert_eq!(causes(&mkdir, Some(Place::Cgroupfs)), [Cause::CgroupLimit]);
        assert_eq!(causes(&event(Call::InotifyAddWatch, 3), None), []);
    }
}
