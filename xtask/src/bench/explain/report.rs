use super::super::figures::Figures;
use super::super::measure::Measured;
use super::program::{PATIENCE_SECONDS, Played};

/// A table of what was played, the first of which is nospace.
pub fn table(played: &[Played]) -> String {
    let mut text = String::from(
        "| | median s | min–max s | relative to nospace in the same round | user s | CPU s | peak MB | matching lines |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for program in played {
        let figures =
            |what: fn(&Measured) -> f64| Figures::new(program.runs.iter().map(what).collect());
        let time = figures(|run| run.time.as_secs_f64());
        let ratio = ratio(program, &played[0]);
        let bound = if program.stopped { "> " } else { "" };
        let matches = match program.matches {
            Some(count) => count.to_string(),
            None if program.stopped => format!("stopped after {PATIENCE_SECONDS} s"),
            None => String::new(),
        };
        text += &format!(
            "| {} | {bound}{:.2} | {:.2}–{:.2} | {bound}{:.2}× ({:.2}–{:.2}) | {bound}{:.2} | {bound}{:.2} | {:.1} | {matches} |\n",
            program.name,
            time.median(),
            time.min(),
            time.max(),
            ratio.median(),
            ratio.min(),
            ratio.max(),
            figures(|run| run.user.as_secs_f64()).median(),
            figures(|run| run.cpu.as_secs_f64()).median(),
            figures(megabytes).max(),
        );
    }
    text
}

/// Time of each run by that of nospace in the same round.
fn ratio(program: &Played, ours: &Played) -> Figures {
    let pairs = program.runs.iter().zip(&ours.runs);
    Figures::new(
        pairs
            .map(|(run, ours)| run.time.as_secs_f64() / ours.time.as_secs_f64())
            .collect(),
    )
}

fn megabytes(run: &Measured) -> f64 {
    run.memory as f64 / 1e6
}

/// One row of the table of memory: what was read, and by how many files.
pub fn memory(what: &str, runs: &[Measured]) -> String {
    let seconds = Figures::new(runs.iter().map(|run| run.time.as_secs_f64()).collect());
    let memory = Figures::new(runs.iter().map(megabytes).collect());
    format!(
        "| {what} | {:.2} | {:.1} |\n",
        seconds.median(),
        memory.max()
    )
}
