//! A guard at work: its pods, its reserve, its self-tests.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Context as _;
use nospace_bpf::accounting::{Accounting, AccountingReader, UserCounters};
use nospace_bpf::guard::{Guard, Hook, Hooks, Mode, SELF_TEST_THREAD, SelfTest, probe};
use nospace_core::model::{InotifyResource, Pair, kept};

use super::at_line::{Due, Log, calls};
use super::budgets::{Budgets, used};
use super::census::{Census, Counted, Exempt};
use super::cgroups::{self, KubeCgroups};
use super::choose::choose;
use super::kinds::{ORDER, both};
use super::lines::{
    BudgetStatus, BudgetedPods, CallsAtLine, EndReason, GuardEnd, GuardLine, GuardMode,
    GuardStatus, GuardedPods, KeptResource, LINES_VERSION, NotGuarded, PodAtLine, PodCalls,
    PodOverBudget, PodRef, SkippedCalls, StatusReason, UnreadablePods, Untested,
};
use super::names::Names;
use super::place::Place;
use super::reserve::{Asked, ReserveSize};
use super::session::{Guarding, OverBudgets, PodOver, Tally};
use super::settings::{CannotGuard, Settings};
use super::skips::Skips;
use crate::collect;
use crate::host::live::Live;
use crate::trace::Clock;

/// Pods that are remembered for the totals, beside those that there are.
const REMEMBERED: usize = 10_000;

/// A guard at work, until it is dropped.
pub struct Keeper {
    guard: Guard,
    accounting: AccountingReader,
    settings: Settings,
    not_guarded: Vec<NotGuarded>,
    asked: Pair<Asked>,
    place: Place,
    census: Census,
    names: Names,
    pods: GuardedPods,
    /// Pods whose budgets count.
    named: BTreeSet<u64>,
    exempt: BTreeSet<u64>,
    budgets: Budgets,
    /// By cgroup, also of pods that have gone.
    known: BTreeMap<u64, (String, Option<PodRef>)>,
    log: Log,
    skips: Skips,
    /// Limits and reserves of the last status.
    told: Pair<(u64, u64)>,
    since: String,
}

impl Keeper {
    /// Tries the hooks of this kernel, attaches to those that it chooses, and guards from then on. Holds one inotify instance.
    ///
    /// # Errors
    ///
    /// Why there is no guard; then nothing is left in the kernel.
    pub fn start(host: &mut Live, settings: Settings) -> Result<Self, CannotGuard> {
        // Whatever the program is called: a trace tells its self-test by it. Without the name it still guards.
        let _ = rustix::thread::set_name(SELF_TEST_THREAD);
        let probe = probe(&settings.sysfs).map_err(CannotGuard::Untried)?;
        let chosen = choose(&probe, settings.mode, settings.wanted).map_err(CannotGuard::Kernel)?;
        let mut accounting = AccountingReader::load().map_err(CannotGuard::Untried)?;
        let guard = Guard::start(chosen.hooks, &mut accounting).map_err(CannotGuard::Untried)?;
        let mut keeper = Self {
            place: Place::new(&settings.sysfs),
            budgets: Budgets::new(settings.budget),
            named: BTreeSet::new(),
            exempt: BTreeSet::new(),
            guard,
            accounting,
            settings,
            not_guarded: chosen.not_guarded,
            asked: Pair::default(),
            census: Census::default(),
            names: Names::default(),
            pods: GuardedPods::default(),
            known: BTreeMap::new(),
            log: Log::default(),
            skips: Skips::default(),
            told: Pair::default(),
            since: Clock::read(),
        };
        keeper.begin(host).map_err(CannotGuard::Unknown)?;
        Ok(keeper)
    }

