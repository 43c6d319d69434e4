//! A pod as the node's disk and cgroups show one, without a kubelet: its process takes all inotify instances of a uid that nobody else has. Each uid has a
//! budget of its own, so nothing of the host's has to be changed for real pressure, and nobody else is harmed.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;

use crate::node::Node;
use crate::nospace::Nospace;

/// The user who has used up all instances.
const UID: &str = "61234";
const CONTAINER: &str = "4f6c8d0a2b4c6e8f0a1b3c5d7e9f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b";
const HIERARCHIES: [&str; 3] = ["memory", "pids", "systemd"];

/// A pod that the API server has, in its cgroup.
pub struct Hog {
    name: String,
    uid: String,
    child: Option<Child>,
}

impl Hog {
    /// The pod, which takes nothing yet.
    pub fn create(node: &Node, name: &str) -> anyhow::Result<Self> {
        node.apply(&super::pods::plain(node, name))?;
        let uid = node.kubectl(&["get", "pod", name, "-o", "jsonpath={.metadata.uid}"])?;
        std::fs::create_dir_all(format!("/var/log/pods/default_{name}_{uid}/httpd"))?;
        let hog = Self {
            name: name.to_owned(),
            uid,
            child: None,
        };
        for directory in hog.cgroups() {
            std::fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
        }
        Ok(hog)
    }

    fn cgroups(&self) -> impl Iterator<Item = PathBuf> + use<> {
        let below = format!("kubepods/besteffort/pod{}/{CONTAINER}", self.uid);
        let directory =
            move |hierarchy: &str| PathBuf::from(format!("/sys/fs/cgroup/{hierarchy}/{below}"));
        HIERARCHIES.into_iter().map(directory)
    }

    /// Takes every instance of its uid.
    pub fn take_all(&mut self, nospace: &Nospace) -> anyhow::Result<()> {
        let enter: Vec<String> = self
            .cgroups()
            .map(|d| format!("echo $$ >{}/cgroup.procs && ", d.display()))
            .collect();
        let child = Command::new("sh")
            .arg("-c")
            .arg(format!("{}exec \"$@\"", enter.concat()))
            .arg("sh")
            .arg(nospace.path())
            .args([
                "exhaust",
                "instances",
                "--as-uid",
                UID,
                "--leave",
                "0",
                "--for",
                "10m",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("nospace exhaust")?;
        self.child = Some(child);
        Ok(())
    }

    /// Gives all back.
    pub fn give_back(&mut self) -> anyhow::Result<()> {
        if let Some(mut child) = self.child.take() {
            let pid = rustix::process::Pid::from_child(&child);
            rustix::process::kill_process(pid, rustix::process::Signal::INT)?;
            child.wait()?;
        }
        Ok(())
    }

    /// Removes the pod.
    pub fn delete(mut self, node: &Node) -> anyhow::Result<()> {
        self.give_back()?;
        node.kubectl(&["delete", "pod", &self.name, "--grace-period=0", "--force"])
            .map(drop)
    }
}

impl Drop for Hog {
    fn drop(&mut self) {
        // The cgroups go with the node.
        let _ = self.give_back();
    }
}
