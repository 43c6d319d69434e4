//! The options that say how to reach a running agent.

use std::path::PathBuf;

use clap::Args;
use hyper::Uri;

use super::args::LOOK;
use crate::cluster::{RECORDING, Server, address};

/// The agent's port, where the address has none.
const PORT: u16 = 9409;

/// How to ask a running agent, apart from its address.
#[derive(Args, Clone, Debug, Default)]
pub struct AgentAccess {
    /// File with a bearer token for the agent
    #[arg(long, value_name = "FILE", requires = "a_node", help_heading = LOOK)]
    agent_token_file: Option<PathBuf>,
    /// Certificates of authorities that the agent's certificate may be from, instead of the system's
    #[arg(long, value_name = "FILE", requires = "a_node", help_heading = LOOK)]
    agent_ca: Option<PathBuf>,
}

impl AgentAccess {
    /// The agent at `url`.
    pub fn server(&self, url: &Uri) -> Server {
        Server {
            url: url.clone(),
            token_file: self.agent_token_file.clone(),
            ca: self.agent_ca.clone(),
            ..Server::default()
        }
    }

    /// Whether none of them was given.
    pub fn is_empty(&self) -> bool {
        self.agent_token_file.is_none() && self.agent_ca.is_none()
    }
}

/// Reads the address of an agent. The port can be left out, and the address of its recording works as well.
///
/// # Errors
///
/// It is no address, or has a password in it.
pub fn agent_address(text: &str) -> Result<Uri, String> {
    let text = text.trim_end_matches('/');
    let text = text.strip_suffix(RECORDING).unwrap_or(text);
    let uri = address(text, "an agent: http://HOST[:9409]", "--agent-token-file")?;
    if uri.port().is_some() {
        return Ok(uri);
    }
    let host = uri.host().unwrap_or_default();
    let authority = format!("{host}:{PORT}");
    let mut parts = uri.into_parts();
    parts.authority = authority.parse().ok();
    Uri::from_parts(parts).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_named_by_its_address() {
        for (typed, asked) in [
            ("http://n1", "http://n1:9409/"),
            ("http://n1:80/", "http://n1:80/"),
            ("https://[::1]", "https://[::1]:9409/"),
            ("http://127.0.0.1:8001/proxy", "http://127.0.0.1:8001/proxy"),
            ("http://n1:9409/api/v1/recording", "http://n1:9409/"),
            ("http://n1/api/v1/recording/", "http://n1:9409/"),
        ] {
            assert_eq!(agent_address(typed).unwrap().to_string(), asked);
        }
        for (typed, part) in [
            ("n1:9409", "http://HOST"),
            ("ftp://n1", "http://HOST"),
            ("http://n1/?x", "http://HOST"),
            ("http://me:secret@n1", "--agent-token-file"),
            // None of these is port 9409.
            ("http://n1:99999", "65535"),
            ("http://n1:x", "65535"),
            ("http://n1:", "65535"),
            ("http://[::1]:99999", "65535"),
        ] {
            let said = agent_address(typed).unwrap_err();
            assert!(said.contains(part), "{typed}: {said}");
        }
    }
}
