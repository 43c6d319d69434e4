//! What `nospace guard --probe` shows.

use anstyle::Style;
use nospace_bpf::guard::Outcome;
use nospace_core::model::InotifyResource;
use nospace_core::report::Severity;

use crate::guard::{GuardProbe, GuardableResource, ReserveVerdict};
use crate::ui::screen::Screen;
use crate::ui::{Page, style};

/// Draws it.
#[must_use]
pub fn draw(probe: &GuardProbe, screen: &Screen) -> Page {
    let mut page = Page::new(screen.width, screen.charset);
    let line = page.line().put(style::BOLD, "nospace guard --probe: ");
    page.wrapped(line, style::PLAIN, &found(probe));
    if let Some(why) = &probe.obstacle {
        let line = page.indented();
        page.wrapped(line, style::severity(Severity::Warning), why);
        return page;
    }
    page.heading(
        "What a guard could do",
        "only nospace's own calls were refused",
    );
    for one in &probe.resources {
        resource(&mut page, one);
    }
    hooks(&mut page, probe);
    kernel(&mut page, probe);
    page
}

/// All of it in a sentence.
fn found(probe: &GuardProbe) -> String {
    if probe.obstacle.is_some() {
        return "nothing could be tried here".to_owned();
    }
    let of = |is: fn(ReserveVerdict) -> bool| {
        let found = probe.resources.iter().filter(|one| is(one.verdict));
        let names: Vec<&str> = found.map(|one| name(one.resource)).collect();
        names.join(" and ")
    };
    let can = of(|verdict| verdict == ReserveVerdict::Enforce);
    let cannot = of(|verdict| matches!(verdict, ReserveVerdict::Shadow | ReserveVerdict::None));
    let unknown = of(|verdict| verdict == ReserveVerdict::Unknown);
    let release = &probe.kernel;
    match (can.as_str(), cannot.as_str(), unknown.as_str()) {
        ("", "", _) => format!("whether kernel {release} can keep a reserve could not be tested"),
        ("", _, "") => format!("kernel {release} cannot keep a reserve"),
        ("", _, _) => format!(
            "kernel {release} cannot keep a reserve of {cannot}; {unknown} could not be tested"
        ),
        (_, "", "") => format!("kernel {release} can keep a reserve of {can}"),
        (_, _, "") => format!("kernel {release} can keep a reserve of {can}, but not of {cannot}"),
        _ => format!("kernel {release} can keep a reserve of {can}; {unknown} could not be tested"),
    }
}

fn resource(page: &mut Page, one: &GuardableResource) {
    let (word, look) = match one.verdict {
        ReserveVerdict::Enforce => ("enforce", style::pressure(0)),
        ReserveVerdict::Shadow => ("shadow only", style::severity(Severity::Warning)),
        ReserveVerdict::Unknown => ("unknown", style::severity(Severity::Warning)),
        ReserveVerdict::None => ("nothing", style::severity(Severity::Critical)),
    };
    let line = page.indented().plain(name(one.resource)).pad_to(13);
    let line = line.put(look, word).pad_to(26);
    let mut text = match &one.hook {
        Some(hook) => format!("by {hook}"),
        None => String::new(),
    };
    if one.runs_for_every_file {
        text += ", which runs for every file that any process opens";
    }
    if let Some(why) = &one.reason {
        if !text.is_empty() {
            text += "; ";
        }
        text += why;
    }
    page.wrapped(line, style::PLAIN, &text);
}

fn hooks(page: &mut Page, probe: &GuardProbe) {
    page.heading("Hooks", "each had to refuse a call of nospace itself");
    let mut above = None;
    for one in &probe.hooks {
        let (word, look) = outcome(one.outcome);
        let mut line = page.indented().plain(name(one.resource)).pad_to(13);
        line = line.plain(&one.hook);
        if page.is_narrow() {
            page.add(line);
            line = page.line().pad_to(13).put(look, word);
        } else {
            line = line.pad_to(44).put(look, word);
        }
        match &one.reason {
            Some(why) if above == Some(why) => page.add(line.put(style::DIM, ", as above")),
            Some(why) => {
                page.add(line);
                let deeper = page.line().pad_to(15);
                page.wrapped(deeper, style::DIM, why);
            }
            None => page.add(line),
        }
        above = one.reason.as_ref();
    }
}

fn outcome(outcome: Outcome) -> (&'static str, Style) {
    let warning = style::severity(Severity::Warning);
    match outcome {
        Outcome::Works => ("refused it", style::pressure(0)),
        Outcome::Silent => ("attached, but never runs", warning),
        Outcome::Ignored => ("runs, but changes nothing", warning),
        Outcome::Missing => ("not in this kernel", warning),
        Outcome::Refused => ("refused by the kernel", warning),
        Outcome::Untested => ("could not be tested", warning),
    }
}

fn kernel(page: &mut Page, probe: &GuardProbe) {
    page.heading("Kernel", "");
    let preemption = match (probe.preemptible, &probe.preemption_note) {
        (Some(false), _) => "not preemptible: all hooks that work hold".to_owned(),
        (Some(true), note) => format!(
            "preemptible{}: only hooks of security modules (lsm/…) hold",
            note.as_ref()
                .map(|by| format!(" ({by})"))
                .unwrap_or_default()
        ),
        (None, note) => format!(
            "preemption unknown: {}; only hooks of security modules (lsm/…) are relied on",
            note.as_deref().unwrap_or_default()
        ),
    };
    let line = page.indented();
    page.wrapped(line, style::PLAIN, &preemption);
    let modules = match &probe.security_modules {
        Some(list) => format!("active security modules: {}", list.join(", ")),
        None => {
            "active security modules: unknown (cannot read /sys/kernel/security/lsm)".to_owned()
        }
    };
    let line = page.indented();
    page.wrapped(line, style::PLAIN, &modules);
}

fn name(resource: InotifyResource) -> &'static str {
    match resource {
        InotifyResource::Watches => "watches",
        InotifyResource::Instances => "instances",
    }
}
