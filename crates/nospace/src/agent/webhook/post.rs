//! One request. Nothing that it says has a part of the URL.

use std::io;
use std::path::Path;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Response, Uri};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{self, CertificateError};

/// The largest file with a URL, in bytes.
const MAX_URL: u64 = 16 << 10;

/// A request that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Failure {
    why: String,
    /// Value of the label `result` of `nospace_webhook_requests_total`.
    pub result: &'static str,
    /// What the webhook asks to wait.
    pub retry_after: Option<Duration>,
    /// The same request fails again.
    pub is_final: bool,
}

impl Failure {
    fn because(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            result: "error",
            retry_after: None,
            is_final: false,
        }
    }
}

/// The URL in the file.
///
/// # Errors
///
/// What is wrong with the file, without what is in it.
pub fn url(file: &Path) -> Result<Uri, Failure> {
    let shown = file.display();
    let failed = |error| Failure::because(format!("{shown} (webhook-url-file): {error}"));
    // The agent's single thread reads it: a pipe would block that.
    let metadata = std::fs::metadata(file).map_err(failed)?;
    if !metadata.is_file() || metadata.len() > MAX_URL {
        return Err(Failure::because(format!(
            "{shown} (webhook-url-file): expected a file of at most {MAX_URL} bytes"
        )));
    }
    let text = std::fs::read_to_string(file).map_err(failed)?;
    let uri: Option<Uri> = text.trim().parse().ok();
    uri.filter(|uri| matches!(uri.scheme_str(), Some("https" | "http")) && uri.host().is_some())
        .ok_or_else(|| {
            Failure::because(format!(
                "{shown} (webhook-url-file) does not contain one URL that begins with https://"
            ))
        })
}

/// Posts `body`, which is JSON, to the URL in `url_file`.
///
/// # Errors
///
/// It was not accepted.
pub async fn post(url_file: &Path, body: String, timeout: Duration) -> Result<(), Failure> {
    let url = url(url_file)?;
    let exchange = tokio::time::timeout(timeout, exchange(url, body));
    exchange.await.unwrap_or_else(|_| {
        let seconds = timeout.as_secs_f32();
        Err(Failure {
            result: "timeout",
            ..Failure::because(format!("no answer within {seconds} s"))
        })
    })
}

async fn exchange(url: Uri, body: String) -> Result<(), Failure> {
    let is_tls = url.scheme_str() == Some("https");
    let request = Request::post(url)
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, concat!("nospace/", env!("CARGO_PKG_VERSION")))
        .body(Full::new(Bytes::from(body)))
        .map_err(|_| Failure::because("no request can be made of the URL"))?;
    let client = Client::builder(TokioExecutor::new());
    let answer = if is_tls {
        let tls = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(ring::default_provider())
            .map_err(|error| {
                Failure::because(format!(
                    "no certificates of authorities: {error}; SSL_CERT_FILE can name them"
                ))
            })?;
        let connector = tls.https_only().enable_http1().build();
        client.build(connector).request(request).await
    } else {
        client.build(HttpConnector::new()).request(request).await
    };
    judge(answer.map_err(|error| Failure::because(reason(&error)))?).await
}

/// The innermost reason; those around it may name the host.
fn reason(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        // hyper-util says no more than this of the resolver's error.
        if source.to_string() == "dns error" {
            return "cannot resolve the name of its host".to_owned();
        }
        innermost = source;
    }
    let io = innermost.downcast_ref::<io::Error>();
    io.map_or_else(|| "the connection failed or was closed".to_owned(), of_io)
}

/// An error of the connection; rustls names the host in some of its own.
fn of_io(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return "the connection was closed without an answer; if the URL begins with https, does the server speak TLS?"
            .to_owned();
    }
    let Some(inner) = error.get_ref() else {
        return error.to_string();
    };
    if let Some(inner) = inner.downcast_ref::<io::Error>() {
        return of_io(inner);
    }
    let why = match inner.downcast_ref::<rustls::Error>() {
        Some(rustls::Error::InvalidCertificate(why)) => match why {
            CertificateError::UnknownIssuer => {
                "its certificate is from an unknown authority; SSL_CERT_FILE can name a file with that authority's"
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is for another name"
            }
            _ => "its certificate is not valid",
        },
        Some(_) => "the TLS handshake failed",
        None => return error.kind().to_string(),
    };
    why.to_owned()
}

async fn judge(answer: Response<Incoming>) -> Result<(), Failure> {
    let status = answer.status();
    let retry_after = answer.headers().get(RETRY_AFTER);
    let retry_after = retry_after
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .map(Duration::from_secs);
    // Read to its end, so that the server can close in good order; what it says may repeat the URL.
    let _ = Limited::new(answer.into_body(), 64 << 10).collect().await;
    if status.is_success() {
        return Ok(());
    }
    let advice = match status.as_u16() {
        300..400 => ": it redirects, which is not followed",
        400 | 413 | 422 => {
            ": it does not understand the notice, which is dropped (--webhook-format)"
        }
        401 | 403 | 404 | 410 => ": the URL may have been revoked",
        _ => "",
    };
    Err(Failure {
        why: format!("it answered {}{advice}", status.as_u16()),
        result: match status.as_u16() {
            429 => "throttled",
            300..500 => "refused",
            _ => "error",
        },
        retry_after,
        is_final: matches!(status.as_u16(), 400 | 413 | 422),
    })
}