    fn begin(&mut self, host: &mut Live) -> anyhow::Result<()> {
        self.asked = self.reserve(host).ok_or_else(|| {
            anyhow::anyhow!(
                "what a start of the kubelet takes is not known here, as cgroups or limits could not be read (nospace check says why): give the reserve as a number, --reserve-watches N --reserve-instances N"
            )
        })?;
        self.guard
            .set_reserve(both(self.asked.map(|asked| asked.amount)));
        self.guard.publish_exempt(&self.settings.exempt_names());
        self.refresh(host, Duration::ZERO)?;
        self.guard.set_mode(match self.settings.mode {
            GuardMode::Shadow => Mode::Shadow,
            GuardMode::Enforce => Mode::Enforce,
        });
        Ok(())
    }

    fn remember(&mut self, cgroups: KubeCgroups) {
        if self.known.len() > REMEMBERED {
            let there: BTreeSet<u64> = cgroups.pods.iter().map(|pod| pod.id).collect();
            let counted = self.guard.counts_by_pod();
            let is_needed = |id: &u64| there.contains(id) || counted.contains_key(id);
            self.known.retain(|id, _| is_needed(id));
        }
        for pod in cgroups.pods {
            let name = pod.uid.map(|uid| match self.names.pod(&uid) {
                Some(known) => known.clone(),
                None => PodRef {
                    namespace: String::new(),
                    name: String::new(),
                    uid,
                },
            });
            self.known.insert(pod.id, (pod.path, name));
        }
    }

    /// Names and cgroup of a pod, as far as they are known.
    fn names(&self, pod: u64) -> (Option<PodRef>, Option<String>) {
        let (cgroup, name) = self.known.get(&pod).cloned().unzip();
        (name.flatten(), cgroup)
    }

    /// Looks at what pods use, if it is time for that.
    fn over_budget(&mut self, now: Duration) -> anyhow::Result<Vec<GuardLine>> {
        if !self.budgets.is_due(now) {
            return Ok(Vec::new());
        }
        let paths = self.named.iter().filter_map(|id| {
            let (path, _) = self.known.get(id)?;
            Some((*id, path.as_str()))
        });
        let processes = self.place.processes(paths, &self.exempt);
        let accounting = read(&mut self.accounting)?;
        let used = used(&accounting, root(&accounting)?.key, &processes);
        let due = self.budgets.take(&used, now);
        let unreadable = due.unreadable.map(|(pods, reason)| {
            GuardLine::Unreadable(UnreadablePods {
                time: Clock::read(),
                pods,
                reason,
            })
        });
        let over = due.pods.into_iter().map(|(id, resources)| {
            let (pod, cgroup) = self.names(id);
            GuardLine::OverBudget(Box::new(PodOverBudget {
                time: Clock::read(),
                pod,
                cgroup,
                resources,
            }))
        });
        Ok(unreadable.into_iter().chain(over).collect())
    }

    fn budget_status(&self) -> Option<BudgetStatus> {
        let pods = self.budgets.seen().map(|seen| BudgetedPods {
            looked_at: seen.looked_at,
            over: seen.over.len(),
            unreadable: seen.unreadable,
        });
        let budget = self.budgets.budget()?;
        Some(BudgetStatus { budget, pods })
    }

    fn over_budgets(&self) -> Option<OverBudgets> {
        let seen = self.budgets.seen()?;
        let pods = seen.over.iter().map(|(id, over)| {
            let (pod, cgroup) = self.names(*id);
            PodOver {
                pod,
                cgroup,
                over: *over,
            }
        });
        Some(OverBudgets {
            pods: pods.collect(),
            looked_at: seen.looked_at,
            unreadable: seen.unreadable,
        })
    }

    fn at_line(&self, due: Due) -> GuardLine {
        let Due {
            pod,
            calls,
            total,
            mut last,
        } = due;
        let (pod, cgroup) = self.names(pod);
        let of = |resource: InotifyResource| {
            let last = last[resource].take();
            let limit = last
                .as_ref()
                .map_or(self.told[resource].0, |last| last.limit);
            CallsAtLine {
                resource,
                calls: calls[resource],
                total: total[resource],
                kept: kept(limit, self.asked[resource].amount),
                last,
            }
        };
        let called = ORDER.into_iter().filter(|one| calls[*one] > 0);
        GuardLine::AtLine(Box::new(PodAtLine {
            time: Clock::read(),
            pod,
            cgroup,
            refused: self.settings.mode == GuardMode::Enforce,
            resources: called.map(of).collect(),
        }))
    }

