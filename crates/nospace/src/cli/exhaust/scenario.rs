//! The subcommands that follow from the table of scenarios.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{
    Arg, ArgAction, ArgMatches, Args as _, Command, FromArgMatches, Subcommand, value_parser,
};

use super::common::{AMOUNT, Common};
use crate::cli::args::UserArg;
use crate::exhaust::scenarios::SCENARIOS;
use crate::exhaust::{EffectiveUser, LimitOption, Scenario, Settings};

const EXAMPLES: &str = "\
Examples:
  nospace exhaust watches                       all but what the kubelet needs, for 5 min
  nospace exhaust watches --leave 0 --for 30s   all of them, for 30 s
  nospace exhaust instances --as-uid www-data   those of another user
  nospace exhaust watches --percent 90 --ramp 1000/s
  nospace exhaust watches --leave 0 -- tail -F /var/log/syslog
  nospace exhaust blocks --limit 16 --on /mnt/test
  nospace exhaust mounts -- mount -t tmpfs test /run
  nospace exhaust sysv-messages -- nospace check

Exit codes: 0 done, or that of COMMAND; 1 failed or refused; 3 wrong usage.";

/// One scenario, with its options.
#[derive(Debug)]
pub struct ScenarioArgs {
    pub scenario: &'static Scenario,
    pub common: Common,
    limit: u64,
    on: Option<PathBuf>,
    pub as_uid: Option<u32>,
    pub yes_break_this_node: bool,
}

impl ScenarioArgs {
    /// The values of its own options.
    pub fn settings(&self) -> Settings<'_> {
        Settings {
            limit: self.limit,
            on: self.on.as_deref(),
            uid: self.as_uid,
        }
    }
}

/// What stands below the help.
pub fn after_help() -> String {
    let affect_others = SCENARIOS
        .iter()
        .filter(|one| one.options.yes_break_this_node.is_some())
        .map(|one| format!("`{}`", one.name));
    let names: Vec<String> = affect_others.collect();
    let (last, others) = names
        .split_last()
        .map_or(("", &[][..]), |(last, others)| (last, others));
    format!(
        "Only {} and {last} affect other processes; the others use private resources.\n\n{EXAMPLES}",
        others.join(", ")
    )
}

fn effective_uid(text: &str) -> Result<u32, String> {
    match text.parse()? {
        UserArg::Uid(uid) => Ok(uid),
        UserArg::Name(name) => EffectiveUser::uid_of(&name),
    }
}

fn command(scenario: &Scenario) -> Command {
    let options = scenario.options;
    let mut command = Common::augment_args(Command::new(scenario.name)).about(scenario.about());
    if let Some(LimitOption {
        value,
        help,
        default,
        most,
    }) = options.limit
    {
        let limit = Arg::new("limit")
            .long("limit")
            .value_name(value)
            .help(help)
            .value_parser(value_parser!(u64).range(1..=most))
            .default_value(default);
        command = command.arg(limit.help_heading(AMOUNT));
    }
    if options.on {
        let on = Arg::new("on")
            .long("on")
            .value_name("DIR")
            .help("Mount on this empty directory instead of a new one below /run")
            .value_parser(value_parser!(PathBuf))
            .value_hint(clap::ValueHint::DirPath);
        command = command.arg(on.help_heading(AMOUNT));
    }
    if let Some(help) = options.as_uid {
        let uid = Arg::new("as_uid")
            .long("as-uid")
            .value_name("USER")
            .help(help)
            .value_parser(effective_uid);
        command = command.arg(uid.help_heading(AMOUNT));
    }
    if let Some(help) = options.yes_break_this_node {
        let yes = Arg::new("yes_break_this_node")
            .long("yes-break-this-node")
            .help(help)
            .action(ArgAction::SetTrue);
        command = command.arg(yes.help_heading(AMOUNT));
    }
    command
}

impl Subcommand for ScenarioArgs {
    fn augment_subcommands(parent: Command) -> Command {
        parent.subcommands(SCENARIOS.iter().map(|scenario| command(scenario)))
    }

    fn augment_subcommands_for_update(parent: Command) -> Command {
        Self::augment_subcommands(parent)
    }

    fn has_subcommand(name: &str) -> bool {
        SCENARIOS.iter().any(|scenario| scenario.name == name)
    }
}

impl FromArgMatches for ScenarioArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let chosen = matches.subcommand().and_then(|(name, matches)| {
            let scenario = SCENARIOS.iter().find(|one| one.name == name)?;
            Some((*scenario, matches))
        });
        let Some((scenario, matches)) = chosen else {
            return Err(clap::Error::new(ErrorKind::InvalidSubcommand));
        };
        let options = scenario.options;
        // clap panics where an option is asked for that the subcommand does not have.
        let limit = options
            .limit
            .and_then(|_| matches.get_one("limit").copied());
        let on = options.on.then(|| matches.get_one("on").cloned());
        let as_uid = options
            .as_uid
            .and_then(|_| matches.get_one("as_uid").copied());
        Ok(Self {
            scenario,
            common: Common::from_arg_matches(matches)?,
            limit: limit.unwrap_or(0),
            on: on.flatten(),
            as_uid,
            yes_break_this_node: options.yes_break_this_node.is_some()
                && matches.get_flag("yes_break_this_node"),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
