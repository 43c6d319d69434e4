use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AcceptedKey, Accepts, Comments, PlatformFormat};
use crate::amount::thousands;
use crate::documents::Settings;
use crate::tune::{Change, Tuning};

/// What tune would set, as a document of a platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlatformDocument {
    /// Raised only when a field changes its meaning.
    pub schema_version: u32,
    /// Name of the format, as after `--for`.
    pub format: String,
    /// What reads it.
    pub title: String,
    /// What of the node decided on this format; null where it was asked for by name.
    pub chosen_by: Option<String>,
    /// The node that the values are for: host name, or the directory of an image.
    pub node: String,
    /// Where it belongs, and the command that puts it there.
    pub place: String,
    /// How to undo it.
    pub undo: String,
    /// A node that has more already keeps it; otherwise every node that reads the document gets these values.
    pub never_lowers: bool,
    /// What it sets.
    pub settings: Vec<PlatformSetting>,
    /// What tune would set, and this format does not take.
    pub omitted: Vec<OmittedKey>,
    /// The document, without comments.
    pub document: String,
}

/// A sysctl that the document sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlatformSetting {
    /// Dotted name.
    pub key: String,
    /// Its value, never less than the node has now.
    pub value: u64,
    /// The live value; null in an image.
    pub current: Option<u64>,
    /// Why it is more than tune proposes, or that the node has it already; null otherwise.
    pub note: Option<String>,
}

/// A sysctl that the document cannot set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OmittedKey {
    /// Dotted name.
    pub key: String,
    /// What tune proposes.
    pub value: u64,
    /// Why it is left out.
    pub reason: String,
}

/// The platform takes nothing of what tune would set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{title} takes none of the sysctls to set: {reasons}; `--for kubernetes` sets them by a DaemonSet"
)]
pub struct NoneAccepted {
    title: &'static str,
    reasons: String,
}

impl PlatformDocument {
    /// What `tuning` proposes, in this format.
    ///
    /// # Errors
    ///
    /// When nothing of it can be said there.
    pub fn of(
        tuning: &Tuning,
        format: &PlatformFormat,
        chosen_by: Option<String>,
    ) -> Result<Self, NoneAccepted> {
        let mut settings = Vec::new();
        let mut omitted = Vec::new();
        for change in &tuning.changes {
            let Some(value) = change.proposed else {
                continue;
            };
            match accepted(format, change, value) {
                Ok(setting) => settings.push(setting),
                Err(reason) => omitted.push(OmittedKey {
                    key: change.key.clone(),
                    value,
                    reason,
                }),
            }
        }
        if settings.is_empty() {
            let reasons: Vec<String> = omitted
                .iter()
                .map(|one| format!("{}: {}", one.key, one.reason))
                .collect();
            return Err(NoneAccepted {
                title: format.title,
                reasons: reasons.join("; "),
            });
        }
        let pairs: Vec<(&str, u64)> = settings
            .iter()
            .map(|one| (one.key.as_str(), one.value))
            .collect();
        let pairs: &Settings<'_> = &pairs;
        Ok(Self {
            schema_version: 1,
            format: format.name.to_owned(),
            title: format.title.to_owned(),
            chosen_by,
            node: tuning.node.clone(),
            place: format.place.to_owned(),
            undo: format.undo.to_owned(),
            never_lowers: format.never_lowers,
            document: (format.document)(pairs),
            settings,
            omitted,
        })
    }

    /// What is to be known of it, a line each.
    #[must_use]
    pub fn comments(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "For {}, printed by nospace tune for node {}; no value is lower than what this node has now.",
            self.title,
            // A host name is foreign text; no line of it may leave the comment.
            self.node.replace(|c: char| c.is_control(), "?")
        )];
        lines.extend(
            self.chosen_by
                .as_ref()
                .map(|why| format!("Chosen for this node: {why}.")),
        );
        lines.push(format!("Place: {}", self.place));
        lines.push(format!("Undo: {}", self.undo));
        lines.push(if self.never_lowers {
            "Other nodes: one that has more already keeps it.".to_owned()
        } else {
            "Other nodes: each one that gets this document has these values afterwards, even if it has more now.".to_owned()
        });
        let before: Vec<String> = self
            .settings
            .iter()
            .filter_map(|one| Some(format!("{} = {}", one.key, one.current?)))
            .collect();
        if !before.is_empty() {
            lines.push(format!("Values now: {}.", before.join(", ")));
        }
        for one in &self.settings {
            lines.extend(
                one.note
                    .as_ref()
                    .map(|note| format!("{}: {note}.", one.key)),
            );
        }
        for one in &self.omitted {
            lines.push(format!(
                "Left out: {} = {}: {}.",
                one.key, one.value, one.reason
            ));
        }
        lines
    }

    /// The document with its comments inside, where the format has any; and the comments that go elsewhere.
    #[must_use]
    pub fn text(&self, comments: Comments) -> (String, Vec<String>) {
        let said = self.comments();
        let block = |indent: usize| -> String {
            let line = |line: &String| format!("{:indent$}# {line}\n", "");
            said.iter().map(line).collect()
        };
        match comments {
            Comments::None => (self.document.clone(), said),
            Comments::Top => (block(0) + &self.document, Vec::new()),
            Comments::After(first) => {
                let mut text = String::new();
                for line in self.document.split_inclusive('\n') {
                    text.push_str(line);
                    if line.trim() == first {
                        text.push_str(&block(line.len() - line.trim_start().len()));
                    }
                }
                (text, Vec::new())
            }
        }
    }
}

fn accepted(
    format: &PlatformFormat,
    change: &Change,
    value: u64,
) -> Result<PlatformSetting, String> {
    let kept = change.current.is_some_and(|current| current >= value);
    let kept = kept.then(|| "this node has it already".to_owned());
    let setting = |value, note: Option<String>| PlatformSetting {
        key: change.key.clone(),
        value,
        current: change.current,
        note,
    };
    let keys = match format.accepts {
        Accepts::All => return Ok(setting(value, kept)),
        Accepts::Only(keys) => keys,
    };
    let Some(AcceptedKey {
        least, most, usual, ..
    }) = keys.iter().find(|one| one.key == change.key)
    else {
        return Err(format!("{} does not take this key", format.title));
    };
    if usual > most {
        return Err(format!(
            "its nodes have up to {} by default, and {} takes at most {}",
            thousands(*usual),
            format.title,
            thousands(*most)
        ));
    }
    if value > *most {
        return Err(format!(
            "{} takes at most {}",
            format.title,
            thousands(*most)
        ));
    }
    Ok(match value.max(*least).max(*usual) {
        same if same == value => setting(value, kept),
        raised if raised == *usual => setting(
            raised,
            Some(format!(
                "{} is what its nodes have by default",
                thousands(raised)
            )),
        ),
        raised => setting(
            raised,
            Some(format!(
                "{} is the least that is taken there",
                thousands(raised)
            )),
        ),
    })
}
