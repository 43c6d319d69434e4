//! The figures as Markdown.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result};

use super::figures::{Figures, Round, collector, milliseconds, of_the_faster};
use super::load::Size;
use super::measure::Measured;
use super::programs::{CHECK, LOOKS, PEERS, Program};

/// Where and when; the load averages at the start and at the end.
pub fn circumstances(command: &str, start: f64, end: f64) -> Result<String> {
    let cpu = fs::read_to_string("/proc/cpuinfo").context("/proc/cpuinfo")?;
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, name)| name);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    Ok(format!(
        "`{command}` on {cores} cores of {model}, Linux {}. Load average of \
         the machine: {start} at the start, {end} at the end, the benchmark's own load included.\n",
        kernel.trim(),
    ))
}

/// nospace alone, with no load but what runs on the machine anyway.
pub fn idle(programs: &[Program], rounds: &[Round]) -> Result<String> {
    let names =
        fs::read_dir("/proc")?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let processes = names.filter(|name| name.parse::<u32>().is_ok()).count();
    let mut text = format!(
        "### No load\n\nOnly the {processes} processes that the machine runs anyway, kernel threads included.\n\n\
         | | median ms | min–max ms | CPU ms | peak MB |\n|---|---:|---:|---:|---:|\n"
    );
    for (place, program) in programs.iter().enumerate().take(PEERS[0]) {
        let of =
            |what: fn(&Measured) -> f64| Figures::of(rounds, |round| what(&round[place].measured));
        let times = Figures::milliseconds(rounds, place);
        let cpu = of(|measured| measured.cpu.as_secs_f64() * 1e3);
        let memory = of(|measured| measured.memory as f64 / 1e6);
        let _ = writeln!(
            text,
            "| {} | {:.1} | {} | {:.1} | {:.1} |",
            program.name,
            times.median(),
            range(&times),
            cpu.median(),
            memory.max()
        );
    }
    text.push('\n');
    Ok(text)
}

/// All programs at one load.
pub fn scale(size: &Size, descriptors: usize, programs: &[Program], rounds: &[Round]) -> String {
    let mut text = heading(size, descriptors);
    text += "| | median ms | min–max ms | nospace's time relative to it | CPU ms | peak MB | instances | watches |\n\
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
            if place == CHECK || place == LOOKS {
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
    text += "\n";
    text + &parts(rounds)
}

/// A figure of a round in milliseconds.
type Part = fn(&Round) -> f64;

/// What is compared with the faster of the peers.
pub const PARTS: [(&str, Part); 3] = [
    ("whole `nospace check`", |round| milliseconds(&round[CHECK])),
    ("its inotify collector", |round| collector(&round[CHECK])),
    ("repeated measurement, programs loaded", |round| {
        collector(&round[LOOKS])
    }),
];

/// What is asked for, against the faster of the peers in the same round.
fn parts(rounds: &[Round]) -> String {
    let mut text =
        "| | median ms | min–max ms | relative to the faster tool |\n|---|---:|---:|---:|\n"
            .to_owned();
    for (name, part) in PARTS {
        let times = Figures::of(rounds, part);
        let shares = Figures::of(rounds, |round| of_the_faster(round, part(round), &PEERS));
        let _ = writeln!(
            text,
            "| {name} | {:.1} | {} | {:.3}× ({:.3}–{:.3}): 1/{:.1} |",
            times.median(),
            range(&times),
            shares.median(),
            shares.min(),
            shares.max(),
            1.0 / shares.median()
        );
    }
    text + "\n"
}

fn heading(size: &Size, descriptors: usize) -> String {
    format!(
        "### {}\n\n{} processes with {} instances of {} watches each, {} idle \
         processes, {} with {} open files; {descriptors} descriptors in total. {} \
         instances and {} watches in total; one holder has forked.\n\n",
        size.name(),
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
pub fn growth(programs: &[Program], scales: &[(Size, usize, Vec<Round>)]) -> String {
    let mut text = "### Growth\n\nMicroseconds per descriptor (median):\n\n| load |".to_owned();
    for program in programs {
        let _ = write!(text, " {} |", program.name);
    }
    text += " inotify collector | repeated measurement |\n|---|";
    text += &"---:|".repeat(programs.len() + 2);
    text.push('\n');
    for (size, descriptors, rounds) in scales {
        let _ = write!(text, "| {} |", size.name());
        let each = |median: f64| format!(" {:.2} |", median * 1e3 / *descriptors as f64);
        for place in 0..programs.len() {
            text += &each(Figures::milliseconds(rounds, place).median());
        }
        for place in [CHECK, LOOKS] {
            text += &each(Figures::of(rounds, |round| collector(&round[place])).median());
        }
        text.push('\n');
    }
    text
}

/// Of pairs in one round: median, and range.
pub fn share(rounds: &[Round], place: usize) -> String {
    let pairs = Figures::of(rounds, |round| {
        milliseconds(&round[CHECK]) / milliseconds(&round[place])
    });
    format!(
        "{:.2}× ({:.2}–{:.2})",
        pairs.median(),
        pairs.min(),
        pairs.max()
    )
}

pub fn range(figures: &Figures) -> String {
    format!("{:.1}–{:.1}", figures.min(), figures.max())
}
