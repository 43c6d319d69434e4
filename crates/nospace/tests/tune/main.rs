//! `nospace tune` with hands: values and files change, and come back.
//!
//! Everything happens in a mount namespace where the files of /proc/sys/fs/inotify, /etc/sysctl.d and /run are others:
//! the host keeps its own.

#![allow(clippy::print_stderr, reason = "a test program of its own")]

mod crash;
mod image;
mod lab;
mod lock;
mod node;
mod refused;
#[path = "../conditions/script.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod script;
#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod support;
mod userns;

use std::process::ExitCode;

use support::test;

fn main() -> ExitCode {
    if nospace_holder::is_asked() {
        return nospace_holder::main();
    }
    support::run(vec![
        test("show changes nothing", node::show),
        test("apply and revert", node::apply_and_revert),
        test("what others set since is left alone", node::set_since),
        test("runtime only, persist only", node::halves),
        test("never lowers", node::never_lowers),
        test("another file wins", node::overridden),
        test("sysctl.conf is read by procps alone", node::sysctl_conf),
        test("two at once", node::two_at_once),
        test("a lock of another user", lock::other_user),
        test("a lock that is kept", lock::bounded),
        test("three at once never lower", lock::never_lowers),
        test("modes of directories", lock::directories),
        test("a plan", node::plan),
        test("used up, live and lasting", node::pressed),
        test("disk full", refused::disk_full),
        test("read-only /etc", refused::read_only_etc),
        test("read-only /proc/sys", refused::read_only_proc),
        test("not root", refused::not_root),
        test("in a container", refused::container),
        test("somebody else's file", refused::foreign),
        test("more than memory bears", refused::memory),
        test("an image", image::prepare),
        test("links do not lead out of an image", image::links),
        test("who else sets a key", image::setters),
        test("killed at every step of apply", crash::apply),
        test("killed at every step of revert", crash::revert),
        test("synced before it is renamed", crash::order),
        test("another user namespace", userns::named),
    ])
}
