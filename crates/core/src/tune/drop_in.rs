//! The one file that tune writes, and what its comments keep.

use std::fmt::Write as _;

use crate::parse::lossy;

/// Where it is: its name sorts behind every `99-…`, `99-sysctl.conf` among them.
pub const DROP_IN: &str = "/etc/sysctl.d/zz-nospace.conf";

/// Its first line.
const MARK: &str = "# Written by nospace tune. `nospace tune --revert` takes it back.";
const BEFORE: &str = "# before: ";
const UNSET: &str = "not known";
const DIRECTORY: &str = "# before: the directory was not there";

/// One key of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Dotted key.
    pub key: String,
    /// Its value.
    pub value: u64,
    /// The live value that it had before tune; `None` where nobody could tell, as in an image.
    pub before: Option<u64>,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DropIn {
    /// Its keys.
    pub entries: Vec<Entry>,
    /// The directory was made for it.
    pub made_directory: bool,
}

/// The file was not written by tune, or was changed so that the previous values are lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DropInError {
    /// It does not begin with tune's mark.
    #[error("was not written by nospace tune: move it away")]
    Unmarked,
    /// A line says something else.
    #[error("line {0} was not written by tune: move it to another file or delete it")]
    Line(usize),
}

impl DropIn {
    /// Reads what [`DropIn::render`] wrote.
    ///
    /// # Errors
    ///
    /// [`DropInError`]: nothing may then be overwritten.
    pub fn parse(bytes: &[u8]) -> Result<Self, DropInError> {
        let text = lossy(bytes);
        let mut lines = text.lines().enumerate();
        if lines.next().map(|(_, line)| line) != Some(MARK) {
            return Err(DropInError::Unmarked);
        }
        let mut read = Self::default();
        let mut before = None;
        for (at, line) in lines {
            let foreign = DropInError::Line(at + 1);
            if line == DIRECTORY {
                read.made_directory = true;
            } else if let Some(kept) = line.strip_prefix(BEFORE) {
                before = Some(assignment(kept).ok_or(foreign)?);
            } else if !line.is_empty() {
                let (key, Some(value)) = assignment(line).ok_or(foreign.clone())? else {
                    return Err(foreign);
                };
                let (_, before) = before.take().filter(|(of, _)| *of == key).ok_or(foreign)?;
                read.entries.push(Entry { key, value, before });
            }
        }
        Ok(read)
    }

    /// The text of the file.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = format!("{MARK}\n");
        if self.made_directory {
            let _infallible = writeln!(text, "{DIRECTORY}");
        }
        for Entry { key, value, before } in &self.entries {
            let before = before.map_or(UNSET.to_owned(), |value| value.to_string());
            let _infallible = writeln!(text, "{BEFORE}{key} = {before}\n{key} = {value}");
        }
        text
    }

    /// Sets a key. What it was before tune stays as it is kept.
    pub fn set(&mut self, key: &str, value: u64, before: Option<u64>) {
        match self.entries.iter_mut().find(|entry| entry.key == key) {
            Some(entry) => entry.value = value,
            None => self.entries.push(Entry {
                key: key.to_owned(),
                value,
                before,
            }),
        }
    }

    /// The value that it gives a key.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<u64> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some(entry.value)
    }
}

fn assignment(line: &str) -> Option<(String, Option<u64>)> {
    let (key, value) = line.split_once(" = ")?;
    let value = match value {
        UNSET => None,
        value => Some(value.parse().ok()?),
    };
    Some((key.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::sysctl::{Reader, assignments};
    use proptest::prelude::*;

    fn any_drop_in() -> impl Strategy<Value = DropIn> {
        let entry = (
            "[a-z]{1,8}(\\.[a-z_]{1,8}){1,2}",
            any::<u64>(),
            any::<Option<u64>>(),
        );
        (prop::collection::vec(entry, 0..5), any::<bool>()).prop_map(|(all, made_directory)| {
            let mut made = DropIn {
                made_directory,
                ..DropIn::default()
            };
            for (key, value, before) in all {
                made.set(&key, value, before);
            }
            made
        })
    }

    proptest! {
        #[test]
        fn it_reads_what_it_wrote_and_so_do_the_others(written in any_drop_in()) {
            let text = written.render();
            prop_assert_eq!(DropIn::parse(text.as_bytes()), Ok(written.clone()));
            for reader in [Reader::Systemd, Reader::Procps] {
                let set = assignments(text.as_bytes(), reader);
                let set: Vec<_> = set.iter().map(|a| (a.key.clone(), a.value.clone())).collect();
                let entries = written.entries.iter();
                let wanted: Vec<_> = entries.map(|e| (e.key.clone(), Some(e.value.to_string()))).collect();
                prop_assert_eq!(set, wanted);
            }
        }

        #[test]
        fn half_a_file_is_never_taken_for_another(written in any_drop_in(), cut in 0_usize..400) {
            let text = written.render();
            let half = &text.as_bytes()[..cut.min(text.len())];
            if let Ok(read) = DropIn::parse(half) {
                prop_assert!(read.entries.len() <= written.entries.len());
            }
        }
    }

    #[test]
    fn what_others_wrote_is_not_touched() {
        assert_eq!(
            DropIn::parse(b"fs.file-max = 5\n"),
            Err(DropInError::Unmarked)
        );
        assert_eq!(DropIn::parse(b""), Err(DropInError::Unmarked));
        let more = format!("{MARK}\n\nvm.swappiness = 1\n");
        assert_eq!(DropIn::parse(more.as_bytes()), Err(DropInError::Line(3)));
        let comment = format!("{MARK}\n# mine\n");
        assert_eq!(DropIn::parse(comment.as_bytes()), Err(DropInError::Line(2)));
    }

    #[test]
    fn the_first_before_stays() {
        let mut file = DropIn::default();
        file.set("fs.file-max", 10, Some(5));
        file.set("fs.file-max", 20, Some(10));
        assert_eq!(
            (file.value("fs.file-max"), file.entries[0].before),
            (Some(20), Some(5))
        );
    }
}
