//! Is it still so? What a look at the node says of a cause that a log names.

use super::remedy;
use super::report::{ExplainedCause, Explanation, NodeSays, Verdict};
use crate::amount::count;
use crate::cause::Cause;
use crate::evidence::room_for_all;
use crate::limits::{self, describe::used_of};
use crate::managers::is_kubelet;
use crate::model::{InotifyResource, Provenance};
use crate::report::thresholds::{CRITICAL_PERCENT, WARNING_PERCENT};
use crate::report::{Blame, Finding, Report, Resource, Rule, Severity, Status, Subject, Unseen};
use crate::runtimes::{RuntimeDefinition, for_kubelet};
use crate::signatures::Confidence;

/// Figures that are quoted of one cause: the highest, and another that is under pressure.
const QUOTED: usize = 2;

/// What `report` says of `cause`.
///
/// The candidates are asked in their order; the first one that is used up now is the one that the
/// node decides on. Where none is: a cause that the text was sure of has recovered, one that it
/// only allowed is contradicted.
#[must_use]
pub fn judge(cause: &ExplainedCause, report: &Report) -> NodeSays {
    let mut words = Vec::new();
    let mut all_known = true;
    for candidate in candidates(cause) {
        let state = state(candidate, cause, report);
        words.extend(state.words);
        match state.full {
            Some(true) => {
                return NodeSays {
                    verdict: if same(candidate, cause.cause) {
                        Verdict::Confirms
                    } else {
                        Verdict::Contradicts
                    },
                    cause: Some(candidate),
                    words,
                };
            }
            Some(false) => {}
            None => all_known = false,
        }
    }
    let verdict = match (all_known, cause.confidence) {
        (false, _) => Verdict::Unknown,
        (true, Confidence::Possible) => Verdict::Contradicts,
        (true, _) => Verdict::Recovered,
    };
    if !all_known && words.is_empty() {
        words.push(format!("the node has no figure for {}", cause.cause));
    }
    NodeSays {
        verdict,
        cause: None,
        words,
    }
}

/// `disk-space` is blocks or inodes, and statfs knows which.
fn candidates(cause: &ExplainedCause) -> Vec<Cause> {
    let mut all = Vec::new();
    for candidate in &cause.candidates {
        if *candidate == Cause::DiskSpace {
            all.extend([Cause::DiskBlocks, Cause::DiskInodes]);
        } else {
            all.push(*candidate);
        }
    }
    all
}

fn same(node: Cause, log: Cause) -> bool {
    let on_disk = |c| matches!(c, Cause::DiskSpace | Cause::DiskBlocks | Cause::DiskInodes);
    node == log || on_disk(node) && on_disk(log)
}

struct State {
    /// Used up now; `None` without a figure.
    full: Option<bool>,
    words: Vec<String>,
}

fn state(cause: Cause, log: &ExplainedCause, report: &Report) -> State {
    let figures = match cause {
        Cause::InotifyWatches | Cause::InotifyInstances => {
            let resource = InotifyResource::of_cause(cause).into_iter();
            resource
                .flat_map(|resource| users(resource, &log.programs, report))
                .collect()
        }
        Cause::DiskBlocks | Cause::DiskInodes | Cause::DevShm => {
            let disks = disks(cause, &log.objects, report);
            disks.into_iter().map(figure).collect()
        }
        Cause::ProcessFiles => return processes(&log.programs, report),
        _ => resources(cause, report),
    };
    let refusing = report
        .findings
        .iter()
        .find(|f| f.severity == Severity::Critical && is_about(f, cause, log, report));
    let worst = figures.iter().map(|f| f.percent).max();
    let mut unseen = Vec::new();
    let full = match (worst, refusing) {
        (_, Some(_)) => Some(true),
        (Some(worst), None) if worst >= CRITICAL_PERCENT => Some(true),
        (Some(_), None) => room(cause, report, &mut unseen),
        (None, None) => room(cause, report, &mut unseen).and(None),
    };
    let mut words = quoted(figures);
    words.extend(unseen.iter().map(Unseen::sentence));
    // What the rules say of it tells more than the figure: whom it hits next.
    words.extend(refusing.map(|f| f.title.clone()));
    State { full, words }
}

/// `Some(false)`: no account is full, and every one that can refuse was seen.
fn room(cause: Cause, report: &Report, unseen: &mut Vec<Unseen>) -> Option<bool> {
    match room_for_all(cause, report) {
        Ok(_) => Some(false),
        Err(missing) => {
            *unseen = missing;
            None
        }
    }
}

