//! How things are done where a log comes from: each kind of node or machine has its own way to raise a sysctl, and its own
//! names for what has to be restarted.
//!
//! `check` looks at a node and knows. `explain` may have only a log of another one: [`spoken_by`] finds in its lines which
//! kind of machine it seems to be from. One table, [`PLACES`]; what managers and platforms know is taken from there.

mod sysctl;
mod table;

#[cfg(test)]
mod tests;

use sysctl::Sysctl;

use crate::managers::{MANAGERS, Manager, Restart, restart_service};
use crate::platforms::{self, MaxUserWatches, Persistence};
use crate::report::Remedy;
use crate::shell::quote;

pub use table::PLACES;

/// A kind of node or machine that a log's lines show.
#[derive(Debug)]
pub struct HowTo {
    /// What it is called.
    pub title: &'static str,
    /// Programs that exist only there, by the log's tag.
    programs: &'static [&'static str],
    /// What its hosts are called: `*` is anything, `?` one of the capital letters and digits that Windows makes names of.
    hosts: &'static [&'static str],
    /// Paths and words that only its lines have.
    words: &'static [&'static str],
    /// Who manages its nodes: the title of one of [`MANAGERS`].
    manager: Option<&'static str>,
    /// Where its limits and its document for sysctls are: the name of one of [`platforms::PLATFORMS`].
    platform: Option<&'static str>,
    sysctl: Sysctl,
    /// Restarts the kubelet, where no manager says how.
    restart: Option<&'static str>,
}

/// Who speaks in a log, and by what that was recognised.
#[derive(Clone, Copy, Debug)]
pub struct Speaker<'a> {
    /// Who starts the kubelet there.
    pub how: &'static HowTo,
    /// The program, host or word.
    pub by: &'a str,
    /// The host, where the log is of one alone.
    host: Option<&'a str>,
    /// Where the kernel is not simply that of the node, and by what that was recognised: K3s may run in WSL2 or in a guest.
    kernel: Option<(&'static HowTo, &'a str)>,
}

/// Who speaks in a log with these programs, hosts and texts. A program is the best sign, then a path or word, then what
/// all hosts are called; of several the first in the table.
#[must_use]
pub fn spoken_by<'a>(
    programs: &'a [String],
    hosts: &'a [String],
    texts: &[&'a str],
) -> Option<Speaker<'a>> {
    let by_program = PLACES.iter().filter_map(|how| {
        let own = |p: &&String| how.programs.contains(&p.as_str());
        Some((how, programs.iter().find(own)?.as_str()))
    });
    let by_word = PLACES.iter().filter_map(|how| {
        let at = |text: &&'a str| how.words.iter().find_map(|word| part(text, word));
        Some((how, texts.iter().find_map(at)?))
    });
    let by_host = PLACES.iter().filter_map(|how| {
        let own = |host: &String| how.hosts.iter().any(|name| is_named(host, name));
        let first = hosts.first().filter(|_| hosts.iter().all(own))?;
        Some((how, first.as_str()))
    });
    let mut signs = by_program.chain(by_word).chain(by_host);
    let (how, by) = signs.next()?;
    let mut all = std::iter::once((how, by)).chain(signs);
    Some(Speaker {
        how,
        by,
        host: match hosts {
            [host] => Some(host),
            _ => None,
        },
        kernel: all.find(|(how, _)| !matches!(how.sysctl, Sysctl::Usual)),
    })
}

fn part<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let at = text.find(word)?;
    Some(&text[at..at + word.len()])
}

fn is_named(host: &str, name: &str) -> bool {
    let is_one = |(host, name): (u8, u8)| match name {
        b'?' => host.is_ascii_uppercase() || host.is_ascii_digit(),
        _ => host == name,
    };
    match name.strip_suffix('*') {
        Some(start) => host.starts_with(start),
        None => host.len() == name.len() && host.bytes().zip(name.bytes()).all(is_one),
    }
}

impl HowTo {
    /// Raises `key` to `value` or more there, for good where that can be said; `None` where it is done as on any Linux.
    #[must_use]
    pub fn raise(&self, key: &str, value: u64) -> Option<Vec<Remedy>> {
        let value = self
            .known(key)
            .map_or(value, |known| value.max(known.saturating_mul(2)));
        self.sysctl.raise(self.persistence(), key, value)
    }

