use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

// An enum, not flags of rustix or bitflags: the JSON schema lists its names.
/// An event that a watch or a mark asks for (inotify(7), fanotify_mark(2)).
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
    /// fanotify: opened to be executed.
    OpenExec,
    /// fanotify: an error of the file system.
    FsError,
    /// fanotify: asks whether a file may be opened.
    OpenPerm,
    /// fanotify: asks whether a file may be read.
    AccessPerm,
    /// fanotify: asks whether a file may be opened to be executed.
    OpenExecPerm,
    /// fanotify: asks before the content is accessed.
    PreAccess,
    /// fanotify: something was mounted.
    MntAttach,
    /// fanotify: something was unmounted.
    MntDetach,
    /// fanotify: a file was moved, with both names.
    Rename,
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

    /// Those that only fanotify has.
    const OF_FANOTIFY: [(u32, Self); 9] = [
        (0x1000, Self::OpenExec),
        (0x8000, Self::FsError),
        (0x1_0000, Self::OpenPerm),
        (0x2_0000, Self::AccessPerm),
        (0x4_0000, Self::OpenExecPerm),
        (0x10_0000, Self::PreAccess),
        (0x100_0000, Self::MntAttach),
        (0x200_0000, Self::MntDetach),
        (0x1000_0000, Self::Rename),
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

    /// The events of a fanotify mark's mask: the first twelve are inotify's (include/uapi/linux/fanotify.h).
    #[must_use]
    pub fn of_fanotify_mask(mask: u32) -> Vec<Self> {
        let more = Self::OF_FANOTIFY.into_iter();
        let more = more.filter_map(|(bit, event)| (mask & bit != 0).then_some(event));
        Self::of_mask(mask).into_iter().chain(more).collect()
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
        let of_fanotify = |mask| Event::words(&Event::of_fanotify_mask(mask));
        // With FAN_ONDIR and FAN_EVENT_ON_CHILD, which are no events.
        assert_eq!(of_fanotify(0x4801_0022), "modify open open_perm");
    }
}
