//! `nospace tune`: raises limits, persists them, reverts them.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use nospace_core::quote;
use nospace_core::tune::formats::{self, PlatformDocument};
use nospace_core::tune::{
    Action, StepState, Sysctl, SysctlRequest, Tuning, requests_of_plan, sysctl,
};

use super::args::{CheckOutputArg, FAILED, LOOK, OutputArg, Shared};
use super::from::FromArgs;
use crate::host::Host;
use crate::host::live::{Live, Roots};
use crate::output::{Format, document};
use crate::tune::{DryRun, Scope, Site, SiteKind, apply, dry_run, revert};
use crate::ui::{self, screen::Screen, tune::Options};

/// Raise this node's limits: prints the changes, and makes them with --apply
///
/// Without numbers it proposes 8,192 inotify instances and 524,288 watches, and headroom for whatever `nospace check` finds under
/// pressure. It never lowers a limit, and refuses one that would take more than half of the memory if fully used. --apply writes
/// /proc/sys and one file, /etc/sysctl.d/zz-nospace.conf; --revert restores both.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct TuneArgs {
    /// Raise the live values now, and write the file that sets them at boot
    #[arg(long, conflicts_with = "from", help_heading = ACTION)]
    apply: bool,
    /// Undo: restore values and files as they were before the first --apply
    #[arg(long, conflicts_with_all = ["apply", "numbers", "from"], help_heading = ACTION)]
    revert: bool,
    /// With --revert: print the changes, and make none
    #[arg(long, requires = "revert", help_heading = ACTION)]
    dry_run: bool,
    /// With --revert: also overwrite values that someone else has set since
    #[arg(long, requires = "revert", help_heading = ACTION)]
    force: bool,
    /// Only change the running kernel, until the next boot
    #[arg(long, conflicts_with = "persist_only", help_heading = ACTION)]
    runtime_only: bool,
    /// Only write the file; the running kernel keeps its values
    #[arg(long, help_heading = ACTION)]
    persist_only: bool,
    /// Print the limits as a document of a platform, with where to put it and how to undo it; `auto`: what this node takes
    #[arg(
        long = "for",
        value_name = "FORMAT",
        value_parser = format_names(),
        conflicts_with_all = ["apply", "revert", "runtime_only", "persist_only", "daemonset"],
        help_heading = ACTION
    )]
    platform: Option<String>,
    /// Print a DaemonSet for `kubectl apply -f -` that raises these limits on every node
    #[arg(long, conflicts_with_all = ["apply", "revert", "output"], help_heading = ACTION)]
    daemonset: bool,
    #[command(flatten)]
    numbers: Numbers,
    #[command(flatten)]
    from: FromArgs,
    /// Prepare an image: write below this directory, and read nothing of this machine
    #[arg(long, value_name = "DIR", conflicts_with_all = ["runtime_only", "from", "rootfs"], help_heading = LOOK)]
    root: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArg,
}

const ACTION: &str = "What to do";
const RAISE: &str = "Limits to raise";

/// What to raise, where the default will not do.
#[derive(Args, Debug)]
#[group(id = "numbers", multiple = true)]
struct Numbers {
    /// Raise fs.inotify.max_user_watches to N
    #[arg(long, value_name = "N", help_heading = RAISE)]
    max_user_watches: Option<u64>,
    /// Raise fs.inotify.max_user_instances to N
    #[arg(long, value_name = "N", help_heading = RAISE)]
    max_user_instances: Option<u64>,
    /// Raise another sysctl that tune knows, as fs.file-max=2000000; can be repeated
    #[arg(long, value_name = "KEY=N", value_parser = setting, help_heading = RAISE)]
    set: Vec<(&'static Sysctl, u64)>,
    /// Use the numbers that `nospace plan -o json` proposes; `-` is standard input
    #[arg(long, value_name = "FILE", help_heading = RAISE)]
    plan: Option<PathBuf>,
}

const AFTER_HELP: &str = "Examples:
  nospace tune                                  what would change, and why
  nospace tune --apply                          change it, now and for every boot
  nospace tune --apply --max-user-watches 1048576
  nospace plan --pods 250 -o json | nospace tune --plan - --apply
  nospace tune --apply --set kernel.pid_max=4194304
  nospace tune --revert                         undo
  nospace tune --root /mnt/image --apply        prepare an image
  nospace tune --for talos                      what to put into the configuration of another platform

Exit codes: 0 done, or nothing to do; 1 something failed or will not last; 3 wrong usage.";

fn format_names() -> Vec<&'static str> {
    let names = formats::FORMATS.iter().map(|format| format.name);
    names.chain([AUTO]).collect()
}

