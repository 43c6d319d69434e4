//! What there is to know of one resource that can be used up: its name, its options, its words, and how it starts.

use std::path::Path;

use nospace_core::cause::Cause;
use nospace_core::model::InotifyResource;

use super::consumer::Consumer;
use super::document::Target;
use super::request::Headroom;

/// A resource that can be used up. Subcommand, help, completions and the table in docs/exhaust.md follow from it.
pub struct Scenario {
    /// Its name in JSON.
    pub target: Target,
    /// Its name on the command line.
    pub name: &'static str,
    /// The cause that `check` and `explain` name.
    pub cause: Cause,
    /// What is counted.
    pub unit: Unit,
    /// What is used up, and where: after "uses up".
    pub what: &'static str,
    /// Which call fails then, and how.
    pub fails: &'static str,
    /// The options that it has besides those of all.
    pub options: Options,
    /// Kernel memory that one takes, in bytes, where all of them are too many to take unasked; else 0.
    pub memory: u64,
    /// Begins.
    pub start: Start,
}

/// What a resource is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// One and many of them.
    Things(&'static str, &'static str),
    /// Bytes.
    Bytes,
}

impl Unit {
    /// Many of them.
    #[must_use]
    pub fn many(self) -> &'static str {
        match self {
            Self::Things(_, many) => many,
            Self::Bytes => "bytes",
        }
    }
}

/// Options of some scenarios.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// `--limit`, where the scenario sets a limit of its own.
    pub limit: Option<LimitOption>,
    /// `--on`: it mounts something.
    pub on: bool,
    /// `--as-uid`, with its help, where a user's limit is used up.
    pub as_uid: Option<&'static str>,
    /// `--yes-break-this-node`, with its help, where others may need what is used up.
    pub yes_break_this_node: Option<&'static str>,
}

/// No options.
pub const NO_OPTIONS: Options = Options {
    limit: None,
    on: false,
    as_uid: None,
    yes_break_this_node: None,
};

/// `--limit`.
#[derive(Clone, Copy, Debug)]
pub struct LimitOption {
    /// Its value in the help.
    pub value: &'static str,
    /// Its help.
    pub help: &'static str,
    /// The value without it.
    pub default: &'static str,
    /// The largest.
    pub most: u64,
}

/// How a scenario starts.
#[derive(Clone, Copy)]
pub enum Start {
    /// On the limits of a user of the node, which need more care than others.
    Inotify(InotifyResource),
    /// Where nobody else is.
    Apart(fn(&Settings<'_>) -> anyhow::Result<Started>),
}

/// The values of a scenario's options.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings<'a> {
    /// `--limit`.
    pub limit: u64,
    /// `--on`.
    pub on: Option<&'a Path>,
    /// `--as-uid`.
    pub uid: Option<u32>,
}

/// A scenario that has a place, and holds nothing yet.
pub struct Started {
    /// Takes and gives back.
    pub consumer: Box<dyn Consumer>,
    /// What the budget belongs to.
    pub subject: String,
    /// What there is.
    pub headroom: Headroom,
    /// How many are left without a request; those of whom else needs them.
    pub leave: u64,
}

impl Started {
    /// All of it is there to be used up.
    pub fn new(
        subject: impl Into<String>,
        consumer: impl Consumer + 'static,
        headroom: Headroom,
    ) -> Self {
        Self {
            consumer: Box::new(consumer),
            subject: subject.into(),
            headroom,
            leave: 0,
        }
    }
}

impl Scenario {
    /// Its line in the help.
    #[must_use]
    pub fn about(&self) -> String {
        let mut letters = self.what.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        let what: String = first.into_iter().chain(letters).collect();
        format!("{what}: {}", self.fails)
    }

    /// Its row of the table in docs/exhaust.md.
    #[must_use]
    pub fn row(&self) -> String {
        let Self {
            name,
            what,
            fails,
            cause,
            ..
        } = self;
        format!("| `{name}` | {what} | {fails} | [{cause}](causes/{cause}.md) |\n")
    }
}

impl std::fmt::Debug for Scenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
