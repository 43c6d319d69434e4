//! Where the API server is, and the credentials for it.

use std::env;
use std::ffi::OsString;

use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig};

/// How to reach an API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// The files named by `KUBECONFIG`.
    Kubeconfig(OsString),
    /// The pod's service account.
    InCluster,
    /// There is no way.
    None,
}

impl Access {
    /// `KUBECONFIG` if set, else the service account of a pod.
    #[must_use]
    pub fn find() -> Self {
        let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        match set("KUBECONFIG") {
            Some(paths) => Self::Kubeconfig(paths),
            None if set("KUBERNETES_SERVICE_HOST").is_some() => Self::InCluster,
            None => Self::None,
        }
    }

    /// Reads the files again, since certificates are rotated. Nothing is sent.
    ///
    /// # Errors
    ///
    /// A file cannot be read or parsed, or there is no way.
    pub async fn config(&self) -> anyhow::Result<Config> {
        let mut config = match self {
            Self::Kubeconfig(paths) => {
                let mut all = Kubeconfig::default();
                for path in env::split_paths(paths).filter(|p| !p.as_os_str().is_empty()) {
                    all = all.merge(Kubeconfig::read_from(path)?)?;
                }
                Config::from_custom_kubeconfig(all, &KubeConfigOptions::default()).await?
            }
            Self::InCluster => Config::incluster()?,
            Self::None => anyhow::bail!("KUBECONFIG is not set and there is no service account"),
        };
        // Its retries would send outdated conditions, and would not be counted.
        config.default_retry = false;
        Ok(config)
    }
}
