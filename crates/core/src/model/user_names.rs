use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Subject, UserKey};

/// The names that the node's /etc/passwd gives uids: of those that a snapshot has, where they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct UserNames(BTreeMap<u32, String>);

impl UserNames {
    /// These names.
    #[must_use]
    pub fn new(names: BTreeMap<u32, String>) -> Self {
        Self(names)
    }

    /// Whether no name is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These names and those of `others`, without those of users that the two call differently.
    #[must_use]
    pub fn agreeing(&self, others: &Self) -> Self {
        let all = self.0.iter().chain(&others.0);
        let agreed = all.filter(|(uid, name)| {
            [self, others]
                .into_iter()
                .filter_map(|names| names.of(**uid))
                .all(|other| other == name.as_str())
        });
        Self(agreed.map(|(uid, name)| (*uid, name.clone())).collect())
    }

    /// The name of `uid`, as the initial user namespace numbers it.
    #[must_use]
    pub fn of(&self, uid: u32) -> Option<&str> {
        self.0.get(&uid).map(String::as_str)
    }

    /// `uid 1000 (web)`, `uid 1000` without a name.
    #[must_use]
    pub fn uid(&self, uid: u32) -> String {
        match self.of(uid) {
            Some(name) => format!("uid {uid} ({name})"),
            None => format!("uid {uid}"),
        }
    }

    /// The user as [`UserKey`] prints it, with its name.
    #[must_use]
    pub fn user(&self, user: UserKey) -> String {
        let namespace = match user.is_initial() {
            true => String::new(),
            false => format!(" of user namespace {}", user.user_namespace),
        };
        format!("{}{namespace}", self.uid(user.uid))
    }

    /// The subject as it prints itself, a user with its name.
    #[must_use]
    pub fn caption(&self, subject: &Subject) -> String {
        match subject {
            Subject::User(user) => self.user(*user),
            other => other.to_string(),
        }
    }

    /// The name of the user that `subject` is.
    #[must_use]
    pub fn of_subject(&self, subject: &Subject) -> Option<&str> {
        match subject {
            Subject::User(user) => self.of(user.uid),
            _ => None,
        }
    }

    /// `root`, `1000` without a name, `100000@4026532200` in a user namespace of its own.
    #[must_use]
    pub fn short(&self, user: UserKey) -> String {
        let name = self.of(user.uid);
        let name = name.map_or_else(|| user.uid.to_string(), str::to_owned);
        match user.is_initial() {
            true => name,
            false => format!("{name}@{}", user.user_namespace),
        }
    }
}
