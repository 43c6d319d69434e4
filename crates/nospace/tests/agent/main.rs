//! `nospace agent`: a real one, asked over HTTP while programs do to the kernel what it should tell of.

#![allow(clippy::print_stderr, reason = "a test program of its own")]

mod access;
mod agent;
mod attacks;
mod chaos;
mod clock;
mod config;
mod from;
mod guard;
mod history;
mod http;
mod metrics;
mod pods;
mod recording;
mod refusals;
mod report;
mod steady;
#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod support;
mod tune;

use std::process::ExitCode;

use support::test;

fn main() -> ExitCode {
    if nospace_holder::is_asked() {
        return nospace_holder::main();
    }
    support::run(vec![
        test("what it serves", metrics::served),
        test("promtool finds nothing", metrics::promtool),
        test("OpenMetrics is well-formed", metrics::open_metrics),
        test("Prometheus scrapes it", metrics::prometheus),
        test("packed is the same", metrics::packed),
        test("pods beyond the top are summed, and vanish", pods::bounded),
        test("refusals are exact", refusals::exact),
        test("growth is found, and its owner", pods::growth),
        test("without eBPF", refusals::without_ebpf),
        test("500 scrapes at once", attacks::many),
        test(
            "slow and half-open connections, and garbage",
            attacks::bad_company,
        ),
        test("half-open connections are hung up", attacks::hung_up),
        test(
            "why a connection cannot be taken is in the log",
            attacks::no_descriptor,
        ),
        test("host names must be known", access::host_names),
        test("a bearer token", access::token),
        test("the API server decides on tokens", access::token_review),
        test("TLS, and a new certificate", access::tls),
        test("SIGHUP reloads the settings", config::reload),
        test("where it listens", config::listen),
        test("what is wrong is named", config::named),
        test("flags before environment before file", config::precedence),
        test("SIGHUP starts and ends the guard", guard::follows_settings),
        test("no guard without eBPF", guard::without_ebpf),
        test("the history of the last hours", history::served),
        test("the history has refused calls", history::refused),
        test("the history survives kill -9", history::killed),
        test("a damaged history is set aside", history::damaged),
        test("no room for the history", history::no_room),
        test("a recording that every command reads", recording::served),
        test("a recording survives kill -9", recording::killed),
        test("every command reads it by its address", from::by_address),
        test("a recording with a token", from::with_token),
        test("no recording, and what is none", from::not_recorded),
        test("a report of what it remembers", report::incident),
        test("a report with a token", report::with_token),
        test("a report over TLS", report::over_tls),
        test("no report of what is no agent", report::not_answered),
        test("tune raises, within its ceiling", tune::raises),
        test("SIGTERM ends it at once, nothing stays", steady::sigterm),
        test("a thousand looks", steady::thousand_looks),
        test("on a node where nothing stays", chaos::churn),
        test("on a node whose clock is set", clock::is_set),
    ])
}
