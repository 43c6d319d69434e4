//! Is it still so? What a look at the node says of a cause that a log names.

use super::account::{Accounts, is_of};
use super::figure::{Figure, disks, figure, lies_on, quoted, resources, users};
use super::guard::{Held, full_for_pods, held};
use super::origin::foreign;
use super::remedy;
use super::report::{ExplainedCause, Explanation, NodeSays, Verdict};
use super::says::{log_says, severity, title};
use crate::amount::thousands;
use crate::cause::Cause;
use crate::evidence::room_for_all;
use crate::model::InotifyResource;
use crate::report::thresholds::{self, CRITICAL_PERCENT};
use crate::report::{AllSeen, Blame, Finding, Report, Rule, Severity, Status, Subject, Unseen};
use crate::signatures::Confidence;

/// What `report` says of `cause`.
///
/// The candidates are asked in their order; the first one that is used up now is the one that the
/// node decides on. Where none is: a cause that the text was sure of has recovered, one that it
/// only allowed is contradicted.
#[must_use]
pub fn judge(cause: &ExplainedCause, report: &Report) -> NodeSays {
    if let Some(why) = foreign(cause, report) {
        return NodeSays {
            words: vec![why],
            ..NodeSays::default()
        };
    }
    let mut said = asked(cause, report);
    said.words.extend(changed(cause, report));
    said
}

/// That the limit is not what the program printed, which reads the setting itself.
fn changed(cause: &ExplainedCause, report: &Report) -> Option<String> {
    let met = cause.limit?;
    let limits = report.limits.as_ref()?;
    let (key, now) = match cause.cause {
        Cause::InotifyInstances => ("fs.inotify.max_user_instances", limits.max_user_instances),
        Cause::InotifyWatches => ("fs.inotify.max_user_watches", limits.max_user_watches),
        _ => return None,
    };
    (met != now).then(|| {
        format!(
            "{key} was {} where the program ran and is {} here now",
            thousands(met),
            thousands(now)
        )
    })
}

