//! What a node needs, for people: one line with the limits to set, the need term by term, the capacity of other limits.

mod limits;
mod node;
mod others;
mod terms;

use nospace_core::amount::{bytes, count};
use nospace_core::plan::Plan;

use super::screen::Screen;
use super::{Page, style};

/// Draws `plan`; with all sources where that is asked for.
#[must_use]
pub fn draw(plan: &Plan, screen: &Screen, verbose: bool) -> Page {
    let mut page = Page::new(screen.width, screen.charset);
    headline(&mut page, plan);
    node::draw(&mut page, plan);
    terms::draw(&mut page, plan, verbose);
    set(&mut page, plan);
    limits::draw(&mut page, plan, verbose);
    others::draw(&mut page, plan);
    notes(&mut page, plan);
    page
}

fn headline(page: &mut Page, plan: &Plan) {
    let asked = &plan.asked;
    let title = match &plan.node {
        Some(node) => format!("nospace plan for {}: ", node.name),
        None => "nospace plan: ".to_owned(),
    };
    let version = asked.runtime_version.map(|version| format!(" {version}"));
    let version = version.unwrap_or_default();
    let mut what = format!(
        "{}, {}{} with cgroup {} ({})",
        pods(asked.pods, asked.containers_per_pod),
        asked.runtime.title(),
        version,
        asked.cgroup,
        asked.cgroup_driver,
    );
    if plan.node.is_none() {
        what += &format!(", Kubernetes {}", asked.kubernetes);
        if let Some(manager) = asked.manager() {
            what += &format!(" ({})", manager.title);
        }
    }
    let line = page.line().put(style::BOLD, &title);
    page.wrapped(line, style::PLAIN, &what);
}

fn pods(pods: u64, containers: u64) -> String {
    let pods = count(pods, "pod", "pods");
    format!("{pods} of {}", count(containers, "container", "containers"))
}

fn set(page: &mut Page, plan: &Plan) {
    let remark = if page.is_narrow() {
        String::new()
    } else {
        format!(
            "need + {} %, as a power of two, at least the common default",
            plan.asked.headroom_percent
        )
    };
    page.heading("Recommended", &remark);
    let proposal = plan.proposal;
    for (name, value) in [
        ("instances", proposal.max_user_instances),
        ("watches", proposal.max_user_watches),
    ] {
        let line = page.indented();
        page.add(line.put(
            style::COMMAND,
            &format!("fs.inotify.max_user_{name} = {value}"),
        ));
    }
    let memory = &plan.memory;
    let cost = format!(
        "The need costs {} of kernel memory; one user at both limits would cost {} (plus unread events).",
        bytes(memory.needed_bytes),
        bytes(memory.worst_case_bytes),
    );
    page.wrapped(page.indented(), style::PLAIN, &cost);
}

fn notes(page: &mut Page, plan: &Plan) {
    if plan.notes.is_empty() {
        return;
    }
    page.add(page.line());
    for note in &plan.notes {
        page.wrapped(page.labelled("Note"), style::PLAIN, note);
    }
}
