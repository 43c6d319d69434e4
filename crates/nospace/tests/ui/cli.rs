//! The program itself, on the machine that the test runs on.

use std::io::Read as _;
use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::cargo_bin;
use clap::CommandFactory as _;
use nospace::cli::Cli;
use nospace_core::report::Report;

fn nospace(arguments: &[&str]) -> Command {
    let mut command = Command::new(cargo_bin!("nospace"));
    command.args(arguments).env_clear();
    command
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn report_of(output: &Output) -> Report {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn json_of_this_machine_holds_to_the_schema() {
    let output = nospace(&["check", "-o", "json"]).output().unwrap();
    let value = serde_json::from_slice(&output.stdout).unwrap();
    let errors: Vec<_> = crate::json::validator()
        .iter_errors(&value)
        .map(|e| e.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let code = report_of(&output).status().exit_code();
    assert_eq!(output.status.code(), Some(i32::from(code)));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn colors_follow_the_option_and_the_environment() {
    let colored = |arguments: &[&str], set: &[(&str, &str)]| {
        let output = nospace(arguments).envs(set.iter().copied()).output();
        output.unwrap().stdout.contains(&0x1b)
    };
    assert!(!colored(&["check"], &[]));
    assert!(colored(&["check", "--color", "always"], &[]));
    assert!(colored(
        &["check", "--color", "always"],
        &[("NO_COLOR", "1")]
    ));
    assert!(colored(&["check"], &[("CLICOLOR_FORCE", "1")]));
    assert!(!colored(
        &["check", "--color", "never"],
        &[("CLICOLOR_FORCE", "1")]
    ));
    assert!(!colored(&["check", "-o", "json", "--color", "always"], &[]));
}

#[test]
fn the_locale_decides_what_is_drawn() {
    let drawn = |set: &[(&str, &str)]| {
        let output = nospace(&["check", "-v"]).envs(set.iter().copied()).output();
        text(&output.unwrap().stdout).to_owned()
    };
    assert!(drawn(&[("LANG", "C")]).is_ascii());
    assert!(drawn(&[("LANG", "C.UTF-8"), ("COLUMNS", "120")]).contains('░'));
}

#[test]
fn completions_know_every_command() {
    Cli::command().debug_assert();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = nospace(&["completions", shell]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        for command in Cli::command().get_subcommands() {
            assert!(text(&output.stdout).contains(command.get_name()), "{shell}");
        }
    }
}

/// Cause codes are arguments of `explain`, and a mistyped one is recognised.
#[test]
fn cause_codes_complete_and_are_suggested() {
    for shell in ["bash", "fish", "zsh"] {
        let output = nospace(&["completions", shell]).output().unwrap();
        assert!(text(&output.stdout).contains("neighbor-table"), "{shell}");
    }
    let output = nospace(&["explain", "--no-node", "inotify-watchs"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(
        text(&output.stderr).contains("inotify-watches"),
        "{output:?}"
    );
}

/// The formats of a command are what its help and completions offer, and what it takes.
#[test]
fn a_command_takes_the_formats_that_it_can_print() {
    let node = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/nodes/healthy-v2/node.tar.zst"
    );
    for format in nospace::output::FORMATS {
        let checked = nospace(&["check", "--from", node, "-o", format.name])
            .output()
            .unwrap();
        let outer = nospace(&["-o", format.name, "check", "--from", node])
            .output()
            .unwrap();
        assert_eq!(checked.status.code(), Some(0), "{}", format.name);
        assert_eq!(outer.stdout[..10], checked.stdout[..10], "{}", format.name);
        let expected = if format.prints_any() { 0 } else { 3 };
        for planned in [["plan", "-o", format.name], ["-o", format.name, "plan"]] {
            let planned = nospace(&planned).output().unwrap();
            assert_eq!(planned.status.code(), Some(expected), "{planned:?}");
            assert_eq!(planned.stdout.is_empty(), expected == 3);
        }
    }
}

/// A ticket has everything that one needs to act.
#[test]
fn markdown_names_culprits_and_commands() {
    let node = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/nodes/watches-v1/node.tar.zst"
    );
    let printed = |format| {
        let output = nospace(&["check", "--from", node, "-o", format]).output();
        output.unwrap()
    };
    let (markdown, report) = (printed("markdown"), report_of(&printed("json")));
    let markdown = text(&markdown.stdout);
    assert!(!report.findings.is_empty());
    for finding in &report.findings {
        let heading = format!("### {}: {}\n", finding.severity.name(), finding.cause);
        assert!(markdown.contains(&heading), "{heading}{markdown}");
        for remedy in &finding.remedies {
            let command = format!("\n    {}\n", remedy.command);
            assert!(markdown.contains(&command), "{command}{markdown}");
        }
    }
    assert!(markdown.contains("promtail-h4wzq"), "{markdown}");
}

/// What does nothing in a command is not in its help, and still taken.
#[test]
fn help_shows_what_works() {
    let help = nospace(&["completions", "--help"]).output().unwrap();
    assert!(!text(&help.stdout).contains("--procfs"), "{help:?}");
    let script = nospace(&["-v", "--procfs", "/proc", "completions", "bash"]).output();
    assert!(script.unwrap().status.success());
    for command in Cli::command().get_subcommands() {
        let help = nospace(&[command.get_name(), "-h"]).output().unwrap();
        assert!(help.status.success(), "{}", command.get_name());
        assert!(text(&help.stdout).contains("--help"), "{help:?}");
    }
}

/// `nospace check | head -0`: nobody reads, and nobody hears of it.
#[test]
fn a_reader_that_has_gone_is_no_error() {
    for arguments in [
        &["check", "-v"][..],
        &["check", "-o", "json"],
        &["completions", "bash"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child = nospace(arguments)
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        let code = child.wait().unwrap().code().unwrap();
        assert_eq!(said, "", "{arguments:?}");
        assert!(code <= 3, "{arguments:?}: {code}");
    }
}

#[test]
fn output_that_cannot_be_written_is_an_error_of_that() {
    for arguments in [
        &["check"][..],
        &["check", "-o", "json"],
        &["watches", "-o", "json"],
    ] {
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let output = nospace(arguments).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(3));
        let error = text(&output.stderr);
        let said = "nospace: cannot write to standard output: No space left on device";
        assert!(error.contains(said), "{arguments:?}: {error}");
    }
}

#[test]
fn a_filter_that_matches_nothing_is_said() {
    for (option, value, shown) in [
        ("--pod", "no\u{1b}[31m-such", "no\\u{1b}[31m-such"),
        ("--container", "no-such", "no-such"),
        ("--pid", "4194305", "4194305"),
    ] {
        let output = nospace(&["check", option, value]).output().unwrap();
        assert_eq!(output.status.code(), Some(3));
        assert_eq!(text(&output.stdout), "");
        assert!(text(&output.stderr).contains(shown), "{output:?}");
    }
}

#[test]
fn a_check_for_monitoring_systems_judges_by_what_is_asked() {
    let node = |name: &str| {
        let nodes = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/nodes");
        format!("{nodes}/{name}/node.tar.zst")
    };
    let (full, healthy) = (node("watches-v1"), node("healthy-v2"));
    let holder = " by pod logging/promtail-h4wzq: 1 instance, 22,769 watches; ";
    for (arguments, line, code) in [
        (
            vec!["--from", &*full],
            format!("CRITICAL kubelet-start{holder}"),
            2,
        ),
        (
            vec!["--from", &full, "--only", "inotify-watches"],
            format!("CRITICAL inotify-watches{holder}"),
            2,
        ),
        (
            vec!["--from", &full, "--exit-codes", "npd"],
            format!("CRITICAL kubelet-start{holder}"),
            1,
        ),
        (
            vec!["--from", &full, "--only", "inotify-instances"],
            "OK no findings for inotify-instances\n".to_owned(),
            0,
        ),
        (vec!["--from", &healthy], "OK uid 0 uses ".to_owned(), 0),
    ] {
        let asked = [&["check", "-o", "line"], &arguments[..]].concat();
        let output = nospace(&asked).output().unwrap();
        assert!(
            text(&output.stdout).starts_with(&line),
            "{asked:?}: {output:?}"
        );
        assert_eq!(text(&output.stdout).lines().count(), 1);
        assert_eq!(output.status.code(), Some(code), "{asked:?}");
    }
    let output = nospace(&["check", "--only", "inotify-watch"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(
        text(&output.stderr).contains("there is no cause \"inotify-watch\""),
        "{output:?}"
    );
}
