use std::fmt;

use serde::Deserialize;

/// A right that a request needs, as a rule of RBAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Right {
    /// `list`, `get`, …
    pub verb: &'static str,
    /// `nodes`, `pods/proxy`, … of the core API group.
    pub resource: &'static str,
}

impl Right {
    /// To know which nodes there are.
    pub const LIST_NODES: Self = Self::core("list", "nodes");
    /// To look at one node.
    pub const GET_NODE: Self = Self::core("get", "nodes");
    /// To find agents.
    pub const LIST_PODS: Self = Self::core("list", "pods");
    /// To put a pod on a node.
    pub const CREATE_PODS: Self = Self::core("create", "pods");
    /// To remove it.
    pub const DELETE_PODS: Self = Self::core("delete", "pods");
    /// To read what it found.
    pub const GET_LOG: Self = Self::core("get", "pods/log");
    /// To ask agents.
    pub const PROXY_PODS: Self = Self::core("get", "pods/proxy");

    const fn core(verb: &'static str, resource: &'static str) -> Self {
        Self { verb, resource }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verb, resource } = self;
        write!(
            f,
            "{{apiGroups: [\"\"], resources: [{resource}], verbs: [{verb}]}}"
        )
    }
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// No answer in time.
    Timeout,
    /// The server said no, for this reason; the API server's own words where `by_server`.
    Status {
        /// HTTP status code.
        code: u16,
        /// What it said.
        message: String,
        /// The API server itself, not what it leads to.
        by_server: bool,
    },
    /// The answer is longer than that many bytes.
    TooLong(usize),
    /// No connection, or one that broke before the answer began.
    Unreachable(String),
    /// An answer that began and has no end.
    BrokenOff(String),
}

impl RequestError {
    /// From an answer other than success.
    pub fn of_answer(code: u16, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Status {
            kind: String,
            message: String,
        }
        let status = serde_json::from_slice::<Status>(body);
        let status = status.ok().filter(|status| status.kind == "Status");
        let by_server = status.is_some();
        let said = status.map_or_else(
            || String::from_utf8_lossy(body).trim().to_owned(),
            |status| status.message,
        );
        Self::Status {
            code,
            message: said.chars().take(300).collect(),
            by_server,
        }
    }

    /// The API server denies a right.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        matches!(
            self,
            Self::Status {
                code: 403,
                by_server: true,
                ..
            }
        )
    }

    /// What happened, and where a right is missing the rule to add.
    #[must_use]
    pub fn explain(&self, right: Right) -> String {
        match self {
            _ if self.is_forbidden() => format!(
                "{self}. Add this rule to your role: {right} (docs/cluster.md has roles for nospace cluster)"
            ),
            Self::Status {
                code: 401,
                by_server: true,
                ..
            } => format!("{self}: the API server does not accept these credentials"),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("no answer in time"),
            Self::Status { code, message, .. } if message.is_empty() => {
                write!(f, "the server answered {code}")
            }
            Self::Status { code, message, .. } => write!(f, "{message} ({code})"),
            Self::TooLong(most) => write!(f, "the answer is longer than {most} bytes"),
            Self::Unreachable(why) => f.write_str(why),
            Self::BrokenOff(why) => write!(f, "the answer broke off: {why}"),
        }
    }
}

impl std::error::Error for RequestError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_rights_are_those_of_the_roles_and_of_the_messages() {
        let page = include_str!("../../../../docs/cluster.md");
        let agents = include_str!("../../../../deploy/kubernetes/cluster-reader/rbac.yaml");
        let debug = include_str!("../../../../deploy/kubernetes/cluster-debug/rbac.yaml");
        let nodes = [Right::LIST_NODES, Right::GET_NODE];
        let of_agents = [Right::LIST_PODS, Right::PROXY_PODS];
        let of_debug = [
            Right::LIST_PODS,
            Right::CREATE_PODS,
            Right::DELETE_PODS,
            Right::GET_LOG,
        ];
        for (roles, rights) in [(agents, &of_agents[..]), (debug, &of_debug[..])] {
            let rules: Vec<&str> = roles
                .lines()
                .filter(|line| line.contains("apiGroups"))
                .collect();
            assert_eq!(rules.len(), 3);
            assert!(rules.iter().all(|rule| page.contains(rule)), "{rules:?}");
            for right in nodes.iter().chain(rights) {
                let of = format!("resources: [{}]", right.resource);
                let rule = rules.iter().find(|rule| rule.contains(&of)).unwrap();
                assert!(rule.contains(right.verb), "{right}: {rule}");
            }
        }
    }

    #[test]
    fn only_the_api_server_forbids() {
        let status = br#"{"kind":"Status","message":"no","code":403}"#;
        assert!(RequestError::of_answer(403, status).is_forbidden());
        let agent = RequestError::of_answer(403, b"this token is not valid");
        assert!(!agent.is_forbidden());
        assert!(
            agent
                .explain(Right::PROXY_PODS)
                .starts_with("this token is not valid")
        );
    }
}
