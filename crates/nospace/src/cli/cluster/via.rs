use std::str::FromStr;

/// Where answers of nodes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// Agents, through the API server's pod proxy.
    Agents,
}

impl FromStr for Via {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "agents" => Ok(Self::Agents),
            _ => Err("expected agents".to_owned()),
        }
    }
}
