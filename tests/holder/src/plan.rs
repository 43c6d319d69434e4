//! What a holder is asked to hold.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Hold inotify instances and watches in a given way, until standard input closes.
#[derive(Clone, Debug, Parser)]
#[command(name = "nospace-holder")]
pub struct Plan {
    /// Instances with watches
    #[arg(long, default_value_t = 1)]
    pub instances: u32,
    /// Watches in each of them; all watch the same files
    #[arg(long, default_value_t = 0)]
    pub watches: usize,
    /// Instances without watches
    #[arg(long, default_value_t = 0)]
    pub empty: u32,
    /// Directory of the files to watch
    #[arg(long, default_value = "/proc/sys/kernel")]
    pub files: PathBuf,
    /// How the instances with watches are held
    #[arg(long, value_enum, default_value_t = Share::Plain)]
    pub share: Share,
    /// Processes, descriptors or threads more that hold them
    #[arg(long, default_value_t = 2)]
    pub copies: u32,
    /// Live in a new user namespace whose root is this uid of the present one
    #[arg(long, value_name = "UID")]
    pub user_namespace: Option<u32>,
    /// Live in a new pid namespace, as its first process, with a mount namespace and a /proc of its own
    #[arg(long)]
    pub pid_namespace: bool,
    /// Mount a /proc of its own first: what the first process of a new pid namespace is told
    #[arg(long, hide = true)]
    pub own_proc: bool,
    /// Become this uid before anything is made
    #[arg(long)]
    pub uid: Option<u32>,
    /// Open so many descriptors of /dev/null as well, or as many as may be
    #[arg(long, default_value_t = 0)]
    pub descriptors: u32,
    /// Name of the process, as bytes
    #[arg(long)]
    pub comm: Option<OsString>,
    /// Working directory
    #[arg(long)]
    pub cwd: Option<PathBuf>,
    /// Flags of a kubelet, for one that plays a kubelet: they only stand in its command line
    #[arg(long)]
    pod_manifest_path: Option<PathBuf>,
    #[arg(long)]
    client_ca_file: Option<PathBuf>,
    #[arg(long)]
    rotate_server_certificates: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self::parse_from(["nospace-holder"])
    }
}

/// How instances are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Share {
    /// By one descriptor of one process.
    Plain,
    /// By children that inherited the descriptor.
    Forked,
    /// By several descriptors of one process.
    Duplicated,
    /// By one process with several threads.
    Threads,
    /// By another process alone, which got the descriptors over a unix socket.
    Passed,
}
