use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet, HashMap};

use nospace_core::model::{Pair, UserNames};
use nospace_core::report::{Owner, ProcessUse};

use super::key::{Grouping, Identity, Key};
use super::windows::{Windows, sums};
use crate::top::refusals::{LastRefusal, RefusalLog};
use crate::top::sample::Sample;
use crate::ui::{cmdline, human};

/// One holder, with all that is said of it. Names are raw.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Which one.
    pub key: Key,
    /// Pod with container, container, or unit; how many, where the processes have several.
    pub owner: String,
    /// What its pods belong to.
    pub workload: String,
    /// The program with the most watches, and how many others there are.
    pub program: String,
    /// The command line of a single process, where it was asked for.
    pub cmdline: Option<String>,
    /// The user that is charged.
    pub user: String,
    /// Processes that hold the instances; empty for one that was only refused.
    pub pids: BTreeSet<u32>,
    /// What it holds.
    pub held: Pair<u64>,
    /// How that changes a minute; `None` until it is known.
    pub per_minute: Option<Pair<f64>>,
    /// The last call of it that was refused.
    pub refused: Option<LastRefusal>,
}

/// What rows are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortKey {
    /// Most watches first.
    #[default]
    Watches,
    /// Most instances first.
    Instances,
    /// Fastest growth of watches first, then of instances.
    Rate,
    /// The latest refusal first.
    Refusal,
    /// By owner and program.
    Name,
}

impl SortKey {
    /// All, in the order in which the key goes through them.
    pub const ALL: [Self; 5] = [
        Self::Watches,
        Self::Instances,
        Self::Rate,
        Self::Refusal,
        Self::Name,
    ];

    /// In a word, as `--sort` takes it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Watches => "watches",
            Self::Instances => "instances",
            Self::Rate => "rate",
            Self::Refusal => "refusal",
            Self::Name => "name",
        }
    }
}

/// How rows are chosen and put in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// What counts as one holder.
    pub grouping: Grouping,
    /// What they are sorted by.
    pub sort: SortKey,
    /// The other way round.
    pub reversed: bool,
    /// Words that must all occur in what is said of a holder.
    pub filter: String,
    /// Processes by their command line instead of their name.
    pub cmdlines: bool,
}

/// The holders of `sample`, and who was refused and holds nothing; how many there are without the filter.
#[must_use]
pub fn rows(
    sample: &Sample,
    windows: &Windows,
    refusals: &RefusalLog,
    choice: &Choice,
) -> (Vec<Row>, usize) {
    let grouping = choice.grouping;
    let node = sample.report.node.name.as_str();
    let mut members: BTreeMap<Key, Vec<Identity<'_>>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for process in &sample.report.processes {
        let identity = Identity::of(process, node);
        seen.insert(process.pid);
        members
            .entry(grouping.key(&identity))
            .or_default()
            .push(identity);
    }
    let asked = |_: &&ProcessUse| choice.cmdlines && grouping == Grouping::Process;
    let mut cmdlines: HashMap<u32, String> = HashMap::new();
    for process in sample.report.processes.iter().filter(asked) {
        let arguments = process.cmdline.iter().filter(|one| !one.is_empty());
        cmdlines.extend(arguments.map(|one| (process.pid, cmdline::line(one))));
    }
    let held = sums(sample, grouping);
    let mut last: HashMap<Key, LastRefusal> = HashMap::new();
    for one in refusals.by_process() {
        let identity = Identity {
            pid: one.pid,
            comm: &one.comm,
            user: one.user,
            owner: &one.owner,
            node,
        };
        let key = grouping.key(&identity);
        if !seen.contains(&one.pid) {
            members.entry(key.clone()).or_default().push(identity);
        }
        let merged = match last.remove(&key) {
            Some(known) => known.later(&one.last),
            None => one.last.clone(),
        };
        last.insert(key, merged);
    }
    let mut rows: Vec<Row> = members
        .into_iter()
        .map(|(key, members)| {
            let held = held.get(&key).copied().unwrap_or_default();
            Row {
                per_minute: windows.per_minute(&key, sample.seconds, held),
                refused: last.remove(&key),
                cmdline: match key {
                    Key::Process(pid) => cmdlines.remove(&pid),
                    _ => None,
                },
                held,
                ..describe(key, &members, &seen, &sample.report.user_names)
            }
        })
        .collect();
    let all = rows.len();
    rows.retain(|row| row.matches(&choice.filter));
    rows.sort_by(|a, b| {
        let order = compare(choice.sort, a, b).then_with(|| a.key.cmp(&b.key));
        if choice.reversed {
            order.reverse()
        } else {
            order
        }
    });
    (rows, all)
}

