use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use libbpf_rs::{MapCore as _, MapFlags, RingBuffer, RingBufferBuilder};

use super::attachment::Attachment;
use super::canary::{Canary, Seen};
use super::comparison::Comparison;
use super::hook::Hook;
use super::model::{AtLine, Both, Counts, Doubt, Mode, Policy, Resource, SelfTest};
use super::probe::Hooks;
use super::{published, record, trial};
use crate::accounting::{Accounting, AccountingReader, Counter, UserCounters};
use crate::records::take;
use crate::skeleton::guard::types::{guard_counts, guard_mode, guard_policy};
use crate::support::Unsupported;

/// `PROC_USER_INIT_INO` (include/linux/proc_ns.h).
const INITIAL_USER_NAMESPACE: u64 = 4_026_531_837;

/// Tries of a self-test whose figures change while they are compared.
const TRIES: u32 = 10;
/// How much later each of them looks.
const PAUSE: Duration = Duration::from_millis(3);

type Inbox = Arc<Mutex<Vec<Option<AtLine>>>>;

/// Refuses calls of pods that would cut into root's reserve, from [`Guard::start`] until it is dropped or the process ends, however it ends.
pub struct Guard {
    ring: RingBuffer<'static>,
    inbox: Inbox,
    attachment: Attachment,
    canary: Canary,
    hooks: Hooks,
    policies: BTreeMap<u64, Policy>,
    account: u64,
}

impl Guard {
    /// Attaches to these hooks, and tests itself against `accounting`. Refuses nobody before [`Guard::set_mode`],
    /// [`Guard::set_reserve`] and [`Guard::set_policies`]. Holds one inotify instance.
    ///
    /// # Errors
    /// Why there can be no guard here, and what to do.
    pub fn start(hooks: Hooks, accounting: &mut AccountingReader) -> Result<Self, Unsupported> {
        trial::allowed()?;
        let report = "report this with the kernel version (uname -r)";
        let list: Vec<Hook> = [hooks.watches, hooks.instances]
            .into_iter()
            .flatten()
            .collect();
        if list.is_empty() {
            return Err(Unsupported::new(
                "no hook of this kernel can refuse anything",
                "nospace guard --probe says why",
            ));
        }
        let canary = Canary::new().map_err(|error| {
            Unsupported::new(
                format!("the guard needs one inotify instance of root to test itself: {error}"),
                "free one, or raise fs.inotify.max_user_instances",
            )
        })?;
        let attachment =
            Attachment::new(&list).map_err(|why| Unsupported::new(why.reason, report))?;
        let inbox = Inbox::default();
        let ring = open_ring(&attachment, Arc::clone(&inbox)).map_err(|error| {
            Unsupported::new(
                format!("cannot map the ring buffer: {error}"),
                "run as root",
            )
        })?;
        let mut guard = Self {
            ring,
            inbox,
            attachment,
            canary,
            hooks,
            policies: BTreeMap::new(),
            account: 0,
        };
        // The canary's instance is charged to root, so that the address stays valid.
        let root = accounting.read().ok().and_then(|now| root(&now).copied());
        guard.account = root
            .ok_or_else(|| Unsupported::new("the kernel's accounting does not have root", report))?
            .address;
        let account = guard.account;
        guard
            .attachment
            .configure(|config| config.account = account);
        guard.attachment.publish(|published| {
            published.pid = std::process::id();
            for resource in list.iter().map(|hook| hook.resource()) {
                published.guarded |= 1 << published::number(resource);
            }
        });
        match guard.self_test(accounting) {
            Ok(SelfTest::Passed) => Ok(guard),
            Ok(SelfTest::Inconclusive(why)) | Err(Doubt(why)) => Err(Unsupported::new(
                format!("the guard's self-test failed: {why}"),
                "nothing was refused; run it again, and if it fails again report it",
            )),
        }
    }

    /// What it is attached to.
    #[must_use]
    pub fn hooks(&self) -> Hooks {
        self.hooks
    }

    /// What happens to calls at the line from now on.
    pub fn set_mode(&mut self, mode: Mode) {
        let mode = match mode {
            Mode::Off => guard_mode::GUARD_OFF,
            Mode::Shadow => guard_mode::GUARD_SHADOW,
            Mode::Enforce => guard_mode::GUARD_ENFORCE,
        };
        self.attachment.publish(|published| published.mode = mode);
    }

    /// How many of root's watches and instances are kept from pods: never more than half of the limit.
    pub fn set_reserve(&mut self, reserve: Both<u64>) {
        let reserve = [reserve.watches, reserve.instances];
        self.attachment
            .publish(|published| published.reserve = reserve);
    }

    /// Has other nospaces know who may use all: Kubernetes namespaces, and cgroups that begin with a slash. Changes nothing.
    pub fn publish_exempt(&mut self, names: &[String]) {
        let (exempt, length) = published::encode_exempt(names);
        self.attachment.publish(|published| {
            published.exempt = exempt;
            published.exempt_length = length;
        });
    }

    /// Has pods found in the memory controller's hierarchy of cgroup v1, instead of cgroup v2.
    pub fn use_cgroup_v1(&mut self, v1: bool) {
        self.attachment
            .configure(|config| config.by_memory = v1.into());
    }

