//! Options that several commands share, and exit codes.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::ensure;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Arg, ArgAction, Args};
use nospace_core::report::ProcessUse;

use crate::collect::cmdlines;
use crate::collect::users::Passwd;
use crate::host::Host;
use crate::host::live::{Live, Roots};
use crate::output::{FORMATS, Format};
use crate::ui::warn;

/// Wrong usage, or could not tell.
pub const UNKNOWN: u8 = 3;
/// The command could not do its work.
pub const FAILED: u8 = 1;

/// Help heading: what a command looks at.
pub const LOOK: &str = "What to look at";
/// Help heading: where the host's file systems are.
pub const HOST: &str = "Host";
/// Help heading: how results are printed.
pub const OUTPUT: &str = "Output";

/// Options of every command.
#[derive(Args, Debug)]
pub struct Shared {
    /// When to use color; NO_COLOR is respected
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = clap::ColorChoice::Auto,
          help_heading = OUTPUT, display_order = 101)]
    pub color: clap::ColorChoice,
    /// Verbose output: nothing is left out, and each collector is listed with its time
    #[arg(short, long, global = true, help_heading = OUTPUT, display_order = 102)]
    pub verbose: bool,
    /// Print help; -h prints a summary
    #[arg(short, long, global = true, action = ArgAction::Help, help_heading = OUTPUT, display_order = 103)]
    help: Option<bool>,
    /// Count via /proc even where eBPF is available
    #[arg(long, global = true, help_heading = HOST)]
    pub no_ebpf: bool,
    /// Mount point of the host's procfs
    #[arg(long, global = true, value_name = "DIR", default_value = "/proc", help_heading = HOST)]
    pub procfs: PathBuf,
    /// Mount point of the host's sysfs
    #[arg(long, global = true, value_name = "DIR", default_value = "/sys", help_heading = HOST)]
    pub sysfs: PathBuf,
    /// Mount point of the host's root file system
    #[arg(long, global = true, value_name = "DIR", default_value = "/", help_heading = HOST)]
    pub rootfs: PathBuf,
}

impl Shared {
    /// Where the host's file systems are mounted.
    pub fn roots(&self) -> Roots {
        Roots {
            proc: self.procfs.clone(),
            sys: self.sysfs.clone(),
            root: self.rootfs.clone(),
        }
    }

    /// This machine.
    pub fn live(&self) -> anyhow::Result<Live> {
        let given = [
            ("--procfs", &self.procfs, "/proc"),
            ("--sysfs", &self.sysfs, "/sys"),
            ("--rootfs", &self.rootfs, "/"),
        ];
        for (option, place, usual) in given {
            // Where the usual ones are not mounted, the collectors say what they miss.
            ensure!(
                place == Path::new(usual) || place.is_dir(),
                "{option} {}: there is no such directory",
                place.display()
            );
        }
        Live::open(&self.roots(), !self.no_ebpf)
    }
}

/// `--cmdline`, where processes are listed.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct CmdlineArg {
    /// Also show the command lines of the processes that are listed (-v: all of each); they can contain secrets
    ///
    /// At most 4,096 bytes of each. A recording has only the names of their flags, unless it was made with --cmdline.
    #[arg(long, help_heading = OUTPUT)]
    cmdline: bool,
}

impl CmdlineArg {
    /// Adds them to `processes`, if they were asked for, and warns of what is missing.
    pub fn add(self, host: &dyn Host, recorded: bool, processes: &mut [ProcessUse]) {
        if !self.cmdline {
            return;
        }
        let missing = cmdlines::add(host, processes);
        if missing == 0 {
            return;
        }
        let of = format!("{missing} of {} command lines", processes.len());
        warn(&match recorded {
            true => format!(
                "{of} are not in the recording: it is from an agent, or was made by an older nospace"
            ),
            false => format!("{of} could not be read: the processes have exited, or are hidden"),
        });
    }
}

/// A user, by name or by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserArg {
    /// Its uid.
    Uid(u32),
    /// Its name in the node's /etc/passwd.
    Name(String),
}

impl FromStr for UserArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(uid) => Ok(Self::Uid(uid)),
            Err(_) if text.is_empty() => Err("a user has a name or a number".to_owned()),
            Err(_) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                Err(format!("a uid is at most {}", u32::MAX))
            }
            Err(_) => Ok(Self::Name(text.to_owned())),
        }
    }
}

impl UserArg {
    /// The uids of all of `users`, as the node numbers them.
    ///
    /// # Errors
    ///
    /// One has a name that the node does not know, or users have no names here.
    pub fn uids(users: &[Self], host: &dyn Host) -> anyhow::Result<Vec<u32>> {
        let mut passwd = None;
        let mut uid = |user: &Self| match user {
            Self::Uid(uid) => Ok(*uid),
            Self::Name(name) => passwd.get_or_insert_with(|| Passwd::read(host)).uid(name),
        };
        users.iter().map(&mut uid).collect()
    }
}

/// Copies of [`Shared`]'s options that do nothing in a command: it still takes them, and its help does not show them.
pub fn unused(options: &[&str]) -> Vec<Arg> {
    let shared = Shared::augment_args(clap::Command::default());
    let all = shared.get_arguments().cloned();
    all.filter(|arg| options.contains(&arg.get_id().as_str()))
        .map(|arg| arg.hide(true))
        .collect()
}

/// `-o` of all commands but `check`: the formats that can print any document.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct OutputArg {
    /// Output format
    #[arg(short, long, value_name = "FORMAT", value_parser = format_parser(Format::prints_any), help_heading = OUTPUT,
          display_order = 0)]
    output: Option<&'static Format>,
}

impl OutputArg {
    /// What the command was given, else nospace itself, else the default.
    pub fn or(self, outer: CheckOutputArg) -> &'static Format {
        self.output.or(outer.output).unwrap_or_default()
    }
}

/// `-o` of `check`, and of nospace itself.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct CheckOutputArg {
    /// Output format
    #[arg(short, long, value_name = "FORMAT", value_parser = format_parser(|_| true), help_heading = OUTPUT, display_order = 0)]
    pub output: Option<&'static Format>,
}

impl CheckOutputArg {
    /// What the command was given, else nospace itself, else the default.
    pub fn or(self, outer: Self) -> &'static Format {
        self.output.or(outer.output).unwrap_or_default()
    }
}

/// Takes the formats that `offers` chooses.
fn format_parser(offers: fn(&Format) -> bool) -> impl TypedValueParser<Value = &'static Format> {
    let value = |format: &'static Format| {
        let name = PossibleValue::new(format.name);
        (name.help(format.help), format)
    };
    let offered = FORMATS.into_iter().filter(move |format| offers(format));
    one_of(offered.map(value))
}

/// Takes one of these names, and gives its value.
pub fn one_of<T: Clone + Send + Sync + 'static>(
    values: impl IntoIterator<Item = (PossibleValue, T)>,
) -> impl TypedValueParser<Value = T> {
    let values: Vec<_> = values.into_iter().collect();
    let names: Vec<_> = values.iter().map(|(name, _)| name.clone()).collect();
    PossibleValuesParser::new(names).try_map(move |given| {
        let named = values.iter().find(|(name, _)| name.matches(&given, false));
        named.map(|(_, value)| value.clone()).ok_or("no such value")
    })
}
