//! Generates nospace's generated files and runs its benchmarks: `cargo xtask TASK`.

mod bench;
mod exactness;
mod exhaust;
mod limits;
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
cargo xtask limits    writes docs/limits.md
cargo xtask exhaust   writes the table in docs/exhaust.md
cargo xtask picture [COMMAND]
                      converts styled text from stdin to SVG on stdout
cargo xtask page ARCHIVE
                      prints the agent's status page for a recorded node
cargo xtask bench check [ROUNDS]
                      compares nospace with find and inotify-info, writes docs/benchmarks.md
cargo xtask bench agent [MINUTES]
                      compares the cost of nospace agent and node_exporter, writes docs/benchmarks.md
cargo xtask bench scrapes
                      measures the agent's response times on a node with a thousand pods, writes docs/benchmarks.md
cargo xtask bench explain [ROUNDS [MIB]]
                      compares nospace explain with cat, grep and ripgrep on a log of MIB, writes docs/benchmarks.md
cargo xtask bench trace
                      measures the overhead and the lost calls of a trace, writes docs/benchmarks.md
cargo xtask bench timeline [MINUTES]
                      measures the size of a timeline, and what record, report and top cost, writes docs/benchmarks.md
cargo xtask bench recording [MINUTES]
                      measures the size of the agent's recording, and what it costs, writes docs/benchmarks.md
cargo xtask exactness
                      compares the counts of nospace, find and inotify-info with the kernel's, writes docs/exactness.md
cargo xtask bench exhaust [ROUNDS]
                      compares how fast nospace and a Python program use up watches, writes docs/benchmarks.md
cargo xtask bench watches [ROUNDS]
                      compares `nospace watches` with inotify-info, writes docs/benchmarks.md
cargo xtask bench collectors [ROUNDS]
                      measures each collector of check, and those of limits other than inotify's together, writes docs/benchmarks.md
cargo xtask bench scale [ROUNDS [AXIS]]
                      measures how nospace's costs grow with pods, processes, open files, watches, cgroups and mounts, writes docs/benchmarks.md
cargo xtask bench fleet [NODES [SAMPLES]]
                      measures nospace cluster with a Prometheus that has an hour of NODES nodes, writes docs/benchmarks.md
cargo xtask bench instructions PROGRAM [--write]
                      counts the instructions of PROGRAM with valgrind, compares them with tests/instructions.tsv, or writes that
cargo xtask bench load SCALE
                      creates the load of `bench check` and keeps it until standard input closes
cargo xtask bench load AXIS COUNT
                      the same with a load of `bench scale`: pods, processes, files, watches or cgroups";

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
        ["bench", "explain"] => bench::explain(None, None),
        ["bench", "explain", rounds] => bench::explain(Some(rounds), None),
        ["bench", "explain", rounds, mib] => bench::explain(Some(rounds), Some(mib)),
        ["bench", "trace"] => bench::trace::run(),
        ["bench", "exhaust"] => bench::exhaust::run(None),
        ["bench", "exhaust", rounds] => bench::exhaust::run(Some(rounds)),
        ["bench", "watches"] => bench::watches(None),
        ["bench", "watches", rounds] => bench::watches(Some(rounds)),
        ["bench", "collectors"] => bench::collectors::run(None),
        ["bench", "collectors", rounds] => bench::collectors::run(Some(rounds)),
        ["bench", "scale"] => bench::scale::run(None, None),
        ["bench", "scale", rounds] => bench::scale::run(Some(rounds), None),
        ["bench", "scale", rounds, axis] => bench::scale::run(Some(rounds), Some(axis)),
        // By `bench scale`, in namespaces of its own.
        ["bench", "mounts", count] => bench::scale::mounts(count),
        ["bench", "fleet"] => bench::fleet::bench(None, None),
        ["bench", "fleet", nodes] => bench::fleet::bench(Some(nodes), None),
        ["bench", "fleet", nodes, samples] => bench::fleet::bench(Some(nodes), Some(samples)),
        ["bench", "instructions", program] => bench::instructions::run(program, false),
        ["bench", "instructions", program, "--write"] => bench::instructions::run(program, true),
        ["bench", "load", scale] => bench::load(scale),
        ["bench", "load", axis, count] => bench::scale::load(axis, count),
        ["bench", "timeline"] => bench::timeline::run(None),
        ["bench", "timeline", minutes] => bench::timeline::run(Some(minutes)),
        ["bench", "recording"] => bench::recording::run(None),
        ["bench", "recording", minutes] => bench::recording::run(Some(minutes)),
        ["exactness"] => exactness::run(),
        ["man"] => man::write(),
        ["metrics"] => metrics::write(),
        ["schema"] => schema::write(),
        ["limits"] => limits::write(),
        ["exhaust"] => exhaust::write(),
        ["signatures"] => signatures::write(),
        ["page", archive] => page::write(archive),
        ["picture"] => picture::write(None),
        ["picture", command] => picture::write(Some(command.to_owned())),
        _ => bail!("unknown task\n{USAGE}"),
    }
}
