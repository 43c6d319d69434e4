use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

// An enum, not flags of rustix or bitflags: the JSON schema lists its names.
/// An event that a watch watches for (inotify(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// Read or executed.
    Access,
    /// Written or truncated.
    Modify,
    /// Attributes changed.
    Attrib,
    /// Closed after it was open for writing.
    CloseWrite,
    /// Closed after it was open for reading only.
    CloseNowrite,
    /// Opened.
    Open,
    /// A file was moved out of the directory.
    MovedFrom,
    /// A file was moved into the directory.
    MovedTo,
    /// A file was created in the directory.
    Create,
    /// A file was deleted from the directory.
    Delete,
    /// The watched file itself was deleted.
    DeleteSelf,
    /// The watched file itself was moved.
    MoveSelf,
}

impl Event {
    /// In the order of their bits.
    const ALL: [Self; 12] = [
        Self::Access,
        Self::Modify,
        Self::Attrib,
        Self::CloseWrite,
        Self::CloseNowrite,
        Self::Open,
        Self::MovedFrom,
        Self::MovedTo,
        Self::Create,
        Self::Delete,
        Self::DeleteSelf,
        Self::MoveSelf,
    ];

    /// The events of a mask.
    #[must_use]
    pub fn of_mask(mask: u32) -> Vec<Self> {
        let bits = mask & 0xfff;
        let mut events = Vec::with_capacity(bits.count_ones() as usize);
        let all = Self::ALL.into_iter().enumerate();
        events.extend(all.filter_map(|(bit, event)| (bits & (1 << bit) != 0).then_some(event)));
        events
    }

    /// The names of `events`, or `all`.
    #[must_use]
    pub fn words(events: &[Self]) -> String {
        if events.len() == Self::ALL.len() {
            return "all".to_owned();
        }
        let words: Vec<_> = events.iter().map(ToString::to_string).collect();
        words.join(" ")
    }
}

/// Its name in inotify(7), lower case and without `IN_`, as in the JSON.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_in_words() {
        let words = |mask| Event::words(&Event::of_mask(mask));
        assert_eq!(
            words(0x100 | 0x200 | 0x40 | 0x80),
            "moved_from moved_to create delete"
        );
        assert_eq!(words(0x2), "modify");
        assert_eq!(words(0x800), "move_self");
        assert_eq!(
            words(0x7ff),
            "access modify attrib close_write close_nowrite open \
             moved_from moved_to create delete delete_self"
        );
        assert_eq!(words(0xfff), "all");
        assert_eq!(words(0), "");
    }
}