fn describe(key: Key, members: &[Identity<'_>], seen: &BTreeSet<u32>, users: &UserNames) -> Row {
    let owners: Vec<&Owner> = distinct(members.iter().map(|one| one.owner));
    let owner = match (&key, &owners[..]) {
        (Key::Owner(owner), _) => human::owner(&owner.0),
        (_, [only]) => human::owner(only),
        (_, several) => format!("{} owners", several.len()),
    };
    let workloads = distinct(members.iter().map(|one| one.workload().to_string()));
    let of_users = distinct(members.iter().map(|one| one.user));
    Row {
        owner,
        workload: or_count(&workloads, "workloads"),
        program: programs(members),
        user: match &of_users[..] {
            [only] => users.short(*only),
            several => format!("{} users", several.len()),
        },
        pids: members
            .iter()
            .map(|one| one.pid)
            .filter(|pid| seen.contains(pid))
            .collect(),
        held: Pair::default(),
        per_minute: None,
        refused: None,
        cmdline: None,
        key,
    }
}

/// The one that comes first, which has the most watches, and how many others there are.
fn programs(members: &[Identity<'_>]) -> String {
    let names = distinct(members.iter().map(|one| one.comm));
    let first = members.first().map_or("", |one| one.comm);
    match names.len() {
        0 | 1 => first.to_owned(),
        several => format!("{first} +{}", several - 1),
    }
}

fn or_count(names: &[String], what: &str) -> String {
    match names {
        [only] => only.clone(),
        several => format!("{} {what}", several.len()),
    }
}

fn distinct<T: Ord>(all: impl Iterator<Item = T>) -> Vec<T> {
    all.collect::<BTreeSet<T>>().into_iter().collect()
}

fn compare(sort: SortKey, a: &Row, b: &Row) -> Ordering {
    let by_use = || {
        Reverse((a.held.watches, a.held.instances))
            .cmp(&Reverse((b.held.watches, b.held.instances)))
    };
    match sort {
        SortKey::Watches => by_use(),
        SortKey::Instances => Reverse((a.held.instances, a.held.watches))
            .cmp(&Reverse((b.held.instances, b.held.watches))),
        SortKey::Rate => {
            let rate = |row: &Row| {
                row.per_minute
                    .map_or((0.0, 0.0), |rate| (rate.watches, rate.instances))
            };
            let ((a_watches, a_instances), (b_watches, b_instances)) = (rate(a), rate(b));
            b_watches
                .total_cmp(&a_watches)
                .then_with(|| b_instances.total_cmp(&a_instances))
                .then_with(by_use)
        }
        SortKey::Refusal => {
            let at = |row: &Row| {
                row.refused
                    .as_ref()
                    .map_or(f64::NEG_INFINITY, |one| one.seconds)
            };
            at(b).total_cmp(&at(a)).then_with(by_use)
        }
        SortKey::Name => (&a.owner, &a.program).cmp(&(&b.owner, &b.program)),
    }
}

impl Row {
    /// Whether each word of `filter` occurs in a name, the user or a pid.
    #[must_use]
    pub fn matches(&self, filter: &str) -> bool {
        let lower = |text: &str| text.to_lowercase();
        let named = [&self.owner, &self.workload, &self.program, &self.user];
        let names = named.into_iter().chain(&self.cmdline);
        let names: Vec<String> = names.map(|name| lower(name)).collect();
        let mut words = filter.split_whitespace().map(lower);
        words.all(|word| {
            names.iter().any(|name| name.contains(&word))
                || self.pids.iter().any(|pid| pid.to_string() == word)
        })
    }
}
