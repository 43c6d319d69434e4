//! Commands that find or free what is short, where no finding knows better.

use crate::model::{Environment, HOST_LOCAL, Program, Vantage, may_write};
use crate::report::Remedy;

/// A command with its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// The command.
    line: &'static str,
    /// Its reason.
    why: &'static str,
    needs: Needs,
}

/// What a node must have for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    /// Nothing that a node may lack.
    Nothing,
    Program(Program),
    HostLocal,
    /// The right to write to the host's kernel.
    Kernel,
}

/// A sysctl to raise to a value that is right for most nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raise {
    /// Dotted name.
    pub key: &'static str,
    /// The value; a node that has more keeps it.
    pub to: u64,
    /// What that does.
    pub why: &'static str,
}

impl Command {
    /// One that works everywhere.
    #[must_use]
    pub const fn any(line: &'static str, why: &'static str) -> Self {
        let needs = Needs::Nothing;
        Self { line, why, needs }
    }

    /// One that runs `program`.
    #[must_use]
    pub const fn with(program: Program, line: &'static str, why: &'static str) -> Self {
        let needs = Needs::Program(program);
        Self { line, why, needs }
    }

    /// One that reads what host-local, the CNI plugin, has handed out.
    #[must_use]
    pub const fn host_local(line: &'static str, why: &'static str) -> Self {
        let needs = Needs::HostLocal;
        Self { line, why, needs }
    }

    /// One that changes something in the host's kernel.
    #[must_use]
    pub const fn kernel(line: &'static str, why: &'static str) -> Self {
        let needs = Needs::Kernel;
        Self { line, why, needs }
    }

    /// As a remedy, where the node has what it needs; of a node that was not looked at it says what that is.
    #[must_use]
    pub fn remedy(&self, site: &Site<'_>) -> Option<Remedy> {
        let known = match site {
            Site::Unseen => None,
            Site::Node(environment, vantage) => Some(match self.needs {
                Needs::Nothing => true,
                Needs::Program(program) => {
                    environment.is_some_and(|e| e.programs.contains(&program))
                }
                Needs::HostLocal => environment.is_some_and(|e| e.host_local),
                Needs::Kernel => may_write(*environment, vantage, "vm.drop_caches"),
            }),
        };
        let condition = match self.needs {
            Needs::Program(Program::Sysctl) => String::new(),
            Needs::Program(program) => format!(" (where {} is installed)", program.name()),
            Needs::HostLocal => format!(" (where host-local is used: {HOST_LOCAL})"),
            Needs::Nothing | Needs::Kernel => String::new(),
        };
        let why = match known {
            Some(true) => self.why.to_owned(),
            Some(false) => return None,
            None => format!("{}{condition}", self.why),
        };
        Some(Remedy {
            command: self.line.to_owned(),
            why,
        })
    }
}

/// Sets a sysctl whose value is not known, unless it is higher already.
pub fn never_lower(key: &str, value: u64) -> String {
    let file = format!("/proc/sys/{}", key.replace('.', "/"));
    format!("[ \"$(cat {file})\" -ge {value} ] || echo {value} > {file}")
}

/// What is known of the node that commands are for.
#[derive(Clone, Copy, Debug)]
pub enum Site<'a> {
    /// Nothing: it was not looked at.
    Unseen,
    /// What it has, and where it was looked at from.
    Node(Option<&'a Environment>, &'a Vantage),
}

impl Raise {
    /// By nospace, which knows the memory, and by hand; neither lowers what the node has. `live` is the limit of the node where
    /// that is known.
    #[must_use]
    pub fn remedies(&self, site: &Site<'_>, live: Option<u64>) -> Vec<Remedy> {
        let Self { key, to, why } = self;
        if live.is_some_and(|live| live >= *to) {
            return Vec::new();
        }
        let tune = format!("nospace tune --apply --set {key}={to}");
        let undo = format!(
            "{why}; refuses what the memory cannot bear, `nospace tune --revert` undoes it"
        );
        let guest = match site {
            Site::Node(environment, vantage) => !may_write(*environment, vantage, key),
            Site::Unseen => false,
        };
        if guest {
            return vec![Remedy {
                command: format!("# on the host: {tune}"),
                why: undo,
            }];
        }
        vec![
            Remedy {
                command: tune,
                why: undo,
            },
            Remedy {
                command: never_lower(key, *to),
                why: "the same by hand, until the next boot".to_owned(),
            },
        ]
    }
}
