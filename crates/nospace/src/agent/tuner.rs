use std::collections::BTreeMap;
use std::path::PathBuf;

use nospace_core::attribute::View;
use nospace_core::tune::{Ceiling, Sysctl, profile, propose, requests_of_node};

use super::observation::LimitRaise;
use crate::host::Host;
use crate::tune::raise;
use crate::ui::warn;

/// Raises the two inotify limits: at the start to what `nospace plan` proposes, later under pressure. Never lowers one.
pub struct Tuner {
    procfs: PathBuf,
    started: bool,
    /// The latest raises, oldest first.
    pub limit_raises: Vec<LimitRaise>,
    /// How often each sysctl was raised.
    pub raise_counts: BTreeMap<&'static str, u64>,
    last_error: String,
}

impl Tuner {
    /// Nothing is raised yet.
    pub fn new(procfs: PathBuf) -> Self {
        Self {
            procfs,
            started: false,
            limit_raises: Vec::new(),
            raise_counts: [Sysctl::INSTANCES, Sysctl::WATCHES]
                .map(|sysctl| (sysctl.key, 0))
                .into(),
            last_error: String::new(),
        }
    }

    /// Raises what this collection calls for, up to `ceiling`.
    pub fn adjust(&mut self, host: &dyn Host, view: &View<'_>, observation: u64, ceiling: Ceiling) {
        let Some(limits) = &view.snapshot.limits else {
            return;
        };
        let live = |key: &str| {
            Some(match sysctl_at(key)? {
                0 => limits.max_user_instances,
                _ => limits.max_user_watches,
            })
        };
        let memory = view.snapshot.node.memory_bytes;
        let mut requests = requests_of_node(view);
        if !std::mem::replace(&mut self.started, true) {
            requests.extend(profile(memory));
        }
        requests.retain(|request| sysctl_at(request.sysctl.key).is_some());
        // None of these requests is firm, so none is refused.
        let proposed = propose(&requests, live, memory).unwrap_or_default();
        let mut error = String::new();
        for one in proposed {
            let from = live(one.sysctl.key).unwrap_or(u64::MAX);
            let to = ceiling
                .of(one.sysctl)
                .map_or(one.value, |most| one.value.min(most));
            if to <= from {
                continue;
            }
            match raise(host, &self.procfs, one.sysctl.key, to) {
                Ok(()) => self.record(observation, one.sysctl.key, (from, to), one.reason),
                Err(why) => error = format!("cannot set {} = {to}: {why}", one.sysctl.key),
            }
        }
        if !error.is_empty() && error != self.last_error {
            warn(&error);
        }
        self.last_error = error;
    }

    fn record(&mut self, observation: u64, key: &'static str, (from, to): (u64, u64), why: String) {
        warn(&format!("raised {key} from {from} to {to}: {why}"));
        *self.raise_counts.entry(key).or_default() += 1;
        if self.limit_raises.len() >= LimitRaise::MAX {
            self.limit_raises.remove(0);
        }
        self.limit_raises.push(LimitRaise {
            observation,
            sysctl: key.to_owned(),
            from,
            to,
            why,
        });
    }
}

fn sysctl_at(key: &str) -> Option<usize> {
    [Sysctl::INSTANCES, Sysctl::WATCHES]
        .iter()
        .position(|sysctl| sysctl.key == key)
}
