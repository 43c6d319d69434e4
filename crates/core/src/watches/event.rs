use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An event that a watch asks for (inotify(7)); the order is that of the bits.
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
    /// Something was moved out of the directory.
    MovedFrom,
    /// Something was moved into the directory.
    MovedTo,
    /// Something was made in the directory.
    Create,
    /// Something was removed from the directory.
    Delete,
    /// The watched file itself was removed.
    DeleteSelf,
    /// The watched file itself was moved.
    MoveSelf,
}

impl Event {
    const ALL: [(Self, &'static str); 12] = [
        (Self::Access, "access"),
        (Self::Modify, "modify"),
        (Self::Attrib, "attrib"),
        (Self::CloseWrite, "close_write"),
        (Self::CloseNowrite, "close_nowrite"),
        (Self::Open, "open"),
        (Self::MovedFrom, "moved_from"),
        (Self::MovedTo, "moved_to"),
        (Self::Create, "create"),
        (Self::Delete, "delete"),
        (Self::DeleteSelf, "delete_self"),
        (Self::MoveSelf, "move_self"),
    ];

    /// The events of a mask.
    #[must_use]
    pub fn of_mask(mask: u32) -> Vec<Self> {
        let asked = mask & 0xfff;
        let mut events = Vec::with_capacity(asked.count_ones() as usize);
        let all = Self::ALL.iter().enumerate();
        let all = all.filter(|(bit, _)| asked & (1 << bit) != 0);
        events.extend(all.map(|(_, (event, _))| *event));
        events
    }

    /// Its name in inotify(7) without `IN_`, in small letters.
    #[must_use]
    pub fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(event, _)| *event == self);
        found.map_or("", |(_, word)| word)
    }

    /// Several in a few words.
    #[must_use]
    pub fn words(events: &[Self]) -> String {
        if events.len() == Self::ALL.len() {
            return "all".to_owned();
        }
        let words: Vec<_> = events.iter().map(|event| event.word()).collect();
        words.join(" ")
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
        assert_eq!(words(0xfff), "all");
        assert_eq!(words(0), "");
    }

    #[test]
    fn words_are_those_of_the_document() {
        for (event, word) in Event::ALL {
            assert_eq!(
                serde_json::to_string(&event).unwrap(),
                format!("\"{word}\"")
            );
        }
    }
}
