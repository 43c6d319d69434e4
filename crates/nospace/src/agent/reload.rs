//! Settings that change while the agent runs.

use std::sync::Arc;

use tokio::sync::watch;

use super::config::{AccessConfig, Config, SettingsSource};
use super::http::Access;
use super::kube::{self, TokenReview};
use crate::ui::warn;

/// The settings in force, and where new ones come from.
pub struct Reload {
    /// The settings in force.
    pub config: watch::Sender<Arc<Config>>,
    /// Who may read, by these settings.
    pub access: watch::Sender<Arc<Access>>,
    source: SettingsSource,
    host_name: String,
    /// Kept, since it holds answers of the API server.
    review: Arc<TokenReview>,
    last_error: String,
}

impl Reload {
    /// Takes the first settings.
    ///
    /// # Errors
    ///
    /// A file that they name cannot be used.
    pub fn new(config: Config, source: SettingsSource, host_name: String) -> anyhow::Result<Self> {
        let review = Arc::new(TokenReview::new(kube::Access::find()));
        let config = Arc::new(named(config, &host_name));
        let access = access(&config, &host_name, &review)?;
        Ok(Self {
            config: watch::Sender::new(config),
            access: watch::Sender::new(Arc::new(access)),
            source,
            host_name,
            review,
            last_error: String::new(),
        })
    }

    /// Takes the settings as they are now; if one is wrong, the old ones stay in force.
    pub fn settings(&mut self) {
        let new = self.source.config().and_then(|config| {
            let config = named(config, &self.host_name);
            let access = access(&config, &self.host_name, &self.review)?;
            Ok((config, access))
        });
        match new {
            Ok((config, access)) => {
                let config = self.merge(config);
                self.config.send_replace(Arc::new(config));
                self.access.send_replace(Arc::new(access));
                self.last_error.clear();
                warn("settings reloaded");
            }
            Err(wrong) => warn(&format!(
                "settings not reloaded, the old ones stay: {wrong:#}"
            )),
        }
    }

    /// Reads the token and the certificate again; the old ones stay where that fails, and the error is reported once.
    pub fn files(&mut self) {
        let config = Arc::clone(&self.config.borrow());
        let AccessConfig {
            tls, token_file, ..
        } = &config.access;
        if tls.is_none() && token_file.is_none() {
            return;
        }
        match access(&config, &self.host_name, &self.review) {
            Ok(access) => {
                self.access.send_replace(Arc::new(access));
                self.last_error.clear();
            }
            Err(wrong) => {
                let wrong = format!("{wrong:#}; the old one stays");
                if wrong != self.last_error {
                    warn(&wrong);
                    self.last_error = wrong;
                }
            }
        }
    }

    /// New settings, but for those that the agent was started with for good.
    fn merge(&self, mut new: Config) -> Config {
        let old = Arc::clone(&self.config.borrow());
        let fixed = [
            ("listen", new.listen != old.listen),
            ("node-name", new.node_name != old.node_name),
            ("kube", new.kube != old.kube),
            ("trace", new.trace != old.trace),
            ("history", new.history != old.history),
            ("state-dir", new.state_dir != old.state_dir),
            ("recording", new.recording != old.recording),
            (
                "webhook-url-file",
                new.webhook_url_file != old.webhook_url_file,
            ),
            ("webhook-format", new.webhook_format != old.webhook_format),
        ];
        for (name, _) in fixed.iter().filter(|(_, changed)| *changed) {
            warn(&format!("{name} has changed: restart the agent for that"));
        }
        new.listen.clone_from(&old.listen);
        new.node_name.clone_from(&old.node_name);
        new.kube = old.kube;
        new.webhook_url_file.clone_from(&old.webhook_url_file);
        new.webhook_format = old.webhook_format;
        new.trace = old.trace;
        new.history = old.history;
        new.state_dir.clone_from(&old.state_dir);
        new.recording = old.recording;
        new
    }
}

fn named(config: Config, host_name: &str) -> Config {
    Config {
        node_name: Some(config.node_name.unwrap_or_else(|| host_name.to_owned())),
        ..config
    }
}

fn access(config: &Config, host_name: &str, review: &Arc<TokenReview>) -> anyhow::Result<Access> {
    let names: Vec<_> = config
        .node_name
        .iter()
        .cloned()
        .chain([host_name.to_owned()])
        .collect();
    let review = config.access.token_review.then(|| Arc::clone(review));
    if review.is_some() && kube::Access::find() == kube::Access::None {
        anyhow::bail!(
            "token-review needs an API server: run in a pod with a service account, or set KUBECONFIG"
        );
    }
    Access::new(&config.access, &names, review)
}
