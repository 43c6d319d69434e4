//! Figures of a node, as they are quoted where a log is explained.

use crate::cause::Cause;
use crate::limits::describe::used_of;
use crate::model::{InotifyResource, Provenance};
use crate::report::thresholds::WARNING_PERCENT;
use crate::report::{Report, Resource, Subject};

/// Figures that are quoted of one cause: the highest, and another that is under pressure.
const QUOTED: usize = 2;

pub fn quoted(mut figures: Vec<&Figure>) -> Vec<String> {
    figures.sort_by_key(|f| std::cmp::Reverse(f.percent));
    figures
        .into_iter()
        .enumerate()
        .filter(|(n, f)| *n == 0 || f.percent >= WARNING_PERCENT)
        .take(QUOTED)
        .map(|(_, f)| f.words.clone())
        .collect()
}

/// How full one budget is.
pub struct Figure {
    /// The account or process that has it.
    pub subject: Subject,
    /// Used share, rounded down.
    pub percent: u64,
    /// Both in words.
    pub words: String,
}

pub fn users(resource: InotifyResource, report: &Report) -> Vec<Figure> {
    report
        .users
        .iter()
        .filter_map(|user| {
            let budget = user.budget(resource);
            if budget.provenance == Provenance::Unavailable {
                return None;
            }
            let percent = budget.percent()?;
            let place = if user.draws_on.is_some() {
                " of a child user namespace"
            } else {
                ""
            };
            Some(Figure {
                subject: user.subject(),
                percent,
                words: format!(
                    "{}{place}: {} ({percent} %{})",
                    report.user_names.uid(user.uid),
                    used_of(budget.used, budget.limit?, resource.noun_of(budget.limit?)),
                    trust(budget.provenance)
                ),
            })
        })
        .collect()
}

/// The file systems that the objects lie on; all that there are where no object is a path.
pub fn disks<'a>(cause: Cause, objects: &[String], report: &'a Report) -> Vec<&'a Resource> {
    let of_cause: Vec<&Resource> = report
        .resources
        .iter()
        .filter(|r| r.cause == cause)
        .collect();
    let mut meant: Vec<&Resource> = objects
        .iter()
        .filter(|o| o.starts_with('/'))
        .filter_map(|path| {
            of_cause
                .iter()
                .filter_map(|r| Some((mountpoint(r)?, *r)))
                .filter(|(mountpoint, _)| lies_on(path, mountpoint))
                .max_by_key(|(mountpoint, _)| mountpoint.len())
                .map(|(_, disk)| disk)
        })
        .collect();
    if meant.is_empty() {
        meant = of_cause;
    }
    meant.dedup_by_key(|r| &r.subject);
    meant
}

fn mountpoint(disk: &Resource) -> Option<&str> {
    match &disk.subject {
        Subject::Mount(mountpoint) => Some(mountpoint),
        _ => None,
    }
}

pub fn lies_on(path: &str, mountpoint: &str) -> bool {
    mountpoint == "/"
        || path
            .strip_prefix(mountpoint)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

pub fn resources(cause: Cause, report: &Report) -> Vec<Figure> {
    report
        .resources
        .iter()
        .filter(|r| r.cause == cause)
        .map(figure)
        .collect()
}

pub fn figure(resource: &Resource) -> Figure {
    let percent = resource.percent();
    let amount = used_of(resource.used, resource.limit, &resource.unit);
    Figure {
        subject: resource.subject.clone(),
        percent,
        words: format!(
            "{}: {amount} ({percent} %{})",
            resource.subject,
            trust(resource.provenance)
        ),
    }
}

fn trust(provenance: Provenance) -> &'static str {
    match provenance {
        Provenance::Exact => "",
        Provenance::Estimated => ", estimated",
        Provenance::Unavailable => ", not to be trusted",
    }
}
