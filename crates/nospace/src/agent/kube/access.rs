//! Where the API server is, and who we are to it.

use std::env;
use std::ffi::OsString;

use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig};

/// What there is to reach an API server with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// The files that `KUBECONFIG` names.
    Kubeconfig(OsString),
    /// A pod's service account.
    InCluster,
    /// Nothing.
    None,
}

impl Access {
    /// `KUBECONFIG` where somebody set it, else what every pod is given.
    #[must_use]
    pub fn find() -> Self {
        let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        match set("KUBECONFIG") {
            Some(paths) => Self::Kubeconfig(paths),
            None if set("KUBERNETES_SERVICE_HOST").is_some() => Self::InCluster,
            None => Self::None,
        }
    }

    /// Reads the files anew, which rotated certificates ask for. Nothing is sent.
    ///
    /// # Errors
    ///
    /// A file cannot be read or understood; there is nothing.
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
            Self::None => anyhow::bail!("neither KUBECONFIG nor a service account is there"),
        };
        // It would retry unseen, and without regard to what has changed since.
        config.default_retry = false;
        Ok(config)
    }
}