fn asked(cause: &ExplainedCause, report: &Report) -> NodeSays {
    let mut words = Vec::new();
    let mut all_known = true;
    for candidate in candidates(cause) {
        let state = state(candidate, cause, report);
        words.extend(state.words);
        match state.room {
            Room::Full => {
                return NodeSays {
                    verdict: if same(candidate, cause.cause) {
                        Verdict::Confirms
                    } else {
                        Verdict::Contradicts
                    },
                    cause: Some(candidate),
                    words,
                    by_guard: state.by_guard,
                };
            }
            Room::Left(_) => {}
            Room::Unknown => all_known = false,
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
        by_guard: false,
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
    room: Room,
    words: Vec<String>,
    /// It is a guard that refuses, below the limit.
    by_guard: bool,
}

/// Whether the next call would be refused.
#[derive(Clone, Copy)]
enum Room {
    /// Used up now.
    Full,
    /// No account is full, and every one that can refuse was seen.
    Left(AllSeen),
    /// There is no figure, or not of all that can refuse.
    Unknown,
}

fn state(cause: Cause, log: &ExplainedCause, report: &Report) -> State {
    if cause == Cause::ProcessFiles {
        return processes(&log.programs, report);
    }
    let asked = Asked {
        cause,
        log,
        report,
        accounts: Accounts::of(&log.programs, report),
    };
    let figures = match InotifyResource::of_cause(cause) {
        Some(resource) => users(resource, report),
        None => resources(cause, report),
    };
    let about = |wanted| {
        let is = |f: &&Figure| asked.concerns(&f.subject) == wanted;
        figures.iter().filter(is).collect::<Vec<_>>()
    };
    let (own, perhaps) = (about(Some(true)), about(None));
    // At a guard's line only pods are refused, however full the budget is.
    let of_pods = InotifyResource::of_cause(cause).and_then(|one| full_for_pods(one, report));
    let full = |f: &&&Figure| f.percent >= CRITICAL_PERCENT && of_pods.as_ref() != Some(&f.subject);
    let held = InotifyResource::of_cause(cause).map_or(Held::No, |resource| {
        held(resource, &log.programs, &asked.accounts, report)
    });
    let refusing = report.findings.iter().find(|f| {
        f.severity == Severity::Critical
            && f.cause == cause
            && f.rule != Rule::GuardReserve
            && asked.concerns(&f.subject) == Some(true)
    });
    let mut unseen = Vec::new();
    let mut unsaid = None;
    let mut by_guard = false;
    let any_perhaps_full = perhaps.iter().any(|f| full(&f));
    let all_perhaps_full =
        any_perhaps_full && own.is_empty() && perhaps.iter().all(|f| full(&f)) && asked.all_seen();
    let is_full = refusing.is_some() || own.iter().any(|f| full(&f)) || all_perhaps_full;
    let left = if is_full {
        Room::Full
    } else if let Held::Refused(words) = &held {
        by_guard = true;
        unsaid = Some(words.clone());
        Room::Full
    } else if let Held::Perhaps(words) = &held {
        unsaid = Some(words.clone());
        Room::Unknown
    } else if any_perhaps_full {
        unsaid = Some(asked.unsaid());
        Room::Unknown
    } else {
        let left = room(cause, report, &mut unseen);
        let has_figures = !figures.is_empty() && asked.accounts.have_limits(report);
        if has_figures { left } else { Room::Unknown }
    };
    let shown = if own.is_empty() { perhaps } else { own };
    let mut words = quoted(shown);
    words.extend(unsaid);
    words.extend(unseen.iter().map(Unseen::sentence));
    // What the rules say of it tells more than the figure: whom it hits next.
    words.extend(refusing.map(|f| f.title.clone()));
    State {
        room: left,
        words,
        by_guard,
    }
}

/// What a log says, and whom that may be about.
struct Asked<'a> {
    cause: Cause,
    log: &'a ExplainedCause,
    report: &'a Report,
    accounts: Accounts,
}

impl Asked<'_> {
    /// Whether a budget is the one that refused: `None` where the log does not tell.
    fn concerns(&self, subject: &Subject) -> Option<bool> {
        match (self.cause, subject) {
            (Cause::DiskBlocks | Cause::DiskInodes | Cause::DevShm, subject) => {
                let disks = disks(self.cause, &self.log.objects, self.report);
                Some(disks.iter().any(|disk| disk.subject == *subject))
            }
            (_, Subject::User(_)) => self.accounts.include(subject, self.report),
            // Only systemd is always in the namespace of the first process.
            (_, Subject::MountNamespace { pid, .. }) => {
                let of_systemd = |program: &String| program == "systemd";
                let programs = &self.log.programs;
                let all = !programs.is_empty() && programs.iter().all(of_systemd);
                all.then_some(*pid == 1)
            }
            (Cause::Pids, Subject::Cgroup { path, .. }) => {
                let named = self.log.objects.iter().any(|object| is_in(object, path));
                if named { Some(true) } else { None }
            }
            (Cause::ProcessFiles, subject) => {
                let mut programs = self.log.programs.iter();
                Some(programs.any(|program| is_process_of(subject, program)))
            }
            _ => Some(true),
        }
    }

    /// Every user that a process runs as has a figure: nobody else can have been refused.
    fn all_seen(&self) -> bool {
        let mut speakers = self.report.log_context.speakers.iter();
        let has_figure = |key| self.report.users.iter().any(|user| user.key() == key);
        InotifyResource::of_cause(self.cause).is_some()
            && speakers.all(|process| has_figure(process.user))
    }

    /// Why the budgets that are full prove nothing.
    fn unsaid(&self) -> String {
        match self.cause {
            Cause::MountLimit => "the log does not say in which mount namespace",
            Cause::Pids => "the log does not say in which cgroup",
            _ => "the log does not say which user the program ran as, so the budget that refused is not known",
        }
        .to_owned()
    }
}

/// Whether a cgroup's path is that of `object` or of one above it.
fn is_in(object: &str, path: &str) -> bool {
    object.starts_with('/') && path != "/" && lies_on(object, path)
}

/// Of a cause whose accounts are not full, as far as they were seen.
fn room(cause: Cause, report: &Report, unseen: &mut Vec<Unseen>) -> Room {
    match room_for_all(cause, report) {
        Ok(proof) => Room::Left(proof),
        Err(missing) => {
            *unseen = missing;
            Room::Unknown
        }
    }
}

