//! /proc/PID/cmdline: whom the processes that runtimes keep beside each container serve, and what is shown of others on request.
//!
//! A recording has the names of flags and no value, unless it was asked for more: [`redact`], [`beginning`].

use crate::runtimes::{self, Monitor};

/// The container that a runtime's process serves; `None` for other programs.
///
/// `cmdline` is the file as the kernel gives it: arguments that end in NUL. For a shim that serves
/// a pod this is the id of the sandbox.
#[must_use]
pub fn serves(cmdline: &[u8]) -> Option<String> {
    serving(cmdline).map(|(_, id)| id.to_owned())
}

/// Stands for what is left out, as an argument or at the end of one.
const LEFT_OUT: &str = "…";
/// Bytes of a command line that are kept and shown.
const MAX_BYTES: usize = 4096;
/// The longest name of a flag: longer ones are none.
const MAX_FLAG: usize = 64;

/// `cmdline` with nothing but the program's name and, for a shim or conmon, the container's id where it has one; of other programs the names of the
/// flags, with `…` for each value and each other argument.
#[must_use]
pub fn redact(cmdline: &[u8]) -> Vec<u8> {
    let mut kept = program(cmdline);
    if let Some((monitor, id)) = serving(cmdline) {
        kept.extend_from_slice(format!("{}\0{id}\0", monitor.recorded_flag).as_bytes());
    } else if monitor(cmdline).is_none() {
        // A shim's flags alone could name an id: one flag the value of another.
        add_flags(cmdline, &mut kept);
    }
    kept
}

/// The program's name alone, as an argument; nothing where there is none.
pub(super) fn program(cmdline: &[u8]) -> Vec<u8> {
    let mut kept = name(cmdline).to_vec();
    if !kept.is_empty() {
        kept.push(0);
    }
    kept
}

/// The first 4,096 bytes, with `…` in place of the rest; of a shim or conmon all, as its container's id may be anywhere.
#[must_use]
pub fn beginning(cmdline: &[u8]) -> Vec<u8> {
    match cmdline.get(..MAX_BYTES) {
        Some(begin) if cmdline.len() > MAX_BYTES && serving(cmdline).is_none() => {
            [begin, LEFT_OUT.as_bytes(), &[0]].concat()
        }
        _ => cmdline.to_vec(),
    }
}

/// The arguments for people and programs, lossy UTF-8, of the first 4,096 bytes; the last one ends in `…` where there are more.
#[must_use]
pub fn shown(cmdline: &[u8]) -> Vec<String> {
    let begin = beginning(cmdline);
    if begin.is_empty() {
        return Vec::new();
    }
    arguments(&begin).map(super::lossy).collect()
}

fn add_flags(cmdline: &[u8], kept: &mut Vec<u8>) {
    let mut left_out = false;
    let mut is_flag = true;
    for argument in arguments(cmdline).skip(1) {
        is_flag &= argument != b"--";
        let flag = if is_flag { flag(argument) } else { None };
        match flag {
            Some(flag) if kept.len() + flag.len() < MAX_BYTES => {
                kept.extend_from_slice(flag.as_bytes());
                left_out = false;
            }
            _ if left_out => continue,
            _ => {
                kept.extend_from_slice(LEFT_OUT.as_bytes());
                left_out = true;
            }
        }
        kept.push(0);
    }
}

