//! What helps where no rule of `check` knows better.

use super::report::ExplainedCause;
use crate::cause::Cause;
use crate::howto::{Speaker, spoken_by};
use crate::limits::{self, Site};
use crate::managers::is_kubelet;
use crate::model::Runtime;
use crate::report::{Remedy, Report};

/// Who speaks in the log, where the node was not looked at and the lines show it.
fn speaker<'a>(said: &'a ExplainedCause, report: Option<&Report>) -> Option<Speaker<'a>> {
    if report.is_some() {
        return None;
    }
    let samples = said.kinds.iter().map(|kind| kind.sample.as_str());
    let texts: Vec<&str> = samples
        .chain(said.objects.iter().map(String::as_str))
        .collect();
    spoken_by(&said.programs, &said.hosts, &texts)
}

/// Commands that find or free what is short, on the node of `report` or on one that was not looked at: then as it is done
/// where the log says that it is from.
pub(super) fn for_cause(
    said: &ExplainedCause,
    cause: Cause,
    report: Option<&Report>,
) -> Vec<Remedy> {
    let speaker = speaker(said, report);
    let limit = limits::of(cause);
    let site = report.map_or(Site::Unseen, |report| {
        let environment = report.remedy_context.environment.as_ref();
        Site::Node(environment, &report.vantage)
    });
    let raise = limit.raise.iter().flat_map(|raise| {
        let live = report.and_then(|report| live(report, raise.key));
        let there = speaker.and_then(|speaker| speaker.raise(raise.key, raise.to));
        there.unwrap_or_else(|| raise.remedies(&site, live))
    });
    let commands = limit.commands.iter();
    raise
        .chain(commands.filter_map(|command| command.remedy(&site)))
        .collect()
}

/// The value of the sysctl on that node, where the report has it.
fn live(report: &Report, key: &str) -> Option<u64> {
    let inotify = report.limits.as_ref().and_then(|limits| match key {
        "fs.inotify.max_user_instances" => Some(limits.max_user_instances),
        "fs.inotify.max_user_watches" => Some(limits.max_user_watches),
        "fs.inotify.max_queued_events" => Some(limits.max_queued_events),
        _ => None,
    });
    let limits = || {
        let mut resources = report.resources.iter();
        let limited = resources.find(|r| limits::sysctl_of(r).is_some_and(|s| s.key == key));
        limited.map(|resource| resource.limit)
    };
    inotify.or_else(limits)
}

/// What has to be started again once there is room, of what the log tells of.
pub(super) fn afterwards(
    said: &ExplainedCause,
    named: Cause,
    report: Option<&Report>,
) -> Vec<Remedy> {
    if !matches!(named, Cause::InotifyWatches | Cause::InotifyInstances) {
        return Vec::new();
    }
    let known = |id: &str, starts: &[&str]| starts.iter().any(|start| id.starts_with(start));
    let kind = |starts: &[&str]| said.kinds.iter().any(|k| known(&k.signature, starts));
    let speaker = speaker(said, report);
    // "unknown service runtime.v1" is containerd without its CRI plugin, in the kubelet's words.
    let containerd = kind(&["containerd-cni", "cri-not-loaded"]).then(|| {
        let own = |report: &Report| report.remedy_context.restart_containerd.clone();
        let why = "it runs without its CRI plugin, and room in inotify does not fix that";
        let there = speaker.and_then(|s| Some((s.how.title, s.restart_runtime()?)));
        restart(report, own, there, "containerd", why)
    });
    let daemon = Runtime::CriO.definition().and_then(|d| d.daemon);
    let by_crio = said.programs.iter().any(|p| Some(p.as_str()) == daemon);
    let crio = (kind(&["crio"]) || by_crio).then(|| {
        let own = |report: &Report| report.remedy_context.restart_crio.clone();
        let why = "only if it exited, or said that Watcher.Add failed: then it does not notice that containers end";
        restart(report, own, None, "crio", why)
    });
    let kubelet = |p: &String| is_kubelet(p) || p == "cAdvisor";
    let kubelet = said.programs.iter().any(kubelet).then(|| {
        let own = |report: &Report| report.remedy_context.restart_kubelet.clone();
        let why = "only if it died: it fails at its start, never later";
        let there = speaker.and_then(|s| Some((s.how.title, s.restart_kubelet()?)));
        restart(report, own, there, "kubelet", why)
    });
    [containerd, crio, kubelet]
        .into_iter()
        .flatten()
        .flatten()
        .collect()
}

/// The command of the node that was looked at; of another the one of the place that the log is from, or the usual one.
fn restart(
    report: Option<&Report>,
    own: impl FnOnce(&Report) -> Option<String>,
    there: Option<(&str, String)>,
    service: &str,
    why: &str,
) -> Option<Remedy> {
    let Some(report) = report else {
        if let Some((title, command)) = there {
            let why = format!("{why} ({service} as {title} runs it)");
            return Some(Remedy { command, why });
        }
        return Some(Remedy {
            command: format!("systemctl restart {service}"),
            why: format!("{why} (where {service} is a service of its own)"),
        });
    };
    own(report).map(|command| Remedy {
        command,
        why: why.to_owned(),
    })
}