const AUTO: &str = "auto";

fn setting(text: &str) -> Result<(&'static Sysctl, u64), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=N")?;
    let known = || {
        let keys: Vec<&str> = nospace_core::tune::tunable().map(|one| one.key).collect();
        format!("tune does not know {key:?}; it knows {}", keys.join(", "))
    };
    let sysctl = sysctl(key.trim()).ok_or_else(known)?;
    let value = value
        .trim()
        .parse()
        .map_err(|_| format!("{value:?} is not a number"))?;
    Ok((sysctl, value))
}

impl Numbers {
    fn requests(&self) -> anyhow::Result<Vec<SysctlRequest>> {
        let mut requests = match &self.plan {
            Some(path) => read_plan(path)?,
            None => Vec::new(),
        };
        let named = [
            (Sysctl::INSTANCES, self.max_user_instances),
            (Sysctl::WATCHES, self.max_user_watches),
        ];
        let named = named
            .into_iter()
            .filter_map(|(sysctl, value)| Some((sysctl, value?)));
        for (sysctl, value) in named.chain(self.set.iter().copied()) {
            // What is named on the command line goes before what a plan says.
            requests.retain(|request| request.sysctl != sysctl);
            requests.push(SysctlRequest {
                sysctl,
                value,
                reason: "asked for".to_owned(),
                firm: true,
            });
        }
        Ok(requests)
    }
}

fn read_plan(path: &Path) -> anyhow::Result<Vec<SysctlRequest>> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    let name = path.display();
    read.with_context(|| format!("cannot read the plan {name}"))?;
    requests_of_plan(&bytes)
        .with_context(|| format!("{name} is not a `nospace plan -o json` document"))
}

/// Tunes the node, or an image.
///
/// # Errors
///
/// When a value is refused, when nothing can be changed here, or when there is nothing to take back.
pub fn run(shared: &Shared, outer: CheckOutputArg, args: &TuneArgs) -> anyhow::Result<ExitCode> {
    let host = host(shared, args)?;
    let site = Site {
        host: host.as_ref(),
        kind: match (&args.root, args.from.is_given()) {
            (Some(_), _) => SiteKind::Image,
            (None, true) => SiteKind::Recorded,
            (None, false) => SiteKind::Node,
        },
        procfs: shared.procfs.clone(),
        rootfs: args.root.clone().unwrap_or_else(|| shared.rootfs.clone()),
    };
    let scope = Scope {
        live: !args.persist_only,
        persistent: !args.runtime_only,
        force: args.force,
    };
    let tuning = if args.revert {
        revert(&site, scope, args.dry_run)?
    } else {
        let dry_run = dry_run(&site, args.numbers.requests()?, scope)?;
        let platform = args.platform.as_deref();
        if let Some(name) = platform.or(args.daemonset.then_some("kubernetes")) {
            print_for(name, &dry_run, args.output.or(outer))?;
            return Ok(ExitCode::SUCCESS);
        }
        if args.apply {
            apply(&site, dry_run, scope)?
        } else {
            dry_run.tuning
        }
    };
    show(&tuning, args.output.or(outer))?;
    Ok(if tuning.has_failed() {
        ExitCode::from(FAILED)
    } else {
        ExitCode::SUCCESS
    })
}

fn host(shared: &Shared, args: &TuneArgs) -> anyhow::Result<Box<dyn Host>> {
    let Some(image) = &args.root else {
        return args.from.host(shared);
    };
    anyhow::ensure!(image.is_dir(), "{} is not a directory", image.display());
    let roots = Roots {
        proc: shared.procfs.clone(),
        sys: shared.sysfs.clone(),
        root: image.clone(),
    };
    Ok(Box::new(Live::open(&roots, false)?))
}

