//! Who may read what the agent serves: the names it can be asked by, a bearer token, TLS.
//!
//! The check of the name keeps web pages out: one that has its own name resolve to this node (DNS rebinding) could otherwise read the
//! agent through the browser of an administrator. An address instead of a name is safe, since a page cannot forge it. The API server's pod proxy
//! passes on the name that it was asked by itself, so `nospace cluster` sends a header that no page can: browsers let none set a `Sec-` header.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, WWW_AUTHENTICATE};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::agent::config::{AccessConfig, HostNames};
use crate::agent::kube::TokenReview;

/// Bytes of a token file; longer is not a token.
const MAX_TOKEN: usize = 16 * 1024;
/// What a client sends that is not a web page.
pub const CLIENT_HEADER: &str = "sec-nospace-client";
/// How an agent begins to say that it wants a token.
pub const ASKS_FOR_TOKEN: &str = "this agent asks for a valid bearer token";
/// Paths for probes, which cannot send a token. They say nothing about the node.
const OPEN_PATHS: [&str; 2] = ["/healthz", "/readyz"];

/// Who may read, as the settings and the files that they name were when it was made.
pub struct Access {
    hosts: HostNames,
    /// This node's own names, in lower case.
    own_names: Vec<String>,
    token: Option<Vec<u8>>,
    review: Option<Arc<TokenReview>>,
    tls: Option<TlsAcceptor>,
}

/// The newest [`Access`].
pub type AccessReceiver = watch::Receiver<Arc<Access>>;

impl Access {
    /// Reads the token, the certificate and its key.
    ///
    /// # Errors
    ///
    /// A file cannot be read or used; the error names it and the setting.
    pub fn new(
        config: &AccessConfig,
        own_names: &[String],
        review: Option<Arc<TokenReview>>,
    ) -> anyhow::Result<Self> {
        let own_names = own_names.iter().map(|name| name.to_ascii_lowercase());
        let tls = config.tls.as_ref().map(|(cert, key)| acceptor(cert, key));
        Ok(Self {
            hosts: config.allowed_hosts.clone(),
            own_names: own_names.collect(),
            token: config.token_file.as_deref().map(token).transpose()?,
            review,
            tls: tls.transpose()?,
        })
    }

    /// What accepts TLS connections; `None` where they are plain.
    pub fn tls(&self) -> Option<TlsAcceptor> {
        self.tls.clone()
    }

    /// Whether clients need a token.
    pub fn asks_for_token(&self) -> bool {
        self.token.is_some() || self.review.is_some()
    }

    /// Whether the agent can be asked by this host, with or without a port. HTTP/1.0 has none.
    fn allows_host(&self, host: Option<&str>) -> bool {
        let Some(host) = host else { return true };
        let Ok(authority) = host.parse::<Authority>() else {
            return false;
        };
        let name = authority.host().trim_end_matches('.').to_ascii_lowercase();
        let address = name.trim_start_matches('[').trim_end_matches(']');
        address.parse::<IpAddr>().is_ok()
            || name == "localhost"
            || self.own_names.contains(&name)
            || self.hosts.allow(&name)
    }

    async fn allows_client(&self, headers: &HeaderMap, path: &str) -> Result<(), Refusal> {
        if !self.asks_for_token() || OPEN_PATHS.contains(&path) {
            return Ok(());
        }
        let sent = headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok());
        let sent = sent.and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        let sent = sent.ok_or(Refusal::NoToken)?;
        if let Some(token) = &self.token
            && equal(token, sent.as_bytes())
        {
            return Ok(());
        }
        let Some(review) = &self.review else {
            return Err(Refusal::NoToken);
        };
        match review.allows(sent, path).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Refusal::Forbidden),
            Err(why) => Err(Refusal::Unknown(why)),
        }
    }
}

/// Why a client gets nothing.
enum Refusal {
    NoToken,
    Forbidden,
    /// The API server gave no answer.
    Unknown(String),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let bearer = [(WWW_AUTHENTICATE, "Bearer")];
        match self {
            Self::NoToken => (
                StatusCode::UNAUTHORIZED,
                bearer,
                format!("{ASKS_FOR_TOKEN}\n"),
            )
                .into_response(),
            Self::Forbidden => (
                StatusCode::FORBIDDEN,
                "this token is not valid, or its user may not get this path (nonResourceURLs)\n",
            )
                .into_response(),
            Self::Unknown(why) => (
                StatusCode::SERVICE_UNAVAILABLE,
                format!("cannot check the token: {why}\n"),
            )
                .into_response(),
        }
    }
}

/// Lets a request pass, or answers it.
pub async fn check(State(access): State<AccessReceiver>, request: Request, next: Next) -> Response {
    let access = Arc::clone(&access.borrow());
    let header = request.headers().get(HOST);
    let host = match (request.uri().authority(), header.map(|h| h.to_str())) {
        (Some(authority), _) => Some(authority.as_str()),
        (None, Some(Ok(host))) => Some(host),
        (None, Some(Err(_))) => Some(""),
        (None, None) => None,
    };
    let may_be_page = !request.headers().contains_key(CLIENT_HEADER);
    if may_be_page && !access.allows_host(host) {
        let shown = host.unwrap_or_default();
        let text = format!(
            "this agent does not answer to the host name {shown:?}: use its address, or add the name to --allowed-hosts\n"
        );
        return (StatusCode::MISDIRECTED_REQUEST, text).into_response();
    }
    let path = request.uri().path();
    match access.allows_client(request.headers(), path).await {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// In a time that does not depend on where they differ.
fn equal(a: &[u8], b: &[u8]) -> bool {
    let difference = a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b));
    a.len() == b.len() && difference == 0
}

fn token(file: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = file.display();
    let text = std::fs::read(file)
        .with_context(|| format!("cannot read the bearer token from {shown} (token-file)"))?;
    let token = text.trim_ascii();
    if token.is_empty() || token.len() > MAX_TOKEN || !token.iter().all(u8::is_ascii_graphic) {
        bail!("{shown} (token-file): expected one line with a token of at most {MAX_TOKEN} bytes");
    }
    Ok(token.to_vec())
}

fn acceptor(cert: &Path, key: &Path) -> anyhow::Result<TlsAcceptor> {
    let shown = cert.display();
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("cannot read certificates from {shown} (tls-cert)"))?;
    let private = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("cannot read a private key from {} (tls-key)", key.display()))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .with_context(|| format!("{shown} (tls-cert) and {} (tls-key)", key.display()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(allowed: &str) -> Access {
        let config = AccessConfig {
            allowed_hosts: HostNames::parse(allowed).unwrap(),
            ..AccessConfig::default()
        };
        Access::new(&config, &["Node1".to_owned()], None).unwrap()
    }

    #[test]
    fn a_name_must_be_known() {
        let access = access("metrics.example.com");
        for host in [
            "10.0.0.1:9409",
            "[::1]:9409",
            "[fe80::1]",
            "localhost:9409",
            "NODE1:9409",
            "node1.",
            "metrics.example.com",
        ] {
            assert!(access.allows_host(Some(host)), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "node1.evil.example:9409",
            "localhost.evil.example",
            "10.0.0.1.evil.example",
            "user@evil.example",
            "a b",
        ] {
            assert!(!access.allows_host(Some(host)), "{host}");
        }
        assert!(access.allows_host(None));
        assert!(self::access("*").allows_host(Some("evil.example")));
    }

    #[test]
    fn tokens_are_compared_whole() {
        assert!(equal(b"abc", b"abc"));
        for other in [&b"abd"[..], b"ab", b"abcd", b""] {
            assert!(!equal(b"abc", other));
        }
    }
}