    /// What is to be kept; `None` where it depends on the kubelet and that is not known.
    fn reserve(&self, host: &mut Live) -> Option<Pair<Asked>> {
        let fixed = self.settings.reserve.map(|size| match size {
            ReserveSize::Fixed(amount) => Some(Asked::fixed(amount)),
            ReserveSize::Auto => None,
        });
        let guarded = |one| hook_of(self.guard.hooks(), one).is_some();
        if ORDER
            .into_iter()
            .all(|one| fixed[one].is_some() || !guarded(one))
        {
            return Some(fixed.map(Option::unwrap_or_default));
        }
        host.renew();
        let report = nospace_core::conclude(&collect::collect(&*host));
        let needed = report.forecast.kubelet_start?.needed();
        Some(Pair::new(|one| {
            fixed[one].unwrap_or_else(|| Asked::auto(needed[one]))
        }))
    }
}

impl Guarding for Keeper {
    fn refresh(&mut self, host: &Live, now: Duration) -> anyhow::Result<Vec<String>> {
        if self.place.search(now)? {
            self.guard.use_cgroup_v1(self.place.is_v1());
        }
        let cgroups = self.place.cgroups()?;
        let mut gaps = Vec::new();
        let names = &self.names;
        let name = |uid: &str| names.pod(uid).cloned();
        let nameless = |pod: &cgroups::PodCgroup| pod.uid.as_deref().and_then(name).is_none();
        if cgroups.pods.iter().any(nameless) {
            let new = self.census.has_new(&cgroups, name, now);
            gaps = self.names.read(host, &cgroups, new, now);
        }
        self.exempt = self.place.ids(&self.settings.exempt_cgroups)?;
        let exempt = Exempt {
            namespaces: self.settings.exempt_namespaces.clone(),
            cgroups: self.exempt.clone(),
        };
        let names = &self.names;
        let name = |uid: &str| names.pod(uid).cloned();
        let Counted {
            policies,
            named,
            pods,
        } = self.census.take(&cgroups, name, &exempt, now);
        self.named = named;
        self.guard
            .set_policies(&policies)
            .context("cannot tell the guard's programs about the pods")?;
        if pods.unknown <= self.pods.unknown {
            gaps.clear();
        }
        self.pods = pods;
        self.remember(cgroups);
        Ok(gaps)
    }

    fn news(&mut self, now: Duration) -> anyhow::Result<Vec<GuardLine>> {
        let log = &mut self.log;
        self.guard
            .reported(|report| log.take(&report))
            .context("cannot read the reports of the guard's programs")?;
        let due = self.log.due(&self.guard.counts_by_pod(), now);
        let mut lines: Vec<GuardLine> = due.into_iter().map(|due| self.at_line(due)).collect();
        // Nothing can get past what refuses nothing.
        if self.settings.mode == GuardMode::Enforce {
            let skipped = self.skips.due(&self.guard.skipped(), now);
            lines.extend(skipped.into_iter().map(|(hook, calls, total)| {
                GuardLine::Skipped(SkippedCalls {
                    time: Clock::read(),
                    hook: hook.name().to_owned(),
                    calls,
                    total,
                })
            }));
        }
        lines.extend(self.over_budget(now)?);
        Ok(lines)
    }

