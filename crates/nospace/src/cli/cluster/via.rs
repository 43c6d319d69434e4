use std::str::FromStr;
use std::time::Duration;

use hyper::Uri;

use crate::cluster::address;

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
                    let what = "a Prometheus: http://HOST:9090";
                    let secret = "--prometheus-basic-auth-file";
                    address(url, what, secret).map(Self::Prometheus)
                }
                None => Err("expected agents, prometheus=URL or debug".to_owned()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_a_password_is_refused() {
        let refused = |url: &str| url.parse::<Via>().unwrap_err();
        assert!(
            refused("prometheus=http://u:p@host:9090").contains("--prometheus-basic-auth-file")
        );
        assert!(refused("prometheus=host").contains("not the address"));
        assert!("prometheus=http://host/prometheus/".parse::<Via>().is_ok());
    }
}