/// `--name`, `--name=…`, `-n`, `-n…`: a long flag has its value after `=`, one letter can have it right after; `None` for what may be anything else.
fn flag(argument: &[u8]) -> Option<String> {
    let argument = std::str::from_utf8(argument).ok()?;
    let is_name = |name: &str| {
        let mut chars = name.chars();
        chars.next().is_some_and(|c| c.is_ascii_alphanumeric())
            && name.len() <= MAX_FLAG
            && chars.all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    if let Some(long) = argument.strip_prefix("--") {
        let (name, value) = long
            .split_once('=')
            .map_or((long, ""), |(name, _)| (name, "=…"));
        return is_name(name).then(|| format!("--{name}{value}"));
    }
    let mut chars = argument.strip_prefix('-')?.chars();
    let letter = chars.next().filter(char::is_ascii_alphanumeric)?;
    let rest = chars.next().map_or("", |_| LEFT_OUT);
    Some(format!("-{letter}{rest}"))
}

/// The program's name, as it was called. It ends at the first space: programs that rewrite their
/// title put arguments there.
pub(super) fn name(cmdline: &[u8]) -> &[u8] {
    let first = arguments(cmdline).next().unwrap_or_default();
    first
        .split(u8::is_ascii_whitespace)
        .next()
        .unwrap_or_default()
}

/// What it is, if it is a shim or conmon.
fn monitor(cmdline: &[u8]) -> Option<&'static Monitor> {
    let program = name(cmdline).rsplit(|&b| b == b'/').next()?;
    runtimes::monitor(std::str::from_utf8(program).ok()?)
}

/// What it is, and the id.
fn serving(cmdline: &[u8]) -> Option<(&'static Monitor, &str)> {
    let monitor = monitor(cmdline)?;
    let value = flag_value(arguments(cmdline).skip(1), monitor.id_flags)?;
    let id = value.rsplit('/').next()?;
    is_id(id).then_some((monitor, id))
}

/// Value of the first flag of `names`, in any of the ways that Go and GLib accept.
fn flag_value<'a>(
    mut arguments: impl Iterator<Item = &'a [u8]>,
    names: &[&str],
) -> Option<&'a str> {
    while let Some(argument) = arguments.next() {
        let Some(flag) = argument.strip_prefix(b"-") else {
            continue;
        };
        let flag = flag.strip_prefix(b"-").unwrap_or(flag);
        let equals = flag.iter().position(|&b| b == b'=');
        let (name, inline) = match equals {
            Some(at) => (&flag[..at], Some(&flag[at + 1..])),
            None => (flag, None),
        };
        if names.iter().any(|wanted| wanted.as_bytes() == name) {
            let value = inline.or_else(|| arguments.next())?;
            return std::str::from_utf8(value).ok();
        }
    }
    None
}

pub(super) fn arguments(cmdline: &[u8]) -> impl Iterator<Item = &[u8]> {
    let cmdline = cmdline.strip_suffix(&[0]).unwrap_or(cmdline);
    cmdline.split(|&b| b == 0)
}

