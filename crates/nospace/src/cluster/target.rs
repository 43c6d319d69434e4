use std::env;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig};

/// Which cluster, and as whom.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// `--kubeconfig`; else `KUBECONFIG`, else ~/.kube/config, else the service account of a pod.
    pub kubeconfig: Option<PathBuf>,
    /// The context; else the current one.
    pub context: Option<String>,
    /// The user to impersonate.
    pub as_user: Option<String>,
    /// The groups to impersonate.
    pub as_groups: Vec<String>,
}

impl Target {
    /// Reads the files that say how to reach the API server, and the name of the context. Nothing is sent.
    ///
    /// # Errors
    ///
    /// A file cannot be read or used, or nothing says where a cluster is.
    pub async fn config(&self) -> anyhow::Result<(Config, Option<String>)> {
        let (mut config, context) = match self.kubeconfig()? {
            Some(file) => {
                let context = self
                    .context
                    .clone()
                    .or_else(|| file.current_context.clone());
                let options = KubeConfigOptions {
                    context: self.context.clone(),
                    ..KubeConfigOptions::default()
                };
                let config = Config::from_custom_kubeconfig(file, &options);
                (config.await.context("cannot use the kubeconfig")?, context)
            }
            None if env::var_os("KUBERNETES_SERVICE_HOST").is_some() && self.context.is_none() => (
                Config::incluster().context("cannot use the service account of this pod")?,
                None,
            ),
            None => bail!(
                "no kubeconfig: give --kubeconfig, set KUBECONFIG, or run in a pod with a service account"
            ),
        };
        if self.as_user.is_some() {
            config.auth_info.impersonate.clone_from(&self.as_user);
        }
        if !self.as_groups.is_empty() {
            config.auth_info.impersonate_groups = Some(self.as_groups.clone());
        }
        // `Cluster` retries itself, and bounds how long it waits.
        config.default_retry = false;
        config.connect_timeout = Some(Duration::from_secs(10));
        Ok((config, context))
    }

    fn kubeconfig(&self) -> anyhow::Result<Option<Kubeconfig>> {
        let set = env::var_os("KUBECONFIG").filter(|value| !value.is_empty());
        let paths = match (&self.kubeconfig, &set) {
            (Some(path), _) => vec![path.clone()],
            (None, Some(paths)) => env::split_paths(paths)
                .filter(|path| !path.as_os_str().is_empty())
                .collect(),
            (None, None) => {
                let home = env::var_os("HOME").filter(|home| !home.is_empty());
                let file = home.map(|home| PathBuf::from(home).join(".kube/config"));
                file.filter(|file| file.exists()).into_iter().collect()
            }
        };
        let mut all: Option<Kubeconfig> = None;
        for path in paths {
            let file = Kubeconfig::read_from(&path).map_err(|error| {
                let why = without_content(&error.to_string());
                anyhow::anyhow!("cannot read the kubeconfig {}: {why}", path.display())
            })?;
            all = Some(match all {
                None => file,
                Some(before) => before
                    .merge(file)
                    .with_context(|| format!("cannot merge the kubeconfig {}", path.display()))?,
            });
        }
        Ok(all)
    }
}

/// An error without what a parser quotes of the file: the lines around it may hold credentials.
fn without_content(error: &str) -> String {
    let first = error.lines().next().unwrap_or_default();
    match (first.contains("YAML"), first.find(['"', '`'])) {
        (true, Some(quote)) => first[..quote].trim_end().to_owned(),
        _ => first.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_kubeconfig_is_not_quoted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config");
        for text in [
            "apiVersion: v1\nusers: \"SECRET\"\n",
            "users:\n- name: u\n  user: {token: [SECRET]}\n",
            "users:\n- name: u\n  user: {token: SECRET\n",
        ] {
            std::fs::write(&path, text).unwrap();
            let target = Target {
                kubeconfig: Some(path.clone()),
                ..Target::default()
            };
            let said = format!("{:#}", target.kubeconfig().unwrap_err());
            assert!(!said.contains("SECRET"), "{said}");
            assert!(said.contains("YAML"), "{said}");
        }
    }
}
