use std::str::FromStr;
use std::time::Duration;

/// Where answers of nodes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// Agents, through the API server's pod proxy.
    Agents,
    /// A short-lived pod per node.
    Debug,
}

impl Via {
    /// How long the answer of one node is waited for, unless something else is asked for: a pod may have to pull its image.
    pub fn timeout(&self) -> Duration {
        match self {
            Self::Agents => Duration::from_secs(5),
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
            _ => Err("expected agents or debug".to_owned()),
        }
    }
}
