use std::str::FromStr;
use std::time::Duration;

use hyper::Uri;

/// Where answers of nodes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// Agents, through the API server's pod proxy.
    Agents,
    /// Prometheus at this address.
    Prometheus(Uri),
    /// A short-lived pod per node.
    Debug,
}

impl Via {
    /// How long the answer of one node is waited for, unless something else is asked for: a pod may have to pull its image.
    pub fn timeout(&self) -> Duration {
        match self {
            Self::Agents => Duration::from_secs(5),
            Self::Prometheus(_) => Duration::from_secs(30),
            Self::Debug => Duration::from_secs(60),
        }
    }
}

impl FromStr for Via {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "agents" => Ok(Self::Agents),
            "debug" => Ok(Self::Debug),
            _ => match text.strip_prefix("prometheus=") {
                Some(url) => {
                    let uri = url.trim_end_matches('/').parse::<Uri>().ok();
                    let uri = uri.filter(|uri| {
                        matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none()
                    });
                    let uri = uri.ok_or_else(|| {
                        format!("{url:?} is not the address of a Prometheus: http://HOST:9090")
                    })?;
                    Ok(Self::Prometheus(uri))
                }
                None => Err("expected agents, prometheus=URL or debug".to_owned()),
            },
        }
    }
}
