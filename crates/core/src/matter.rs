//! What a node can be judged by: one cause, or whether its kubelet would start.

use std::fmt;
use std::str::FromStr;

use crate::cause::Cause;
use crate::report::{Finding, Rule};

/// Something that a node condition, or a check by a monitoring system, is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matter {
    /// A cause, but for what is said of the kubelet's next start.
    Cause(Cause),
    /// Whether the kubelet would start now.
    KubeletStart,
}

impl Matter {
    /// What `finding` is about.
    #[must_use]
    pub fn of(finding: &Finding) -> Self {
        if finding.rule == Rule::KubeletStart {
            Self::KubeletStart
        } else {
            Self::Cause(finding.cause)
        }
    }
}

impl FromStr for Matter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == Rule::KubeletStart.name() {
            return Ok(Self::KubeletStart);
        }
        Cause::from_code(text).map(Self::Cause).ok_or_else(|| {
            let like = Cause::closest(text);
            if !like.is_empty() {
                return format!(
                    "there is no cause {text:?}; did you mean {}?",
                    like.join(" or ")
                );
            }
            let codes: Vec<_> = Cause::ALL.iter().map(|cause| cause.code()).collect();
            format!(
                "there is no cause {text:?}; there are {} and {}",
                codes.join(", "),
                Rule::KubeletStart
            )
        })
    }
}

impl fmt::Display for Matter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cause(cause) => cause.fmt(f),
            Self::KubeletStart => Rule::KubeletStart.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_can_be_named_and_nothing_else() {
        for cause in Cause::ALL {
            assert_eq!(cause.code().parse(), Ok(Matter::Cause(*cause)));
        }
        assert_eq!("kubelet-start".parse(), Ok(Matter::KubeletStart));
        let error = "inotify-watch".parse::<Matter>().unwrap_err();
        assert!(error.contains("\"inotify-watch\"") && error.contains("inotify-watches"));
    }
}