/// Of a full disk it must be the one that the log speaks of.
fn is_about(finding: &Finding, cause: Cause, log: &ExplainedCause, report: &Report) -> bool {
    let names = |disk: &&Resource| finding.subject == disk.subject;
    finding.cause == cause
        && match cause {
            Cause::DiskBlocks | Cause::DiskInodes | Cause::DevShm => {
                disks(cause, &log.objects, report).iter().any(names)
            }
            _ => true,
        }
}

fn quoted(mut figures: Vec<Figure>) -> Vec<String> {
    figures.sort_by_key(|f| std::cmp::Reverse(f.percent));
    figures
        .into_iter()
        .enumerate()
        .filter(|(n, f)| *n == 0 || f.percent >= WARNING_PERCENT)
        .take(QUOTED)
        .map(|(_, f)| f.words)
        .collect()
}

/// Descriptors are each process's own: only a process of the program that complains counts, and
/// `check` names those that are near their limit.
fn processes(programs: &[String], report: &Report) -> State {
    let figures: Vec<Figure> = report
        .resources
        .iter()
        .filter(|r| r.cause == Cause::ProcessFiles)
        .filter(|r| programs.iter().any(|p| is_of(&r.subject, p)))
        .map(figure)
        .collect();
    let full = figures.iter().any(|f| f.percent >= CRITICAL_PERCENT);
    let mut unseen = Vec::new();
    let full = match full {
        true => Some(true),
        false => room(Cause::ProcessFiles, report, &mut unseen),
    };
    let mut words = if figures.is_empty() {
        let whose = if programs.is_empty() {
            "the program that logged it".to_owned()
        } else {
            programs.join(", ")
        };
        vec![format!(
            "no process of {whose} is near its limit of descriptors"
        )]
    } else {
        quoted(figures)
    };
    words.extend(unseen.iter().map(Unseen::sentence));
    State { full, words }
}

/// Whether it is a process of `program`; the kernel cuts a comm to 15 bytes.
fn is_of(subject: &Subject, program: &str) -> bool {
    let Subject::Process { comm, .. } = subject else {
        return false;
    };
    comm == program || comm.len() == 15 && program.starts_with(comm)
}

/// A program that runs as root on every node: of the users only root's budgets are its own.
fn runs_as_root(program: &str) -> bool {
    let of_runtime = |d: &RuntimeDefinition| {
        d.daemon == Some(program) || d.title == program || d.monitor.program == program
    };
    ["cAdvisor", "systemd", "systemd-udevd", "runc", "kernel"].contains(&program)
        || is_kubelet(program)
        || for_kubelet().any(of_runtime)
}

struct Figure {
    percent: u64,
    words: String,
}

fn users(resource: InotifyResource, programs: &[String], report: &Report) -> Vec<Figure> {
    let of_root = !programs.is_empty() && programs.iter().all(|p| runs_as_root(p));
    report
        .users
        .iter()
        .filter(|u| !of_root || u.uid == 0)
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
                percent,
                words: format!(
                    "uid {}{place}: {} of {} {} ({percent} %{})",
                    user.uid,
                    budget.used,
                    budget.limit?,
                    resource.noun(),
                    trust(budget.provenance)
                ),
            })
        })
        .collect()
}

/// The file systems that the objects lie on; all that there are where no object is a path.
fn disks<'a>(cause: Cause, objects: &[String], report: &'a Report) -> Vec<&'a Resource> {
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