    fn minute(&mut self, host: &mut Live) -> anyhow::Result<Vec<GuardLine>> {
        let mut lines = Vec::new();
        if let SelfTest::Inconclusive(reason) = self.guard.self_test(&mut self.accounting)? {
            lines.push(GuardLine::Untested(Untested {
                time: Clock::read(),
                reason,
            }));
        }
        // Where it is not known now, what was known before stays.
        if let Some(asked) = self.reserve(host) {
            for one in ORDER {
                if asked[one].is_news(self.asked[one]) {
                    self.asked[one] = asked[one];
                }
            }
            self.guard
                .set_reserve(both(self.asked.map(|asked| asked.amount)));
        }
        let status = self.status(StatusReason::Minute)?;
        lines.push(GuardLine::Status(Box::new(status)));
        Ok(lines)
    }

    fn status(&mut self, reason: StatusReason) -> anyhow::Result<GuardStatus> {
        let now = read(&mut self.accounting)?;
        let root = root(&now)?;
        let counters = Pair::of(root.instances, root.watches);
        let total = calls(&self.guard.counts());
        let skipped = self.guard.skipped();
        let hooks = self.guard.hooks();
        let resource = |resource| {
            let hook = hook_of(hooks, resource)?;
            let of = |(one, calls): &(Hook, Option<u64>)| (*one == hook).then_some(*calls);
            let asked = self.asked[resource];
            Some(KeptResource {
                resource,
                hook: hook.name().to_owned(),
                used: counters[resource].used,
                limit: counters[resource].own_limit,
                kept: kept(counters[resource].own_limit, asked.amount),
                asked: asked.amount,
                kubelet_needs: asked.needed,
                calls: total[resource],
                skipped: skipped.iter().find_map(of).flatten(),
            })
        };
        let resources: Vec<KeptResource> = ORDER.into_iter().filter_map(resource).collect();
        let before = self.told;
        for one in &resources {
            self.told[one.resource] = (one.limit, one.kept);
        }
        let reason = match reason {
            StatusReason::Minute if before != self.told => StatusReason::Changed,
            reason => reason,
        };
        Ok(GuardStatus {
            schema_version: LINES_VERSION,
            time: Clock::read(),
            reason,
            mode: self.settings.mode,
            resources,
            not_guarded: self.not_guarded.clone(),
            pods: self.pods,
            budgets: self.budget_status(),
        })
    }

    fn counted(&self) -> Tally {
        let one = |(id, counts)| {
            let (pod, cgroup) = self.names(id);
            let calls = calls(&counts);
            (id, PodCalls { pod, cgroup, calls })
        };
        let skipped = self.guard.skipped().into_iter();
        Tally {
            pods: self.guard.counts_by_pod().into_iter().map(one).collect(),
            skipped: skipped
                .filter_map(|(hook, calls)| Some((hook.name(), calls?)))
                .collect(),
            budgets: self.over_budgets(),
        }
    }

    fn end(self, reason: EndReason, why: Option<String>) -> GuardEnd {
        let total = calls(&self.guard.counts());
        let mut pods: Vec<PodCalls> = self.counted().pods.into_values().collect();
        drop(self.guard);
        let all = |calls: Pair<u64>| calls.watches.saturating_add(calls.instances);
        pods.sort_by_key(|pod| std::cmp::Reverse(all(pod.calls)));
        GuardEnd {
            from: self.since,
            until: Clock::read(),
            reason,
            why,
            mode: self.settings.mode,
            calls: total,
            pods,
        }
    }
}

fn hook_of(hooks: Hooks, resource: InotifyResource) -> Option<Hook> {
    match resource {
        InotifyResource::Watches => hooks.watches,
        InotifyResource::Instances => hooks.instances,
    }
}

fn read(accounting: &mut AccountingReader) -> anyhow::Result<Accounting> {
    accounting
        .read()
        .context("cannot read the kernel's accounting")
}

fn root(accounting: &Accounting) -> anyhow::Result<&UserCounters> {
    let mut users = accounting.users.iter();
    users
        .find(|user| user.key.uid == 0 && user.draws_on.is_none())
        .context("the kernel's accounting does not have root")
}
