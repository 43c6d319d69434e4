//! nospace uses up what it was asked to use up, as the kernel counts, and gives it back however it ends. The host's own budgets are not touched.

#![allow(clippy::print_stderr, reason = "a test program of its own")]

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/exhaust.rs"]
mod exhaust;

mod command;
mod exact;
mod guard;
mod release;
mod scenario;

use std::process::ExitCode;

use support::test;

fn main() -> ExitCode {
    if nospace_holder::is_asked() {
        return nospace_holder::main();
    }
    let after_kill = scenario::each("after SIGKILL", scenario::after_kill);
    let after_stop = scenario::each("stopped until its time is up", scenario::after_stop);
    let others = [
        test("a command and all below it", command::ends_with_nospace),
        test("watches of a user namespace", exact::watches_of_a_namespace),
        test(
            "instances of a user namespace",
            exact::instances_of_a_namespace,
        ),
        test("watches of another user", || exact::watches_of_a_user(&[])),
        test("watches of another user, from /proc", || {
            exact::watches_of_a_user(&["--no-ebpf"])
        }),
        test("instances of another user", exact::instances_of_a_user),
        test("nowhere to make a directory", exact::without_a_directory),
        test("as another user than root", exact::without_rights),
        test("by percent, at a rate", exact::percent),
        test("inotify after SIGKILL", release::inotify),
        test("time and signals", release::in_order),
        test("a command's status", command::status),
        test("what a killed cleanup left", release::left_behind),
        test("a kubelet's margin", guard::kubelet),
        test(
            "blocks of a given directory",
            scenario::blocks_of_a_directory,
        ),
        test("some requests of aio are left", scenario::some_aio_is_left),
        test("a disk quota, or why there is none", scenario::a_disk_quota),
        test("a command is in the namespace", scenario::command_is_inside),
    ];
    support::run(
        others
            .into_iter()
            .chain(after_kill)
            .chain(after_stop)
            .collect(),
    )
}
