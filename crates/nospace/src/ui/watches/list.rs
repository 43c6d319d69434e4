use std::borrow::Cow;

use nospace_core::report::ProcessUse;
use nospace_core::watches::{Event, HolderRef, NamedWatch, Naming, PathState, WatchesReport};

use super::options::Options;
use crate::ui::human::owner;
use crate::ui::{Line, Page, cmdline, number, style};

/// Every watch, under its instance; paths are never shortened.
pub fn draw(page: &mut Page, report: &WatchesReport, options: &Options) {
    let mut rest = &report.watches[..];
    for (at, instance) in report.instances.iter().enumerate() {
        let mine = rest.partition_point(|watch| watch.instance as usize <= at);
        let (watches, after) = rest.split_at(mine);
        rest = after;
        if watches.is_empty() {
            continue;
        }
        let who: Vec<String> = instance.holders.iter().map(holder).collect();
        page.heading(
            &who.join(", "),
            &number::count(watches.len() as u64, "watch", "watches"),
        );
        let is_holder =
            |process: &&ProcessUse| instance.holders.iter().any(|one| one.pid == process.pid);
        for process in report.holders.iter().filter(is_holder) {
            cmdline::draw(page, process.cmdline.as_deref(), options.verbose);
        }
        for watch in watches {
            page.add(line(page, watch));
        }
    }
}

/// `auditd 512 fd 7 (host)`.
pub fn holder(holder: &HolderRef) -> String {
    format!(
        "{} {} fd {} ({})",
        holder.comm,
        holder.pid,
        holder.fd,
        owner(&holder.owner)
    )
}

fn line(page: &Page, watch: &NamedWatch) -> Line {
    let name = watch.host_path.as_deref().map(Cow::Borrowed);
    let name = name.or_else(|| Some(format!("(unmounted) {}", watch.path.as_ref()?).into()));
    let line = page.indented().plain(name.as_deref().unwrap_or("?"));
    let line = match &watch.container_path {
        Some(path) => line.plain("  ").put(style::CULPRIT, path),
        None => line,
    };
    let state = match watch.state {
        PathState::Present => String::new(),
        state => format!("  ({})", state.word()),
    };
    let named = match watch.naming {
        Naming::Handle => ", path from its file handle",
        Naming::Directory => ", path from its directory",
        Naming::Kernel | Naming::None => "",
    };
    line.put(style::BOLD, &state).put(
        style::DIM,
        &format!(
            "  inode {} on {}: {}{named}",
            watch.inode,
            watch.device,
            Event::words(&watch.mask)
        ),
    )
}
