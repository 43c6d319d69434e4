//! The accounts that the programs in a log are charged to: theirs are asked, never another user's.

use crate::managers::is_kubelet;
use crate::model::UserKey;
use crate::report::{Report, Speaker, Subject, User};
use crate::runtimes::{RUNTIMES, RuntimeDefinition, for_kubelet};

/// Who may have been refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accounts {
    /// Each program runs, or ran, as one of these.
    Known(Vec<Vec<UserKey>>),
    /// They may have been any user's.
    Any,
}

impl Accounts {
    /// The accounts of `programs`, by the processes of these names that run, else by what is known of the programs.
    #[must_use]
    pub fn of(programs: &[String], report: &Report) -> Self {
        let each: Vec<Vec<UserKey>> = programs.iter().map(|one| users(one, report)).collect();
        if each.is_empty() || each.iter().any(Vec::is_empty) {
            Self::Any
        } else {
            Self::Known(each)
        }
    }

    /// Whether their limits are known: users of a namespace that holds nothing have limits that are not read.
    #[must_use]
    pub fn have_limits(&self, report: &Report) -> bool {
        let listed = |key: &UserKey| report.users.iter().any(|user| user.key() == *key);
        match self {
            Self::Known(known) => {
                let mut keys = known.iter().flatten();
                keys.all(|key| key.is_initial() || listed(key))
            }
            Self::Any => true,
        }
    }

    /// Whether a budget of `subject` is one that they are charged to, or one above that; `None` where that is not known.
    #[must_use]
    pub fn include(&self, subject: &Subject, report: &Report) -> Option<bool> {
        let Self::Known(known) = self else {
            return None;
        };
        // What was read back has captions alone, which equal the things.
        let is_above = |key: &UserKey| {
            let mut chain = chain(*key, &report.users).into_iter();
            chain.any(|key| Subject::User(key) == *subject)
        };
        let mut perhaps = false;
        for keys in known {
            if keys.iter().all(is_above) {
                return Some(true);
            }
            perhaps |= keys.iter().any(is_above);
        }
        if perhaps { None } else { Some(false) }
    }
}

/// Everyone that a charge to `key` counts against, as far as the report knows.
fn chain(key: UserKey, users: &[User]) -> Vec<UserKey> {
    let mut chain = vec![key];
    let mut at = key;
    while let Some(next) = users
        .iter()
        .find(|user| user.key() == at)
        .and_then(|user| user.draws_on)
        .map(UserKey::from)
    {
        if chain.contains(&next) {
            break;
        }
        chain.push(next);
        at = next;
    }
    chain
}

/// Processes of `program`, of those that were seen.
pub fn running<'a>(program: &'a str, report: &'a Report) -> impl Iterator<Item = &'a Speaker> {
    let speakers = report.log_context.speakers.iter();
    speakers.filter(move |process| is_of(&process.comm, program))
}

fn users(program: &str, report: &Report) -> Vec<UserKey> {
    let running: Vec<UserKey> = running(program, report)
        .map(|process| process.user)
        .collect();
    if running.is_empty() && runs_as_root(program) {
        return vec![report.vantage.root()];
    }
    running
}

/// Whether a process of this name is of `program`; the kernel cuts names to 15 bytes.
#[must_use]
pub fn is_of(comm: &str, program: &str) -> bool {
    let kubelets = is_kubelet(program) || program == "cAdvisor";
    let of_runtime = |d: &&RuntimeDefinition| d.title == program && d.daemon == Some(comm);
    comm == program
        || comm.len() == 15 && program.starts_with(comm)
        || kubelets && is_kubelet(comm)
        || RUNTIMES.iter().any(of_runtime)
}

/// A program that runs as root on every node.
pub fn runs_as_root(program: &str) -> bool {
    let of_runtime = |d: &RuntimeDefinition| {
        d.daemon == Some(program) || d.title == program || d.monitor.program == program
    };
    ["cAdvisor", "systemd", "systemd-udevd", "runc", "kernel"].contains(&program)
        || is_kubelet(program)
        || for_kubelet().any(of_runtime)
}