    /// What `key` is there by default: nobody wants less.
    fn known(&self, key: &str) -> Option<u64> {
        let limits = platforms::find(self.platform?)?.limits.as_ref()?;
        match (key, limits.max_user_watches) {
            ("fs.inotify.max_user_instances", _) => Some(limits.max_user_instances),
            ("fs.inotify.max_user_watches", MaxUserWatches::Fixed(watches)) => Some(watches),
            _ => None,
        }
    }

    fn persistence(&self) -> Option<&'static Persistence> {
        Some(&platforms::find(self.platform?)?.os.as_ref()?.persistence)
    }

    fn manager(&self) -> Option<&'static Manager> {
        let title = self.manager?;
        MANAGERS.into_iter().find(|manager| manager.title == title)
    }

    /// Restarts the kubelet of `host`, by the service that `program` shows; `None` where it has none of its own.
    #[must_use]
    pub fn restart_kubelet(&self, host: Option<&str>, program: Option<&str>) -> Option<String> {
        if let Some(command) = self.restart {
            return Some(command.to_owned());
        }
        self.command(&self.manager()?.restart_kubelet, host, program)
    }

    /// Restarts the container runtime that comes with it; `None` where that is a service of its own.
    #[must_use]
    pub fn restart_runtime(&self, host: Option<&str>, program: Option<&str>) -> Option<String> {
        self.command(self.manager()?.restart_runtime.as_ref()?, host, program)
    }

    fn command(
        &self,
        restart: &Restart,
        host: Option<&str>,
        program: Option<&str>,
    ) -> Option<String> {
        let services = self.manager().map_or(&[][..], |manager| manager.services);
        match (restart, services) {
            (Restart::Command(command), _) => Some((*command).to_owned()),
            (Restart::Inside(command), _) => {
                let node = host.map_or_else(|| Some("NODE".to_owned()), quote)?;
                Some(format!("docker exec {node} {command}"))
            }
            (Restart::Service, [server, agent]) => {
                if program == Some(*agent) {
                    return restart_service(agent);
                }
                let command = restart_service(server)?;
                // Both log as the program that they are, which has one name.
                let is_server = |p: &str| p.ends_with("-server") || p.ends_with("controller");
                Some(match program.is_some_and(is_server) {
                    true => command,
                    false => {
                        let other = if agent.ends_with("worker") {
                            "a worker"
                        } else {
                            "an agent"
                        };
                        format!("{command}  # on {other}: {agent}")
                    }
                })
            }
            (Restart::Service, services) => restart_service(services.first()?),
            (Restart::OtherService(service), _) => restart_service(service),
        }
    }
}

impl Speaker<'_> {
    /// Raises `key` to `value` there; `None` where it is done as on any Linux.
    #[must_use]
    pub fn raise(&self, key: &str, value: u64) -> Option<Vec<Remedy>> {
        let (how, by) = self.kernel?;
        let mut remedies = how.raise(key, value)?;
        if let Some(first) = remedies.first_mut() {
            first.why = format!(
                "the log seems to be from {} (\"{by}\"): {}",
                how.title, first.why
            );
        }
        Some(remedies)
    }

    /// Restarts its kubelet.
    #[must_use]
    pub fn restart_kubelet(&self) -> Option<String> {
        self.how.restart_kubelet(self.host, Some(self.by))
    }

    /// Restarts its container runtime.
    #[must_use]
    pub fn restart_runtime(&self) -> Option<String> {
        self.how.restart_runtime(self.host, Some(self.by))
    }
}

/// The section of a cause's page that says how each kind of machine raises `settings`, in Markdown.
#[must_use]
pub fn section(settings: &[(&str, u64)]) -> Option<String> {
    if settings.is_empty() {
        return None;
    }
    let mut text = "## How to fix, by platform\n".to_owned();
    for how in PLACES {
        let restart = how.restart_kubelet(None, None);
        let steps: Vec<Remedy> = settings
            .iter()
            .filter_map(|(key, value)| how.raise(key, *value))
            .flatten()
            .collect();
        if steps.is_empty() && restart.is_none() {
            continue;
        }
        text.push_str(&format!("\n### {}\n\n", how.title));
        if steps.is_empty() {
            text.push_str("As above, on the node.\n\n");
        }
        let steps = steps
            .iter()
            .map(|step| (sentence(&step.why), step.command.as_str()));
        let restart = restart
            .as_deref()
            .map(|command| ("If the kubelet died".to_owned(), command));
        let all: Vec<String> = steps
            .chain(restart)
            .map(|(why, command)| format!("{why}:\n\n```\n{command}\n```\n"))
            .collect();
        text.push_str(&all.join("\n"));
    }
    Some(text)
}

fn sentence(why: &str) -> String {
    let mut letters = why.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
