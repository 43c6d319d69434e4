//! Options of one source each.

use std::path::PathBuf;

use clap::Args;
use hyper::Uri;

use crate::cluster::{Server, debug};

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

/// Help heading: the server of `--via prometheus=URL`.
const PROMETHEUS: &str = "Prometheus of --via prometheus=URL";

/// How the server of `--via prometheus=URL` is asked.
#[derive(Args, Debug)]
pub struct PrometheusArgs {
    /// File with a bearer token
    #[arg(long = "prometheus-token-file", value_name = "FILE", conflicts_with = "basic_auth_file", help_heading = PROMETHEUS)]
    token_file: Option<PathBuf>,
    /// File with user:password
    #[arg(long = "prometheus-basic-auth-file", value_name = "FILE", help_heading = PROMETHEUS)]
    basic_auth_file: Option<PathBuf>,
    /// Certificates of authorities to trust, instead of the system's
    #[arg(long = "prometheus-ca", value_name = "FILE", help_heading = PROMETHEUS)]
    ca: Option<PathBuf>,
    /// Certificate of this client
    #[arg(long = "prometheus-cert", value_name = "FILE", requires = "key", help_heading = PROMETHEUS)]
    cert: Option<PathBuf>,
    /// Its key
    #[arg(long = "prometheus-key", value_name = "FILE", requires = "cert", help_heading = PROMETHEUS)]
    key: Option<PathBuf>,
    /// Tenant of Thanos, Mimir or Cortex (X-Scope-OrgID)
    #[arg(long = "prometheus-tenant", value_name = "NAME", help_heading = PROMETHEUS)]
    tenant: Option<String>,
    /// Only series with these labels, where Prometheus has several clusters: 'cluster="prod"'
    #[arg(long = "prometheus-match", value_name = "MATCHERS", help_heading = PROMETHEUS)]
    matchers: Option<String>,
}

impl PrometheusArgs {
    /// At this address.
    pub fn server(&self, url: &Uri) -> Server {
        Server {
            url: url.clone(),
            token_file: self.token_file.clone(),
            basic_auth_file: self.basic_auth_file.clone(),
            ca: self.ca.clone(),
            cert: self.cert.clone(),
            key: self.key.clone(),
            tenant: self.tenant.clone(),
            matchers: self.matchers.clone(),
        }
    }
}
