use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Who holds what is short, or sets what is wrong. It equals its caption, which is all that a report that was
/// read back has.
#[derive(Clone, Debug, Default)]
pub struct Culprit {
    /// A pod, container, process, or place in a file.
    pub name: String,
    /// How much, in words.
    pub amount: Option<String>,
    /// The processes through which it holds that, in words.
    pub processes: Option<String>,
}

impl Culprit {
    /// One of whom nothing but the name is known.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// One that holds `amount`.
    pub fn with_amount(name: impl Into<String>, amount: impl Into<String>) -> Self {
        Self {
            amount: Some(amount.into()),
            ..Self::named(name)
        }
    }

    /// `pod default/web: 3 instances, 12 watches`, without the processes.
    #[must_use]
    pub fn short(&self) -> String {
        match &self.amount {
            Some(amount) => format!("{}: {amount}", self.name),
            None => self.name.clone(),
        }
    }
}

impl fmt::Display for Culprit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(amount) = &self.amount {
            write!(f, ": {amount}")?;
        }
        if let Some(processes) = &self.processes {
            write!(f, "; {processes}")?;
        }
        Ok(())
    }
}

impl PartialEq for Culprit {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for Culprit {}

impl Serialize for Culprit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Culprit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::named)
    }
}

/// Names a pod.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub struct PodRef {
    /// Kubernetes namespace; empty where only the uid is known.
    pub namespace: String,
    /// Pod name; empty where only the uid is known.
    pub name: String,
    /// Pod uid.
    pub uid: String,
}
