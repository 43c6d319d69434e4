//! How things are done where a log comes from: each kind of node or machine has its own way to raise a sysctl, and its own
//! names for what has to be restarted.
//!
//! `check` looks at a node and knows. `explain` may have only a log of another one: [`spoken_by`] finds in its lines who
//! speaks. One table, [`PLACES`]; what managers and platforms know is taken from there.

mod table;

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
    /// How its hosts are called: a name, or with `*` at one end.
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

/// How a sysctl is raised somewhere.
#[derive(Debug)]
enum Sysctl {
    /// As on any Linux.
    Usual,
    /// As on any Linux, but on the machine that the name says: the kernel is that one's.
    On(&'static str),
    /// By the platform's own document.
    Document,
    /// By a shell command, which `now` hands over quoted for `{}`; then how it is made to last.
    Command {
        now: &'static str,
        lasts: fn(&str, u64) -> Remedy,
    },
}

/// Who speaks in a log, and by what that was recognised.
#[derive(Clone, Copy, Debug)]
pub struct Speaker<'a> {
    /// What is known of it.
    pub how: &'static HowTo,
    /// The program, host or word.
    pub by: &'a str,
    /// The host, where the log names it.
    host: Option<&'a str>,
}

/// Who speaks in a log with these programs, hosts and texts. The first of the table that fits: a program is the
/// best sign, then a path or word, then a host's name.
#[must_use]
pub fn spoken_by<'a>(
    programs: &'a [String],
    hosts: &'a [String],
    texts: &[&'a str],
) -> Option<Speaker<'a>> {
    let host = hosts.first().map(String::as_str);
    let found = |how: &'static HowTo, by: &'a str| Speaker { how, by, host };
    let by_program = || {
        PLACES.iter().find_map(|how| {
            let own = |p: &&String| how.programs.contains(&p.as_str());
            Some(found(how, programs.iter().find(own)?))
        })
    };
    let by_word = || {
        PLACES.iter().find_map(|how| {
            let at = |text: &&'a str| how.words.iter().find_map(|word| part(text, word));
            Some(found(how, texts.iter().find_map(at)?))
        })
    };
    let by_host = || {
        PLACES.iter().find_map(|how| {
            let own = |host: &&String| how.hosts.iter().any(|name| is_named(host, name));
            Some(found(how, hosts.iter().find(own)?))
        })
    };
    by_program().or_else(by_word).or_else(by_host)
}

fn part<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let at = text.find(word)?;
    Some(&text[at..at + word.len()])
}

fn is_named(host: &str, name: &str) -> bool {
    match (name.strip_prefix('*'), name.strip_suffix('*')) {
        (Some(end), _) => host.ends_with(end),
        (_, Some(start)) => host.starts_with(start),
        _ => host == name,
    }
}

impl HowTo {
    /// Raises `key` to `value` or more there, for good where that can be said; `None` where it is done as on any Linux.
    #[must_use]
    pub fn raise(&self, key: &str, value: u64) -> Option<Vec<Remedy>> {
        let value = self
            .known(key)
            .map_or(value, |known| value.max(known.saturating_mul(2)));
        match &self.sysctl {
            Sysctl::Usual => None,
            Sysctl::On(machine) => Some(vec![Remedy {
                command: format!("# on {machine}: nospace tune --apply --set {key}={value}"),
                why: format!("the kernel is that of {machine}"),
            }]),
            Sysctl::Document => {
                let persistence = self.persistence()?;
                Some(vec![by_document(persistence, key, value)])
            }
            Sysctl::Command { now, lasts } => {
                let file = format!("/proc/sys/{}", key.replace('.', "/"));
                let raise =
                    format!("[ \"$(cat {file})\" -ge {value} ] || sudo sysctl -w {key}={value}");
                let raise = if now.contains("sudo") || now.contains("ssh") {
                    raise
                } else {
                    raise.replace("sudo ", "")
                };
                Some(vec![
                    Remedy {
                        command: now.replace("{}", &quote(&raise)?),
                        why: "takes effect at once, until the next start".to_owned(),
                    },
                    lasts(key, value),
                ])
            }
        }
    }

    /// What `key` is there as it comes: nobody wants less.
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

    /// Restarts the kubelet of `host`; `None` where it has none of its own.
    #[must_use]
    pub fn restart_kubelet(&self, host: Option<&str>, program: Option<&str>) -> Option<String> {
        if let Some(command) = self.restart {
            return Some(command.to_owned());
        }
        restart(&self.manager()?.restart_kubelet, host, program)
    }

    /// Restarts the container runtime that comes with it; `None` where that is a service of its own.
    #[must_use]
    pub fn restart_runtime(&self, host: Option<&str>, program: Option<&str>) -> Option<String> {
        restart(self.manager()?.restart_runtime.as_ref()?, host, program)
    }
}

