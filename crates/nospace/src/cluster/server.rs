//! A server that is asked by its own address, not through a Kubernetes API.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use hyper::Uri;
use hyper::header::{HeaderName, HeaderValue};
use kube::Config;

use super::Cluster;

/// The largest file with a secret, in bytes.
const SECRET_BYTES: u64 = 64 << 10;

/// The address of a server. Every format prints it, so it must have no secret in it.
///
/// # Errors
///
/// It is none of `what`, has a port that is none, or has a user in it, which belongs in the file that the option `secret` names.
pub fn address(text: &str, what: &str, secret: &str) -> Result<Uri, String> {
    let uri = text.trim_end_matches('/').parse::<Uri>().ok();
    let uri = uri
        .filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none());
    let uri = uri.ok_or_else(|| format!("{text:?} is not the address of {what}"))?;
    let mut authority = uri.authority().into_iter();
    if authority.any(|host| host.as_str().contains('@')) {
        return Err(format!(
            "the address must not contain a user or password: use {secret}"
        ));
    }
    // Else it would count as none, and another port would be asked.
    let is_no_port = uri
        .authority()
        .is_some_and(|all| all.port().is_none() && all.as_str() != all.host());
    if is_no_port {
        return Err(format!("the port of {text:?} is not a number up to 65535"));
    }
    Ok(uri)
}

/// Where a server is, and how it is asked.
#[derive(Clone, Debug, Default)]
pub struct Server {
    /// What stands before the paths that are asked for: of Prometheus before `/api/v1/query`, of an agent before `/api/v1/report`.
    pub url: Uri,
    /// A file with a bearer token.
    pub token_file: Option<PathBuf>,
    /// A file with `user:password`.
    pub basic_auth_file: Option<PathBuf>,
    /// Certificates of authorities, instead of the system's.
    pub ca: Option<PathBuf>,
    /// Certificate of this client.
    pub cert: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
    /// The tenant of Thanos, Mimir or Cortex: the header `X-Scope-OrgID`.
    pub tenant: Option<String>,
    /// Matchers of labels that each selector gets: `cluster="prod"`.
    pub matchers: Option<String>,
}

impl Server {
    /// Makes a client. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// A file with a secret or a certificate cannot be used; the error names it.
    pub fn connect(&self) -> anyhow::Result<Cluster> {
        let files: Vec<String> = [&self.ca, &self.cert, &self.key]
            .into_iter()
            .flatten()
            .map(|file| file.display().to_string())
            .collect();
        let made = Cluster::of(self.config()?);
        match files.is_empty() {
            true => made,
            false => made.with_context(|| format!("cannot use {}", files.join(", "))),
        }
    }

    fn config(&self) -> anyhow::Result<Config> {
        let mut config = Config::new(self.url.clone());
        config.default_retry = false;
        config.connect_timeout = Some(Duration::from_secs(10));
        config.root_cert_file.clone_from(&self.ca);
        let path = |path: &PathBuf| {
            readable(path)?;
            path.to_str()
                .map(str::to_owned)
                .context("a path is no text")
        };
        if let Some(ca) = &self.ca {
            readable(ca)?;
        }
        let auth = &mut config.auth_info;
        let token = self.token_file.as_deref().map(token).transpose()?;
        auth.token = token.map(Into::into);
        auth.client_certificate = self.cert.as_ref().map(path).transpose()?;
        auth.client_key = self.key.as_ref().map(path).transpose()?;
        if let Some(file) = &self.basic_auth_file {
            let text = readable(file)?;
            let (user, password) = text
                .trim_end()
                .split_once(':')
                .with_context(|| format!("{} does not contain user:password", file.display()))?;
            auth.username = Some(user.to_owned());
            auth.password = Some(password.to_owned().into());
        }
        if let Some(tenant) = &self.tenant {
            let value = HeaderValue::from_str(tenant)
                .with_context(|| format!("the tenant {tenant:?} cannot be sent in a header"))?;
            let name = HeaderName::from_static("x-scope-orgid");
            config.headers.push((name, value));
        }
        Ok(config)
    }
}

/// The token in a file, most of which end with a line break.
fn token(file: &Path) -> anyhow::Result<String> {
    let text = readable(file)?;
    let token = text.trim_ascii();
    ensure!(
        !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()),
        "{} does not contain a token: expected one line without spaces",
        file.display()
    );
    Ok(token.to_owned())
}

fn readable(file: &Path) -> anyhow::Result<String> {
    let shown = file.display();
    let metadata = std::fs::metadata(file).with_context(|| format!("cannot read {shown}"))?;
    ensure!(
        metadata.is_file() && metadata.len() <= SECRET_BYTES,
        "{shown} is not a file of at most {SECRET_BYTES} bytes"
    );
    std::fs::read_to_string(file).with_context(|| format!("cannot read {shown}"))
}
