//! `--from`: a recorded node instead of this one, from a file or from a running agent.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
#[cfg(feature = "agent")]
use hyper::Uri;

#[cfg(feature = "agent")]
use super::agent_access::{AgentAccess, agent_address};
use super::args::{LOOK, Shared};
#[cfg(feature = "agent")]
use crate::cluster;
use crate::host::Host;
use crate::host::replay::Replay;
use crate::host::when::When;
use crate::ui::warn;

/// Where a recorded node is.
#[derive(Clone, Debug)]
pub enum Source {
    /// What `nospace record` saved.
    File(PathBuf),
    /// What this running agent has recorded.
    #[cfg(feature = "agent")]
    Agent(Uri),
}

impl Source {
    /// Takes a file's name, or the address of an agent. A file whose name looks like an address is `./http://…`.
    pub fn parser() -> impl TypedValueParser<Value = Self> {
        OsStringValueParser::new().try_map(Self::parse)
    }

    fn parse(typed: OsString) -> Result<Self, String> {
        let is_address = |text: &&str| {
            text.split_once("://")
                .is_some_and(|(scheme, _)| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        };
        match typed.to_str().filter(is_address) {
            #[cfg(feature = "agent")]
            Some(text) => agent_address(text).map(Self::Agent),
            #[cfg(not(feature = "agent"))]
            Some(_) => Err("this nospace was built without support for agents".to_owned()),
            None => Ok(Self::File(typed.into())),
        }
    }
}

/// How to ask an agent, apart from its address.
#[derive(Args, Clone, Debug, Default)]
pub struct SourceAccess {
    #[cfg(feature = "agent")]
    #[command(flatten)]
    agent: AgentAccess,
}

impl SourceAccess {
    /// The agent at `url`.
    #[cfg(feature = "agent")]
    pub fn server(&self, url: &Uri) -> cluster::Server {
        self.agent.server(url)
    }

    /// Makes sure that options for an agent are only given where one of `sources` is one.
    ///
    /// # Errors
    ///
    /// All of them are files.
    #[cfg_attr(
        not(feature = "agent"),
        allow(
            unused_variables,
            clippy::unnecessary_wraps,
            clippy::unused_self,
            reason = "there are no agents"
        )
    )]
    pub fn fits(&self, sources: &[&Source]) -> anyhow::Result<()> {
        #[cfg(feature = "agent")]
        anyhow::ensure!(
            self.agent.is_empty() || sources.iter().any(|one| matches!(one, Source::Agent(_))),
            "--agent-token-file and --agent-ca are for a running agent: name it as http://HOST[:9409]"
        );
        Ok(())
    }

    /// Opens what `source` names. Warns of what the recording misses.
    ///
    /// # Errors
    ///
    /// It cannot be read, or the agent gives no recording; the error says why.
    pub fn open(&self, source: &Source) -> anyhow::Result<Replay> {
        let replay = match source {
            Source::File(path) => Replay::open(path)?,
            #[cfg(feature = "agent")]
            Source::Agent(url) => {
                let server = self.server(url);
                let recording = cluster::runtime()?.block_on(cluster::recording(&server))?;
                Replay::received(&url.to_string(), &recording)?
            }
        };
        if let Some(gap) = replay.gap() {
            warn(&gap);
        }
        Ok(replay)
    }
}

/// A recorded node, and the moment that is meant.
#[derive(Args, Clone, Debug, Default)]
pub struct FromArgs {
    /// Read a node saved with `nospace record` instead of this one, or what a running agent has recorded: http://HOST[:9409]
    #[arg(long, value_name = "ARCHIVE|URL", value_parser = Source::parser(), group = "a_node", help_heading = LOOK)]
    pub from: Option<Source>,
    /// With --from: the node at this time (14:05 UTC, RFC 3339, or -3m: before the last sample) [default: the last sample]
    #[arg(long, value_name = "TIME", requires = "from", allow_hyphen_values = true, help_heading = LOOK)]
    at: Option<When>,
    /// How to ask an agent.
    #[command(flatten)]
    pub access: SourceAccess,
}

impl FromArgs {
    /// Whether a recorded node is meant, and not this one.
    pub fn is_given(&self) -> bool {
        self.from.is_some()
    }

    /// Opens it; `None` where this node is meant.
    ///
    /// # Errors
    ///
    /// Those of [`SourceAccess::open`], and where nothing was recorded at that time.
    pub fn open(&self) -> anyhow::Result<Option<Past>> {
        self.access.fits(&Vec::from_iter(&self.from))?;
        let Some(source) = &self.from else {
            return Ok(None);
        };
        let replay = self.access.open(source)?;
        let number = match &self.at {
            Some(when) => replay.find(when)?,
            None => replay.last(),
        };
        Ok(Some(Past { replay, number }))
    }

    /// The node to look at: this machine, or the recorded one.
    ///
    /// # Errors
    ///
    /// Those of [`FromArgs::open`] and of [`Shared::live`].
    pub fn host(&self, shared: &Shared) -> anyhow::Result<Box<dyn Host>> {
        Ok(match self.open()? {
            Some(past) => Box::new(past.replay.host(past.number)?),
            None => Box::new(shared.live()?),
        })
    }
}

/// A recorded node at one of its moments.
pub struct Past {
    /// All its moments.
    pub replay: Replay,
    /// The one that was asked for.
    pub number: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_no_file() {
        let parsed = |typed: &str| Source::parse(typed.into());
        for typed in ["node.tar.zst", "http.tar.zst", "./http://n1", "-"] {
            assert!(matches!(parsed(typed), Ok(Source::File(path)) if path.as_os_str() == typed));
        }
        #[cfg(feature = "agent")]
        for typed in ["http://n1", "https://n1:9409/", "HTTP://n1"] {
            assert!(matches!(parsed(typed), Ok(Source::Agent(_))), "{typed}");
        }
        for typed in ["http://n1/?since=1h", "ftp://n1", "s3://n1/x"] {
            assert!(parsed(typed).is_err(), "{typed}");
        }
    }
}
