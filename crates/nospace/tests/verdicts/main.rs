//! A verdict of health is given only where everything was seen that it depends on (docs/verdicts.md): in guests, to
//! users other than root, and wherever a collector stopped short.

#![allow(clippy::print_stderr, reason = "a test program of its own")]

#[allow(dead_code, reason = "what other tests need")]
#[path = "../conditions/cgroup.rs"]
mod cgroup;
#[path = "../conditions/script.rs"]
mod script;
#[path = "../support/mod.rs"]
mod support;
#[allow(dead_code, reason = "what other tests need")]
#[path = "../support/victim.rs"]
mod victim;

mod guest;
mod guest_kinds;
mod kubelet;
mod nobody;
mod speaker;

use std::process::ExitCode;

use support::test;

fn main() -> ExitCode {
    if nospace_holder::is_asked() {
        return nospace_holder::main();
    }
    support::run(vec![
        test(
            "a guest whose creator has none left",
            guest::creator_is_full,
        ),
        test("a guest with room", guest::has_room),
        test("a guest whose own limit is used up", guest::own_limit),
        test("guests of each kind", guest_kinds::each),
        // One after the other: check looks at one kubelet.
        test("kubelets: in a guest, flags, logs", || {
            guest::kubelet()?;
            kubelet::flags()?;
            speaker::another_user_is_full()
        }),
        test("a dozen workers without descriptors", speaker::workers),
        test("nobody while root has none left", nobody::root_is_full),
    ])
}
