//! Makes nospace's generated files, and measures it: `cargo xtask TASK`.

mod bench;
mod exactness;
mod man;
mod metrics;
mod page;
mod picture;
mod schema;
mod signatures;

use anyhow::{Result, bail};

const USAGE: &str = "cargo xtask man       writes man pages to target/man/
cargo xtask schema    writes docs/schema/*.schema.json
cargo xtask metrics   writes docs/metrics.md
cargo xtask signatures writes docs/signatures.md
cargo xtask picture [COMMAND]
                      reads styled text on stdin, writes it as SVG on stdout
cargo xtask page ARCHIVE
                      writes the page that an agent serves, of a recorded node, on stdout
cargo xtask bench check [ROUNDS]
                      measures nospace beside find and inotify-info, writes docs/benchmarks.md
cargo xtask bench agent [MINUTES]
                      measures what nospace agent costs beside node_exporter, writes docs/benchmarks.md
cargo xtask bench scrapes
                      measures how long its pages take on a node of a thousand pods, writes docs/benchmarks.md
cargo xtask bench explain [ROUNDS]
                      measures nospace explain beside grep and ripgrep, writes docs/benchmarks.md
cargo xtask bench trace
                      measures what a trace costs and misses, writes docs/benchmarks.md
cargo xtask exactness
                      lets nospace, find and inotify-info count what the kernel counts, writes docs/exactness.md
cargo xtask bench exhaust [ROUNDS]
                      measures how fast nospace and a Python program use watches up, writes docs/benchmarks.md
cargo xtask bench watches [ROUNDS]
                      measures `nospace watches` beside inotify-info, writes docs/benchmarks.md
cargo xtask bench load SCALE
                      makes the load of that measurement and keeps it until standard input ends";

fn main() -> Result<()> {
    if nospace_holder::is_asked() {
        let _ = nospace_holder::main();
        return Ok(());
    }
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["bench", "check"] => bench::check(None),
        ["bench", "check", rounds] => bench::check(Some(rounds)),
        ["bench", "agent"] => bench::agent::run(None),
        ["bench", "scrapes"] => bench::agent::scrapes(),
        ["bench", "agent", minutes] => bench::agent::run(Some(minutes)),
        ["bench", "explain"] => bench::explain(None),
        ["bench", "explain", rounds] => bench::explain(Some(rounds)),
        ["bench", "trace"] => bench::trace::run(),
        ["bench", "exhaust"] => bench::exhaust::run(None),
        ["bench", "exhaust", rounds] => bench::exhaust::run(Some(rounds)),
        ["bench", "watches"] => bench::watches(None),
        ["bench", "watches", rounds] => bench::watches(Some(rounds)),
        ["bench", "load", scale] => bench::load(scale),
        ["exactness"] => exactness::run(),
        ["man"] => man::write(),
        ["metrics"] => metrics::write(),
        ["schema"] => schema::write(),
        ["signatures"] => signatures::write(),
        ["page", archive] => page::write(archive),
        ["picture"] => picture::write(None),
        ["picture", command] => picture::write(Some(command.to_owned())),
        _ => bail!("what to make?\n{USAGE}"),
    }
}