fn lies_on(path: &str, mountpoint: &str) -> bool {
    mountpoint == "/"
        || path
            .strip_prefix(mountpoint)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn resources(cause: Cause, report: &Report) -> Vec<Figure> {
    report
        .resources
        .iter()
        .filter(|r| r.cause == cause)
        .map(figure)
        .collect()
}

fn figure(resource: &Resource) -> Figure {
    let percent = resource.percent();
    let amount = used_of(resource.used, resource.limit, &resource.unit);
    Figure {
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

impl Explanation {
    /// Asks `report`, a look at the node, about each cause; without one every verdict is unknown.
    /// Writes the findings.
    pub fn ask(&mut self, report: Option<&Report>) {
        for cause in &mut self.causes {
            for pod in report.map(|_| &mut cause.pods).into_iter().flatten() {
                if let Some(name) = report.and_then(|r| pod_named(pod, r)) {
                    *pod = name;
                }
            }
            let says = report.map_or_else(NodeSays::default, |r| judge(cause, r));
            cause.node = says.verdict;
            cause.node_says.clone_from(&says.words);
            cause.decided = says.cause;
        }
        self.findings = self.causes.iter().map(|c| finding(c, report)).collect();
    }

    /// The worst that was found. Where nothing was, that is good news only if every line was searched whole, and to the end.
    #[must_use]
    pub fn status(&self) -> Status {
        let failed = self.sources.iter().any(|s| s.error.is_some());
        let cut = || self.sources.iter().any(|s| s.cut > 0);
        match self.severity() {
            Some(Severity::Critical) => Status::Critical,
            _ if failed => Status::Unknown,
            Some(Severity::Warning) => Status::Warning,
            _ if cut() => Status::Unknown,
            _ => Status::Ok,
        }
    }

    /// The worst that was found; `None` when nothing was.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        self.findings.iter().map(|f| f.severity).max()
    }
}

/// `namespace/name` of the pod whose uid `pod` is; a static pod's uid has no dashes.
fn pod_named(pod: &str, report: &Report) -> Option<String> {
    let bare = |uid: &str| uid.replace('-', "");
    let uid = bare(pod);
    let known = report.pods.iter().find(|p| bare(&p.uid) == uid)?;
    if known.name.is_empty() {
        return None;
    }
    Some(format!("{}/{}", known.namespace, known.name))
}

/// Refused, and not known to be over: critical. Over, only possible, or only slow: a warning.
fn severity(cause: &ExplainedCause) -> Severity {
    match cause.node {
        _ if cause.cause == Cause::EventQueue => Severity::Warning,
        Verdict::Confirms => Severity::Critical,
        Verdict::Contradicts if cause.decided.is_some() => Severity::Critical,
        Verdict::Unknown if cause.confidence > Confidence::Possible => Severity::Critical,
        _ => Severity::Warning,
    }
}

fn finding(cause: &ExplainedCause, report: Option<&Report>) -> Finding {
    let named = cause.decided.unwrap_or(cause.cause);
    let known: Vec<&Finding> = report
        .iter()
        .flat_map(|r| &r.findings)
        .filter(|f| f.cause == named)
        .collect();
    let known_holders = |f: &&&Finding| f.blame != Blame::Unknown;
    let blame = known.iter().find(known_holders);
    let blame = blame.map_or(Blame::Unknown, |f| f.blame.clone());
    let mut remedies: Vec<_> = known.iter().flat_map(|f| f.remedies.clone()).collect();
    if remedies.is_empty() {
        remedies = remedy::for_cause(named, report);
    }
    for later in remedy::afterwards(cause, named, report) {
        if !remedies.iter().any(|r| r.command.contains(&later.command)) {
            remedies.push(later);
        }
    }
    let mut evidence = vec![log_says(cause)];
    evidence.extend(cause.node_says.iter().map(|w| format!("node: {w}")));
    let mut victims = cause.programs.clone();
    victims.extend(cause.pods.iter().map(|p| format!("pod {p}")));
    Finding {
        cause: named,
        rule: Rule::Explain,
        severity: severity(cause),
        subject: Subject::None,
        title: title(cause, named),
        evidence,
        blame,
        victims,
        remedies,
    }
}

fn title(cause: &ExplainedCause, named: Cause) -> String {
    let what = limits::of(named).meaning;
    match cause.node {
        Verdict::Confirms => format!("{what}. This is still so"),
        Verdict::Recovered => format!("{what}. There is room now"),
        Verdict::Contradicts if cause.decided.is_some() => {
            format!("{what}. The node shows this, and no {}", cause.cause)
        }
        Verdict::Contradicts => format!("Possibly: {what}. This node has room"),
        Verdict::Unknown if cause.confidence == Confidence::Possible => format!("Possibly: {what}"),
        Verdict::Unknown => what.to_owned(),
    }
}

fn log_says(cause: &ExplainedCause) -> String {
    let span = match (&cause.first, &cause.last) {
        (Some(first), Some(last)) if first != last => format!(", from {first} to {last}"),
        (Some(first), _) => format!(", at {first}"),
        _ => String::new(),
    };
    format!(
        "log: {}{span}, {}",
        count(cause.lines, "line", "lines"),
        cause.confidence.word()
    )
}
