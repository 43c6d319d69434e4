//! The ways to raise a sysctl.

use crate::documents::DOCUMENT_DROP_IN;
use crate::limits::never_lower;
use crate::platforms::Persistence;
use crate::report::Remedy;
use crate::shell::quote;
use crate::tune::formats;

/// How a sysctl is raised somewhere.
#[derive(Debug)]
pub enum Sysctl {
    /// As on any Linux.
    Usual,
    /// As on any Linux, but on the machine that the name says: the kernel is that one's.
    On(&'static str),
    /// By the platform's own document.
    Document,
    /// By a command in a shell; then how it is made to last.
    Command {
        now: Shell,
        lasts: fn(&str, u64) -> Option<Remedy>,
    },
}

/// Where a command is run.
#[derive(Debug)]
pub enum Shell {
    /// Where the log is from.
    There,
    /// In the shell of a user who may use sudo(8); `{}` stands for the quoted command.
    User(&'static str),
    /// In a shell of root.
    Root(&'static str),
}

impl Sysctl {
    /// Raises `key` to `value`; `None` where it is done as on any Linux.
    pub fn raise(
        &self,
        persistence: Option<&Persistence>,
        key: &str,
        value: u64,
    ) -> Option<Vec<Remedy>> {
        match self {
            Self::Usual => None,
            Self::On(machine) => Some(vec![Remedy {
                command: format!("# on {machine}: nospace tune --apply --set {key}={value}"),
                why: format!("the kernel is that of {machine}"),
            }]),
            Self::Document => Some(vec![by_document(persistence?, key, value)]),
            Self::Command { now, lasts } => {
                let now = Remedy {
                    command: now.raise(key, value)?,
                    why: "takes effect at once, until the next start".to_owned(),
                };
                Some(std::iter::once(now).chain(lasts(key, value)).collect())
            }
        }
    }
}

impl Shell {
    fn raise(&self, key: &str, value: u64) -> Option<String> {
        let file = format!("/proc/sys/{}", key.replace('.', "/"));
        let by_user = format!("[ \"$(cat {file})\" -ge {value} ] || sudo sysctl -w {key}={value}");
        match self {
            Self::There => Some(by_user),
            Self::User(line) => Some(line.replace("{}", &quote(&by_user)?)),
            Self::Root(line) => Some(line.replace("{}", &quote(&never_lower(key, value))?)),
        }
    }
}

/// The platform's document, and the command that takes it.
fn by_document(persistence: &Persistence, key: &str, value: u64) -> Remedy {
    let print = print(&(persistence.document)(&[(key, value)]));
    Remedy {
        command: match persistence.apply {
            Some(apply) => format!("{print} | {apply}"),
            None => print,
        },
        why: persistence.advice.to_owned(),
    }
}

/// Prints a document, in one line to paste: printf(1) puts its newlines back. No document holds a backslash or a percent sign.
fn print(document: &str) -> String {
    let text = document.replace('\'', "'\\''").replace('\n', "\\n");
    format!("printf '{text}'")
}

/// In the file that one of tune's formats is, where the platform takes this key and value; else in a DaemonSet.
fn in_file(format: &str, place: &str, key: &str, value: u64) -> Option<Remedy> {
    let format = formats::format(format)?;
    Some(match format.takes(key, value) {
        Some(value) => Remedy {
            command: format!("{} > FILE", print(&(format.document)(&[(key, value)]))),
            why: place.to_owned(),
        },
        None => Remedy {
            command: never_lower(key, value),
            why: format!(
                "{} does not take it: have a privileged DaemonSet run this when a node starts",
                format.title
            ),
        },
    })
}

/// GKE: the node system configuration of a pool.
pub fn gke(key: &str, value: u64) -> Option<Remedy> {
    let place = "then `gcloud container node-pools update POOL --cluster CLUSTER --system-config-from-file FILE`, which creates the pool's nodes anew and replaces its configuration: add what that has already";
    in_file("gke", place, key, value)
}

/// AKS: the operating system of a new pool.
pub fn aks(key: &str, value: u64) -> Option<Remedy> {
    let place = "then `az aks nodepool add --cluster-name CLUSTER -g GROUP --name POOL --linux-os-config FILE`: only a new node pool takes it";
    in_file("aks", place, key, value)
}

/// EKS: the user data of new nodes.
pub fn eks(key: &str, value: u64) -> Option<Remedy> {
    Some(Remedy {
        command: format!(
            "echo '{key} = {value}' >> {DOCUMENT_DROP_IN} && sysctl -p {DOCUMENT_DROP_IN}"
        ),
        why:
            "with Amazon Linux, in the user data of the node group's launch template: for new nodes"
                .to_owned(),
    })
}

/// minikube: a script that its virtual machine runs at each start.
pub fn minikube(key: &str, value: u64) -> Option<Remedy> {
    let line = quote(&never_lower(key, value))?;
    let add = format!("echo {line} | sudo tee -a /var/lib/boot2docker/bootlocal.sh");
    Some(Remedy {
        command: format!("minikube ssh {}", quote(&add)?),
        why: "minikube's virtual machine runs this script at each start; with the docker, podman or none driver there is no virtual machine: raise it on the host".to_owned(),
    })
}

/// WSL2: the kernel's command line.
pub fn wsl(key: &str, value: u64) -> Option<Remedy> {
    Some(wslconfig(
        key,
        value,
        "add this to %UserProfile%\\.wslconfig (one line kernelCommandLine for all keys), then run `wsl --shutdown`; all distributions share one kernel",
    ))
}

/// Docker Desktop: WSL2's, on Windows.
pub fn docker_desktop(key: &str, value: u64) -> Option<Remedy> {
    Some(wslconfig(
        key,
        value,
        "on Windows with the WSL2 engine, add this to %UserProfile%\\.wslconfig (one line kernelCommandLine for all keys), then run `wsl --shutdown`; elsewhere repeat the command above after each start of Docker Desktop",
    ))
}

/// `sysctl.*` on the kernel's command line is Linux' own since 5.8.
fn wslconfig(key: &str, value: u64, why: &str) -> Remedy {
    Remedy {
        command: format!("printf '[wsl2]\\nkernelCommandLine = sysctl.{key}={value}\\n'"),
        why: why.to_owned(),
    }
}