/// The document of the format `name`.
fn print_for(name: &str, dry_run: &DryRun, output: &Format) -> anyhow::Result<()> {
    let (format, chosen_by) = match &dry_run.format {
        Some((format, why)) if name == AUTO => (*format, Some(why.clone())),
        _ => (
            formats::format(name).context("there is no such format")?,
            None,
        ),
    };
    let document = PlatformDocument::of(&dry_run.tuning, format, chosen_by)?;
    if !output.is_for_people() {
        let draw = |screen: &Screen| ui::tune::platform_document(&document, screen);
        return Ok(output.print(&crate::output::document(&document, draw))?);
    }
    // As it is, without a width: it goes into a file.
    let (text, elsewhere) = document.text(format.comments);
    ui::print(text.as_bytes())?;
    for line in elsewhere {
        ui::warn(&line);
    }
    Ok(())
}

fn show(tuning: &Tuning, format: &Format) -> anyhow::Result<()> {
    let draw = |screen: &Screen| {
        let typed: Vec<String> = std::env::args().skip(1).collect();
        let options = Options {
            screen: *screen,
            next: next(tuning, &typed),
        };
        ui::tune::draw(tuning, &options)
    };
    Ok(format.print(&document(tuning, draw))?)
}

/// The next command: the same with `--apply`, or without `--dry-run`, or the one that undoes it.
fn next(tuning: &Tuning, typed: &[String]) -> Option<String> {
    let steps = || tuning.changes.iter().flat_map(|c| [&c.live, &c.persistent]);
    let any = |state| {
        steps()
            .chain([&tuning.file.step])
            .any(|step| step.state == state)
    };
    let recorded = typed.iter().any(|word| word.starts_with("--from"));
    let words: Vec<&str> = match tuning.action {
        Action::Show if any(StepState::Planned) && !recorded => typed
            .iter()
            .map(String::as_str)
            .chain(["--apply"])
            .collect(),
        Action::Revert if any(StepState::Planned) => {
            let typed = typed.iter().map(String::as_str);
            typed.filter(|word| *word != "--dry-run").collect()
        }
        Action::Apply if any(StepState::Done) => {
            let mut words = vec!["tune", "--revert"];
            let mut typed = typed.iter().map(String::as_str);
            while let Some(word) = typed.next() {
                let (name, value) = word
                    .split_once('=')
                    .map_or((word, None), |(n, v)| (n, Some(v)));
                if ["--root", "--rootfs", "--procfs", "--sysfs"].contains(&name) {
                    words.push(name);
                    words.extend(value.or_else(|| typed.next()));
                }
            }
            words
        }
        _ => return None,
    };
    let quoted: Option<Vec<String>> = words.into_iter().map(quoted).collect();
    Some(format!("nospace {}", quoted?.join(" ")))
}

/// A word for a shell; options are words as well.
fn quoted(word: &str) -> Option<String> {
    let dashes = word.len() - word.trim_start_matches('-').len();
    match word.len() {
        len if len == dashes => Some(word.to_owned()),
        _ => Some(format!("{}{}", &word[..dashes], quote(&word[dashes..])?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_or_said_to_be_wrong() {
        assert_eq!(
            setting("fs.inotify.max_user_watches = 5"),
            Ok((Sysctl::WATCHES, 5))
        );
        assert_eq!(
            setting("fs/inotify/max_user_watches=5"),
            Ok((Sysctl::WATCHES, 5))
        );
        assert!(
            setting("vm.swappiness=5")
                .unwrap_err()
                .contains("fs.file-max")
        );
        assert!(setting("fs.file-max").unwrap_err().contains("KEY=N"));
        assert!(
            setting("fs.file-max=much")
                .unwrap_err()
                .contains("\"much\"")
        );
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quoted("--root=/a b").as_deref(), Some("--'root=/a b'"));
        assert_eq!(quoted("--apply").as_deref(), Some("--apply"));
        assert_eq!(quoted("-").as_deref(), Some("-"));
        assert_eq!(quoted("a\x1b"), None);
    }
}