/// Descriptors are each process's own: only a process of the program that complains counts, and
/// `check` names those that are near their limit.
fn processes(programs: &[String], report: &Report) -> State {
    let figures: Vec<Figure> = report
        .resources
        .iter()
        .filter(|r| r.cause == Cause::ProcessFiles)
        .filter(|r| programs.iter().any(|p| is_process_of(&r.subject, p)))
        .map(figure)
        .collect();
    let full = figures.iter().any(|f| f.percent >= CRITICAL_PERCENT);
    let mut unseen = Vec::new();
    let left = match full {
        true => Room::Full,
        false => room(Cause::ProcessFiles, report, &mut unseen),
    };
    let near: Vec<Figure> = report
        .resources
        .iter()
        .filter(|r| r.cause == Cause::ProcessFiles && thresholds::severity(r.percent()).is_some())
        .map(figure)
        .collect();
    let named = !programs.is_empty() && programs.iter().all(|one| names_processes(one));
    let may_be_another = figures.is_empty() && !named;
    let is_another = may_be_another && near.iter().any(|one| one.percent >= CRITICAL_PERCENT);
    let room = if is_another { Room::Unknown } else { left };
    let mut words = match () {
        () if !figures.is_empty() => quoted(figures.iter().collect()),
        () if named => {
            let programs = programs.join(", ");
            vec![format!(
                "no process of {programs} is near its limit of descriptors"
            )]
        }
        () if near.is_empty() => {
            vec!["no process that was seen is near its limit of descriptors".to_owned()]
        }
        () => {
            let mut words = quoted(near.iter().collect());
            words.push("the log does not say which process was refused".to_owned());
            words
        }
    };
    words.extend(unseen.iter().map(Unseen::sentence));
    State {
        room,
        words,
        by_guard: false,
    }
}

/// Whether processes of `program` are called so: `.NET`, `Java` and `Ruby listen` are names of products.
fn names_processes(program: &str) -> bool {
    !program.starts_with('.') && !program.contains(|c: char| c.is_uppercase() || c == ' ')
}

fn is_process_of(subject: &Subject, program: &str) -> bool {
    matches!(subject, Subject::Process { comm, .. } if is_of(comm, program))
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
            cause.refused_by_guard = says.by_guard;
        }
        self.findings = self.causes.iter().map(|c| finding(c, report)).collect();
    }

    /// The worst that was found. Where nothing was, that is good news only if every line was searched whole, and to the end.
    #[must_use]
    pub fn status(&self) -> Status {
        let is_read = self.sources.iter().all(|s| s.error.is_none());
        let is_whole = self.sources.iter().all(|s| s.cut == 0);
        match self.severity() {
            Some(Severity::Critical) => Status::Critical,
            _ if !is_read => Status::Unknown,
            Some(Severity::Warning) => Status::Warning,
            _ => Status::without_findings(AllSeen::of_all_parts(is_read && is_whole)),
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

fn finding(cause: &ExplainedCause, report: Option<&Report>) -> Finding {
    let named = cause.decided.unwrap_or(cause.cause);
    let report = report.filter(|report| foreign(cause, report).is_none());
    let known: Vec<&Finding> = report
        .iter()
        .flat_map(|r| &r.findings)
        .filter(|f| f.cause == named && concerned(f, cause, report))
        .collect();
    let known_holders = |f: &&&Finding| f.blame != Blame::Unknown;
    let blame = known.iter().find(known_holders);
    let refuses = cause.decided.is_some();
    let blame = blame.filter(|_| refuses);
    let blame = blame.map_or(Blame::Unknown, |f| f.blame.clone());
    let mut remedies: Vec<_> = known.iter().flat_map(|f| f.remedies.clone()).collect();
    if remedies.is_empty() {
        remedies = remedy::for_cause(cause, named, report);
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

/// Whether what `check` found is of the budget that refused, or may be.
fn concerned(finding: &Finding, log: &ExplainedCause, report: Option<&Report>) -> bool {
    report.is_some_and(|report| {
        let asked = Asked {
            cause: finding.cause,
            log,
            report,
            accounts: Accounts::of(&log.programs, report),
        };
        asked.concerns(&finding.subject) != Some(false)
    })
}
