use nospace_bpf::trace::{Event, Options};
use nospace_core::report::Owner;
use nospace_core::select::{Selection, is_program};

use super::any_call;

/// Which calls are reported. Values of one kind widen it, kinds narrow it.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only inotify calls that failed.
    pub failed: bool,
    /// Also every other call that fails because of a limit.
    pub any_call: bool,
    /// Effective uids, as the initial user namespace sees them.
    pub uids: Vec<u32>,
    /// Processes, pods, containers, programs.
    pub selection: Selection,
}

impl Filter {
    /// What of it the kernel sees to, so that the rest is not even sent.
    #[must_use]
    pub fn options(&self) -> Options {
        let pid = match self.selection.pids[..] {
            [pid] => Some(pid),
            _ => None,
        };
        Options {
            failed_only: self.failed,
            pid,
            // The kernel compares the real uid; inotify charges the effective one.
            uid: None,
            low_memory: false,
            any_call: if self.any_call {
                any_call::wanted()
            } else {
                &[]
            },
        }
    }

    /// Whether the call itself is wanted, no matter who owns the process.
    #[must_use]
    pub fn wants(&self, event: &Event) -> bool {
        let pids = &self.selection.pids;
        (pids.is_empty() || pids.contains(&event.pid))
            && (self.uids.is_empty() || self.uids.contains(&event.uid))
    }

    /// Whether calls of this program are wanted; `None` where that is unknown because the process has exited.
    #[must_use]
    pub fn wants_program(&self, program: Option<&str>) -> Option<bool> {
        let programs = &self.selection.programs;
        if programs.is_empty() {
            return Some(true);
        }
        let program = program?;
        Some(programs.iter().any(|wanted| is_program(wanted, program)))
    }

    /// Whether calls of this owner are wanted; `None` where that is unknown because the owner is.
    #[must_use]
    pub fn wants_owner(&self, pid: u32, owner: Option<&Owner>) -> Option<bool> {
        if self.selection.pods.is_empty() && self.selection.containers.is_empty() {
            return Some(true);
        }
        Some(self.selection.has(pid, owner?))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use nospace_bpf::trace::{Call, Situation};
    use nospace_core::report::PodPart;

    use super::*;

    pub fn event(call: Call, result: i64) -> Event {
        Event {
            time: Duration::ZERO,
            call,
            pid: 7,
            tid: 7,
            uid: 1000,
            comm: b"tail".to_vec(),
            cgroup: 1,
            result,
            fd: None,
            argument: 0,
            path: None,
            path_truncated: false,
            descriptor_limit: 1024,
            count: None,
            situation: Situation::default(),
        }
    }

    fn pod(name: &str) -> Owner {
        Owner::Pod {
            namespace: "default".to_owned(),
            name: name.to_owned(),
            uid: String::new(),
            container: None,
            part: PodPart::Container,
        }
    }

    #[test]
    fn kinds_narrow_and_values_widen() {
        let filter = |pids: &[u32], uids: &[u32]| Filter {
            uids: uids.to_vec(),
            selection: Selection {
                pids: pids.to_vec(),
                ..Selection::default()
            },
            ..Filter::default()
        };
        let wants =
            |pids: &[u32], uids: &[u32]| filter(pids, uids).wants(&event(Call::InotifyInit, 3));
        assert!(wants(&[], &[]));
        assert!(wants(&[6, 7], &[1000]));
        assert!(!wants(&[6], &[1000]));
        assert!(!wants(&[7], &[0]));
    }

    #[test]
    fn the_kernel_filters_one_pid_only() {
        let mut filter = Filter::default();
        assert_eq!(filter.options(), Options::default());
        filter.selection.pids = vec![7];
        assert_eq!(filter.options().pid, Some(7));
        filter.selection.pids = vec![7, 8];
        assert_eq!(filter.options().pid, None);
    }

    #[test]
    fn a_program_that_nobody_knows_is_neither_wanted_nor_not() {
        let mut filter = Filter::default();
        assert_eq!(filter.wants_program(None), Some(true));
        filter.selection.programs = vec!["kube-controller-manager".to_owned(), "java".to_owned()];
        assert_eq!(filter.wants_program(Some("java")), Some(true));
        assert_eq!(filter.wants_program(Some("kube-controller")), Some(true));
        assert_eq!(filter.wants_program(Some("kube-control")), Some(false));
        assert_eq!(filter.wants_program(None), None);
    }

    #[test]
    fn a_pod_that_nobody_knows_is_neither_wanted_nor_not() {
        let mut filter = Filter::default();
        assert_eq!(filter.wants_owner(7, None), Some(true));
        filter.selection.pods = vec!["web-0".to_owned()];
        assert_eq!(filter.wants_owner(7, Some(&pod("web-0"))), Some(true));
        assert_eq!(filter.wants_owner(7, Some(&pod("web-1"))), Some(false));
        assert_eq!(filter.wants_owner(7, Some(&Owner::Host)), Some(false));
        assert_eq!(filter.wants_owner(7, None), None);
    }
}