/// What containerd allows in an id (pkg/identifiers): anything else is not kept.
fn is_id(text: &str) -> bool {
    (1..=76).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "6528cf088bb065fea945a196d6e4662aff41ea3ee851caa21f8a7847eebc682b";

    fn line(arguments: &str) -> Vec<u8> {
        let mut line = arguments.replace("ID", ID).replace(' ', "\0").into_bytes();
        line.push(0);
        line
    }

    #[test]
    fn shims_and_monitors() {
        for text in [
            "/usr/bin/containerd-shim-runc-v2 -namespace k8s.io -id ID -address /run/containerd/containerd.sock",
            "/usr/bin/containerd-shim-runc-v2 -namespace moby -id=ID -address /x",
            "/opt/kata/bin/containerd-shim-kata-v2 -namespace k8s.io -address /x -publish-binary /y -id ID",
            "containerd-shim -namespace k8s.io -workdir /var/lib/containerd/io.containerd.runtime.v1.linux/k8s.io/ID -address /x",
            "/usr/libexec/crio/conmon -b /run/x/userdata -c ID --exit-dir /var/run/crio/exits -l /var/log/pods/a_b_c/0.log",
            "/usr/bin/conmon --api-version 1 -s --cid ID -u ID -r /usr/bin/crun --exit-command-arg -c",
        ] {
            assert_eq!(serves(&line(text)).as_deref(), Some(ID), "{text}");
        }
    }

    /// Found by fuzzing.
    #[test]
    fn a_monitor_without_an_id_serves_nothing_once_redacted() {
        for text in ["/ur/bin/conmon -c= 6n -c -e -! -c1c", "conmon -c= -c -e"] {
            let redacted = redact(&line(text));
            assert_eq!(serves(&line(text)), None, "{text}");
            assert_eq!(serves(&redacted), None, "{text}");
            assert_eq!(program(&line(text)), redacted, "{text}");
        }
    }

    #[test]
    fn other_programs() {
        for text in [
            "",
            "bash -c ID",
            "containerd-shim-runc-v2",
            "conmon -c",
            "conmon -c b/..%",
            "runc --id ID",
        ] {
            assert_eq!(serves(&line(text)), None, "{text}");
        }
    }

    #[test]
    fn a_name_with_a_space_is_cut_before_it_is_judged() {
        let shim = b"co\n/containerd-shim\0-id=abc\0";
        assert_eq!(serves(shim), serves(&redact(shim)));
    }

    #[test]
    fn only_the_name_and_the_id_are_kept() {
        let shim =
            line("/usr/bin/containerd-shim-runc-v2 -namespace k8s.io -id ID -address /secret");
        assert_eq!(
            redact(&shim),
            line("/usr/bin/containerd-shim-runc-v2 -id ID")
        );
        assert_eq!(
            redact(&line("/usr/bin/mysql -u root -psecret")),
            line("/usr/bin/mysql -u … -p…")
        );
        assert_eq!(
            redact(b"postgres: app secret [local] idle\0"),
            b"postgres:\0"
        );
        assert_eq!(redact(b""), b"");
    }

    #[test]
    fn of_flags_only_the_names_are_kept() {
        for (whole, kept) in [
            ("java -Dpassword=x -jar app.jar a b", "java -D… -j… …"),
            (
                "prog --token=secret --token secret -v - -- --not-a-flag",
                "prog --token=… --token … -v …",
            ),
            ("prog --pa$$word --=x -ä -", "prog …"),
            ("prog", "prog"),
        ] {
            assert_eq!(redact(&line(whole)), line(kept), "{whole}");
        }
        assert_eq!(redact(b"prog\0--a\xffb\0--c\0"), line("prog … --c"));
        let long = format!("--{}", "x".repeat(65));
        assert_eq!(redact(&line(&format!("prog {long}"))), line("prog …"));
        let many = "--flag ".repeat(100_000);
        assert!(redact(&line(&format!("prog {many}"))).len() < MAX_BYTES + 16);
    }

    #[test]
    fn what_is_shown_is_bounded_and_text() {
        assert_eq!(shown(b""), [] as [&str; 0]);
        assert_eq!(shown(b"a\0\0b c\0"), ["a", "", "b c"]);
        assert_eq!(shown(b"a\xff\x1b[2J"), ["a\u{fffd}\x1b[2J"]);
        let huge = [b"prog\0".to_vec(), vec![b'x'; 2 << 20]].concat();
        let words = shown(&huge);
        assert_eq!((words.len(), words[1].len()), (2, 4096 - 5 + "…".len()));
        assert!(words[1].ends_with('…'));
        assert_eq!(shown(&beginning(&huge)), words);
    }

    proptest! {
        #[test]
        fn redaction_keeps_who_is_served_and_is_final(
            program in prop_oneof![Just("containerd-shim-runc-v2"), Just("conmon"), Just("sh"), Just("")],
            arguments in prop::collection::vec("(-id|-c|--cid|-workdir|-x|[a-f0-9/=]{0,8}|\\PC{0,6})", 0..8),
        ) {
            let mut line = program.to_owned();
            for argument in arguments {
                line.push('\0');
                line.push_str(&argument);
            }
            let redacted = redact(line.as_bytes());
            prop_assert_eq!(serves(&redacted), serves(line.as_bytes()));
            prop_assert_eq!(redact(&redacted), redacted);
        }

        #[test]
        fn no_value_is_kept(arguments in prop::collection::vec("(--?[a-z]{1,3}(=s3cret)?|s3cret|-[a-z]s3cret|--s3=s3cret)", 0..8)) {
            let text = format!("prog\0{}", arguments.join("\0"));
            let kept = redact(text.as_bytes());
            prop_assert!(!String::from_utf8_lossy(&kept).contains("s3cret"), "{}", String::from_utf8_lossy(&kept));
        }

        #[test]
        fn never_panics(line in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (serves(&line), redact(&line), shown(&line));
        }
    }
}
