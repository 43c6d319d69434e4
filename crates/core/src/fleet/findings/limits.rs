use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{FleetFinding, FleetRule, nodes};
use crate::amount::thousands;
use crate::fleet::pool::Pool;
use crate::fleet::row::Row;
use crate::report::{InotifyLimits, Severity};

/// The kernel derives its default from memory, of which machines of one kind differ a little: values within this share of each other are alike.
const ALIKE_PERCENT: u64 = 5;

type Limit = (&'static str, fn(&InotifyLimits) -> u64);

const WATCHES: &str = "fs.inotify.max_user_watches";

const LIMITS: [Limit; 3] = [
    (WATCHES, |limits| limits.max_user_watches),
    ("fs.inotify.max_user_instances", |limits| {
        limits.max_user_instances
    }),
    ("fs.inotify.max_queued_events", |limits| {
        limits.max_queued_events
    }),
];

/// Limits that differ within a pool: nodes that do not have what most of their pool have.
pub fn findings(rows: &[Row]) -> Vec<FleetFinding> {
    let mut pools: BTreeMap<Option<&Pool>, Vec<(&Row, InotifyLimits)>> = BTreeMap::new();
    for row in rows {
        if let Some(limits) = row.current().and_then(|summary| summary.limits) {
            let of = pools.entry(row.pool.as_ref()).or_default();
            of.push((row, limits));
        }
    }
    let of_pool = |(pool, of): (&Option<&Pool>, &Vec<(&Row, InotifyLimits)>)| {
        LIMITS.map(|limit| finding(*pool, of, limit))
    };
    pools.iter().flat_map(of_pool).flatten().collect()
}

fn finding(
    pool: Option<&Pool>,
    of: &[(&Row, InotifyLimits)],
    (sysctl, value): Limit,
) -> Option<FleetFinding> {
    let groups = groups(of.iter().map(|(row, limits)| (value(limits), *row)));
    // Of two that are as frequent the higher is the one that somebody has set.
    let most = groups
        .iter()
        .max_by_key(|group| (group.rows.len(), group.values.1))?;
    let mut others: Vec<_> = groups.iter().filter(|group| *group != most).collect();
    if others.is_empty() {
        return None;
    }
    others.sort_by_key(|group| Reverse(group.rows.len()));
    let differ: Vec<&Row> = others
        .iter()
        .flat_map(|group| &group.rows)
        .copied()
        .collect();
    let pool = match pool {
        Some(pool) => format!("pool {}", pool.name),
        None => "nodes without a pool".to_owned(),
    };
    let title = format!(
        "{sysctl} differs in {pool}: {} of {} have another value than most",
        thousands(differ.len() as u64),
        nodes(of.len())
    );
    let mut evidence: Vec<String> = std::iter::once(most)
        .chain(others)
        .map(|group| format!("{}: {}", values(group.values), nodes(group.rows.len())))
        .collect();
    if sysctl == WATCHES {
        evidence.insert(0, "its default depends on memory: between machines of different sizes a difference is normal".to_owned());
    }
    let finding = FleetFinding::new(
        FleetRule::LimitsDiffer,
        Severity::Info,
        title,
        evidence,
        differ,
    );
    Some(finding.resting_on(of.iter().map(|(row, _)| *row)))
}

/// Nodes with values that are alike.
#[derive(PartialEq)]
struct Group<'r> {
    /// The lowest and the highest.
    values: (u64, u64),
    rows: Vec<&'r Row>,
}

fn groups<'r>(values: impl Iterator<Item = (u64, &'r Row)>) -> Vec<Group<'r>> {
    let mut sorted: Vec<_> = values.collect();
    sorted.sort_by_key(|(value, _)| *value);
    let mut groups: Vec<Group> = Vec::new();
    for (value, row) in sorted {
        let alike = groups.last_mut().filter(|group| {
            let most = u128::from(group.values.0) * u128::from(100 + ALIKE_PERCENT);
            u128::from(value) * 100 <= most
        });
        match alike {
            Some(group) => {
                group.values.1 = value;
                group.rows.push(row);
            }
            None => groups.push(Group {
                values: (value, value),
                rows: vec![row],
            }),
        }
    }
    groups
}

fn values((least, most): (u64, u64)) -> String {
    match least == most {
        true => least.to_string(),
        false => format!("{least} to {most}"),
    }
}