impl Speaker<'_> {
    /// Raises `key` to `value` there; `None` where it is done as on any Linux.
    #[must_use]
    pub fn raise(&self, key: &str, value: u64) -> Option<Vec<Remedy>> {
        let mut remedies = self.how.raise(key, value)?;
        if let Some(first) = remedies.first_mut() {
            first.why = format!(
                "the log is from {} (\"{}\"): {}",
                self.how.title, self.by, first.why
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

/// The document, in one line to paste: printf(1) puts its newlines back. No document holds a backslash or a percent sign.
fn by_document(persistence: &Persistence, key: &str, value: u64) -> Remedy {
    let document = (persistence.document)(&[(key, value)]);
    let document = format!("'{}'", document.replace('\'', "'\\''").replace('\n', "\\n"));
    let command = match persistence.apply {
        Some(apply) => format!("printf {document} | {apply}"),
        None => format!("printf {document}"),
    };
    Remedy {
        command,
        why: persistence.advice.to_owned(),
    }
}

/// `program` is the service that speaks, which may be another than the usual one: `k3s-agent` and not `k3s`.
fn restart(restart: &Restart, host: Option<&str>, program: Option<&str>) -> Option<String> {
    match restart {
        Restart::Service(usual) => {
            let own = program.filter(|p| p.starts_with(usual.split('-').next().unwrap_or(usual)));
            let is_service =
                |p: &&str| *p == *usual || p.ends_with("-agent") || p.ends_with("-server");
            restart_service(own.filter(is_service).unwrap_or(usual))
        }
        Restart::OtherService(service) => restart_service(service),
        Restart::Command(command) => Some((*command).to_owned()),
        Restart::Inside(command) => {
            let node = host.map_or_else(|| Some("NODE".to_owned()), quote)?;
            Some(format!("docker exec {node} {command}"))
        }
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
            text.push_str("The usual way, on the node.\n\n");
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

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(list: &[&str]) -> Vec<String> {
        list.iter().map(|s| (*s).to_owned()).collect()
    }

    #[test]
    fn programs_words_and_hosts_tell_who_speaks() {
        for (program, host, text, title) in [
            ("k3s", "node1", "", "K3s"),
            ("rke2-agent", "node1", "", "RKE2"),
            ("microk8s.daemon-kubelite", "n", "", "MicroK8s"),
            ("kubelet", "kind-control-plane", "", "kind"),
            ("kubelet", "minikube", "", "minikube"),
            ("kubelet", "gke-prod-pool-1-4d5c", "", "GKE"),
            ("kubelet", "aks-nodepool1-123-vmss000001", "", "AKS"),
            (
                "kubelet",
                "ip-10-0-1-2.eu-west-1.compute.internal",
                "",
                "EKS",
            ),
            ("kubelet", "talos-abc-def", "", "Talos"),
            ("node", "pc", "watch /mnt/c/Users/joe/app", "WSL2"),
            ("app", "docker-desktop", "", "Docker Desktop"),
            (
                "tail",
                "ct1",
                "/lxc.payload.web/system.slice",
                "LXC, LXD and Incus",
            ),
        ] {
            let (programs, hosts) = (owned(&[program]), owned(&[host]));
            let speaker = spoken_by(&programs, &hosts, &[text]);
            assert_eq!(
                speaker.map(|s| s.how.title),
                Some(title),
                "{program} on {host}: {text}"
            );
        }
        assert!(spoken_by(&owned(&["kubelet"]), &owned(&["node1"]), &["x"]).is_none());
    }

    #[test]
    fn what_is_restarted_has_the_name_that_it_has_there() {
        let restart = |program: &str, host: &str| {
            let (programs, hosts) = (owned(&[program]), owned(&[host]));
            spoken_by(&programs, &hosts, &[]).and_then(|s| s.restart_kubelet())
        };
        assert_eq!(
            restart("k3s-agent", "n").unwrap(),
            "systemctl restart k3s-agent"
        );
        assert_eq!(restart("k3s", "n").unwrap(), "systemctl restart k3s");
        assert_eq!(
            restart("rke2-server", "n").unwrap(),
            "systemctl restart rke2-server"
        );
        assert_eq!(
            restart("kubelet", "kind-worker").unwrap(),
            "docker exec kind-worker systemctl restart kubelet"
        );
        assert_eq!(
            restart("kubelet", "talos-1-2").unwrap(),
            "talosctl service kubelet restart"
        );
    }

    #[test]
    fn every_way_names_the_setting() {
        for how in PLACES {
            for remedy in how
                .raise("fs.inotify.max_user_watches", 524_288)
                .into_iter()
                .flatten()
            {
                let text = format!("{} {}", remedy.command, remedy.why);
                let value = how
                    .known("fs.inotify.max_user_watches")
                    .map_or(524_288, |k| k * 2);
                assert!(
                    text.contains(&value.max(524_288).to_string()),
                    "{}: {text}",
                    how.title
                );
            }
        }
    }

    #[test]
    fn every_name_is_known_where_it_belongs() {
        for how in PLACES {
            assert_eq!(
                how.manager.is_some(),
                how.manager().is_some(),
                "{}",
                how.title
            );
            let platform = how.platform.map(platforms::find);
            assert!(platform.is_none_or(|p| p.is_some()), "{}", how.title);
            assert!(!matches!(how.sysctl, Sysctl::Document) || how.persistence().is_some());
        }
    }

    #[test]
    fn nothing_is_lowered() {
        for how in PLACES {
            for remedy in how
                .raise("fs.inotify.max_user_instances", 300)
                .into_iter()
                .flatten()
            {
                let known = how.known("fs.inotify.max_user_instances").unwrap_or(0);
                let text = format!("{} {}", remedy.command, remedy.why);
                let values = text.split(|c: char| !c.is_ascii_digit());
                let least = values
                    .filter_map(|v| v.parse::<u64>().ok())
                    .filter(|v| *v >= 300);
                assert!(
                    least.min().is_none_or(|v| v > known),
                    "{}: {text}",
                    how.title
                );
            }
        }
    }
}
