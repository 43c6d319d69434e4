//! The figures as Markdown.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result};

use super::figures::{Figures, Round, collector, milliseconds};
use super::load::Size;
use super::programs::Program;

/// Where and when.
pub fn circumstances(command: &str) -> Result<String> {
    let cpu = fs::read_to_string("/proc/cpuinfo").context("/proc/cpuinfo")?;
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, name)| name);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let load = fs::read_to_string("/proc/loadavg")?;
    Ok(format!(
        "`{command}` on {cores} cores of {model}, Linux {}. Load average of \
         the machine at the end: {}.\n",
        kernel.trim(),
        load.split(' ').next().unwrap_or_default()
    ))
}

/// All programs at one load.
pub fn scale(size: &Size, descriptors: usize, programs: &[Program], rounds: &[Round]) -> String {
    let mut text = heading(size, descriptors);
    text += "| | median ms | min–max ms | nospace takes of it | CPU ms | peak MB | instances | watches |\n\
             |---|---:|---:|---:|---:|---:|---:|---:|\n";
    for (place, program) in programs.iter().enumerate() {
        let last = rounds.last().map(|round| round[place].counts);
        let (instances, watches) = last.map_or((0, 0), |counts| (counts.instances, counts.watches));
        let memory = Figures::of(rounds, |round| round[place].measured.memory as f64 / 1e6);
        let cpu = Figures::of(rounds, |round| {
            round[place].measured.cpu.as_secs_f64() * 1e3
        });
        let times = Figures::milliseconds(rounds, place);
        let row = [
            program.name.to_owned(),
            format!("{:.1}", times.median()),
            range(&times),
            if place == 0 {
                String::new()
            } else {
                share(rounds, place)
            },
            format!("{:.1}", cpu.median()),
            format!("{:.1}", memory.max()),
            instances.to_string(),
            watches.to_string(),
        ];
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    let own = Figures::of(rounds, |round| collector(&round[0]));
    let _ = writeln!(
        text,
        "| its inotify collector | {:.1} | {} | | | | | |\n",
        own.median(),
        range(&own)
    );
    text
}

fn heading(size: &Size, descriptors: usize) -> String {
    format!(
        "### {} times the load\n\n{} processes with {} instances of {} watches each, {} idle \
         processes, {} with {} open files; {descriptors} descriptors in all. There are {} \
         instances and {} watches; one holder has forked.\n\n",
        size.scale,
        size.holders,
        size.instances,
        size.watches,
        size.idle,
        size.openers,
        size.files,
        size.holders * size.instances,
        size.holders * size.instances * size.watches
    )
}

/// How the time grows.
pub fn growth(programs: &[Program], scales: &[(u32, usize, Vec<Round>)]) -> String {
    let mut text =
        "### Growth\n\nMicroseconds for each descriptor (median):\n\n| load |".to_owned();
    for program in programs {
        let _ = write!(text, " {} |", program.name);
    }
    text += " its inotify collector |\n|---:|";
    text += &"---:|".repeat(programs.len() + 1);
    text.push('\n');
    for (scale, descriptors, rounds) in scales {
        let _ = write!(text, "| {scale} |");
        let each = |median: f64| format!(" {:.2} |", median * 1e3 / *descriptors as f64);
        for place in 0..programs.len() {
            text += &each(Figures::milliseconds(rounds, place).median());
        }
        text += &each(Figures::of(rounds, |round| collector(&round[0])).median());
        text.push('\n');
    }
    text
}

/// Of pairs in one round: median, and range.
fn share(rounds: &[Round], place: usize) -> String {
    let pairs = Figures::of(rounds, |round| {
        milliseconds(&round[0]) / milliseconds(&round[place])
    });
    format!(
        "{:.2}× ({:.2}–{:.2})",
        pairs.median(),
        pairs.min(),
        pairs.max()
    )
}

fn range(figures: &Figures) -> String {
    format!("{:.1}–{:.1}", figures.min(), figures.max())
}