    /// The policies of cgroups, by id: the inode number of the cgroup's directory. Replaces those from before.
    ///
    /// # Errors
    /// The kernel did not take one: there may be 4,096.
    pub fn set_policies(&mut self, policies: &BTreeMap<u64, Policy>) -> io::Result<()> {
        let map = &self.attachment.programs.maps.policies;
        for (id, policy) in policies {
            if self.policies.get(id) == Some(policy) {
                continue;
            }
            let value = match policy {
                Policy::Pods => guard_policy::POLICY_PODS,
                Policy::Exempt => guard_policy::POLICY_EXEMPT,
            };
            map.update(&id.to_ne_bytes(), &value.0.to_ne_bytes(), MapFlags::ANY)
                .map_err(io::Error::other)?;
            self.policies.insert(*id, *policy);
        }
        let stale: Vec<u64> = self.policies.keys().copied().collect();
        for id in stale.into_iter().filter(|id| !policies.contains_key(id)) {
            map.delete(&id.to_ne_bytes()).map_err(io::Error::other)?;
            self.policies.remove(&id);
        }
        Ok(())
    }

    /// Passes to `each` what was reported since the last time; does not wait.
    ///
    /// # Errors
    /// `InvalidData` for a malformed record.
    pub fn reported(&mut self, mut each: impl FnMut(AtLine)) -> io::Result<()> {
        self.ring.consume().map_err(io::Error::other)?;
        let reports =
            std::mem::take(&mut *self.inbox.lock().unwrap_or_else(PoisonError::into_inner));
        for report in reports {
            each(report.ok_or_else(|| {
                io::Error::new(
                    ErrorKind::InvalidData,
                    "nospace's BPF programs sent a malformed record: please report this bug",
                )
            })?);
        }
        Ok(())
    }

    /// What was counted since the start, for all pods.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let memory = self.attachment.programs.maps.bss_data.as_ref();
        memory.map_or_else(Counts::default, |memory| {
            // SAFETY: read through a reference; volatile, because the programs change it unseen by the compiler.
            let total = unsafe { (&raw const memory.total).read_volatile() };
            record::counts(&total)
        })
    }

    /// What was counted for each pod, by the id of its cgroup. Beyond 4,096 pods, those that have not been at the line for longest are
    /// forgotten.
    #[must_use]
    pub fn counts_by_pod(&self) -> BTreeMap<u64, Counts> {
        let map = &self.attachment.programs.maps.pods;
        let one = |key: Vec<u8>| {
            let value = map.lookup(&key, MapFlags::ANY).ok()??;
            let counts: guard_counts = take(&mut value.as_slice())?;
            let id = u64::from_ne_bytes(key.try_into().ok()?);
            Some((id, record::counts(&counts)))
        };
        map.keys().filter_map(one).collect()
    }

    /// Calls that got past a hook unseen because another task was in its program on the same CPU; `None` where the kernel does not count
    /// them (before 5.12).
    #[must_use]
    pub fn skipped(&self) -> Vec<(Hook, Option<u64>)> {
        self.attachment.skipped()
    }

    /// Has each hook refuse a call of this thread, and compares what its program read with the kernel's accounting.
    ///
    /// # Errors
    /// What is wrong. Drop the guard then: that detaches it.
    pub fn self_test(&mut self, accounting: &mut AccountingReader) -> Result<SelfTest, Doubt> {
        for resource in Resource::ALL {
            let Some(hook) = *self.hooks.of(resource) else {
                continue;
            };
            if let SelfTest::Inconclusive(why) = self.test(resource, hook, accounting)? {
                return Ok(SelfTest::Inconclusive(why));
            }
        }
        Ok(SelfTest::Passed)
    }

    fn test(
        &mut self,
        resource: Resource,
        hook: Hook,
        accounting: &mut AccountingReader,
    ) -> Result<SelfTest, Doubt> {
        let name = hook.name();
        let mut comparison = Comparison::new(self.charged(resource, accounting)?);
        for n in 0..TRIES {
            let seen = match self.canary.call(&mut self.attachment, hook) {
                Seen::Refused(seen) => seen,
                Seen::Allowed { .. } => {
                    return Err(Doubt(format!("{name} did not refuse the self-test's call")));
                }
                Seen::Failed(error) => {
                    return Ok(SelfTest::Inconclusive(format!(
                        "the self-test's call failed before {name} could refuse it: {error}"
                    )));
                }
            };
            if seen.account != self.account {
                return Err(Doubt(format!("{name} takes root for another user")));
            }
            // The end of a call waits for the same grace period as others' that close instances: right after it, they are always as far.
            thread::sleep(PAUSE * n);
            let counted = self.charged(resource, accounting)?;
            comparison.add(seen.used, seen.limit, counted);
            if comparison.agrees() {
                return Ok(SelfTest::Passed);
            }
        }
        Err(Doubt(format!("{name} read {comparison}")))
    }

    /// What the kernel's accounting says of root.
    fn charged(
        &self,
        resource: Resource,
        accounting: &mut AccountingReader,
    ) -> Result<Counter, Doubt> {
        let now = accounting
            .read()
            .map_err(|error| Doubt(format!("cannot read the kernel's accounting: {error}")))?;
        match root(&now) {
            Some(root) if root.address == self.account => Ok(match resource {
                Resource::Watches => root.watches,
                Resource::Instances => root.instances,
            }),
            _ => Err(Doubt(
                "root's counters are no longer where they were".to_owned(),
            )),
        }
    }
}

/// Root of the initial user namespace.
fn root(accounting: &Accounting) -> Option<&UserCounters> {
    let is_root = |user: &&UserCounters| {
        user.key.uid == 0 && user.key.user_namespace == INITIAL_USER_NAMESPACE
    };
    accounting.users.iter().find(is_root)
}

fn open_ring(attachment: &Attachment, inbox: Inbox) -> io::Result<RingBuffer<'static>> {
    let mut builder = RingBufferBuilder::new();
    let put = move |bytes: &[u8]| {
        let mut inbox = inbox.lock().unwrap_or_else(PoisonError::into_inner);
        inbox.push(record::decode(bytes));
        0
    };
    builder
        .add(&attachment.programs.maps.ring, put)
        .map_err(io::Error::other)?;
    builder.build().map_err(io::Error::other)
}
