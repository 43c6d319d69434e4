//! Options of one source each.

use clap::Args;

use crate::cluster::debug;

/// Help heading: the pods of `--via debug`.
const DEBUG: &str = "Pods of --via debug";

/// What the pods of `--via debug` are like.
#[derive(Args, Debug)]
pub struct DebugArgs {
    /// Image of the pods
    #[arg(long, value_name = "IMAGE", default_value = concat!("localhost/nospace:", env!("CARGO_PKG_VERSION")), help_heading = DEBUG)]
    image: String,
    /// Secret of the namespace to pull the image with; can be repeated
    #[arg(long = "pull-secret", value_name = "NAME", help_heading = DEBUG)]
    pull_secrets: Vec<String>,
    /// Run the pods privileged, for nodes on which their few capabilities do not suffice (SELinux)
    #[arg(long, help_heading = DEBUG)]
    privileged: bool,
}

impl DebugArgs {
    /// For pods of this namespace.
    pub fn options(&self, namespace: Option<&str>) -> debug::Options {
        debug::Options {
            namespace: namespace.unwrap_or("default").to_owned(),
            image: self.image.clone(),
            pull_secrets: self.pull_secrets.clone(),
            privileged: self.privileged,
        }
    }
}
