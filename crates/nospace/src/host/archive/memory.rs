//! What an archive takes in memory once it is read, which is more than its bytes: three bytes of JSON make a name.

use anyhow::bail;

/// Bytes of memory that an archive may take. No recorded node takes more; a bomb does.
pub const MAX_MEMORY: u64 = 256 << 20;

/// For an element of a list, the largest being a name: its place in a vector that grows (three times 24 bytes while it does),
/// and its own allocation.
const ELEMENT: u64 = 128;
/// For an answer beside its elements: question and answer in a map that grows.
const ANSWER: u64 = 512;
/// For a file beside its name and contents.
const FILE: u64 = 256;

/// What a line of answers takes at most, its own bytes included.
pub fn of_answer(line: &[u8]) -> u64 {
    let begins = |byte: &&u8| matches!(byte, b',' | b'[' | b'{');
    let elements = line.iter().filter(begins).count() as u64;
    ANSWER + line.len() as u64 + elements * ELEMENT
}

/// What a file of that many bytes takes at most.
pub fn of_file(name: &str, length: u64) -> u64 {
    length.saturating_add(FILE + 2 * name.len() as u64)
}

/// Memory that is left.
#[derive(Debug)]
pub struct Budget(u64);

impl Default for Budget {
    fn default() -> Self {
        Self(MAX_MEMORY)
    }
}

impl Budget {
    /// Bytes that are left.
    pub fn left(&self) -> u64 {
        self.0
    }

    /// Takes `bytes`.
    ///
    /// # Errors
    ///
    /// They are more than what is left.
    pub fn take(&mut self, bytes: u64) -> anyhow::Result<()> {
        let Some(left) = self.0.checked_sub(bytes) else {
            bail!(
                "it would take more than {} MiB of memory, which no recorded node does",
                MAX_MEMORY >> 20
            );
        };
        self.0 = left;
        Ok(())
    }

    /// What was taken and is free again.
    pub fn give_back(&mut self, bytes: u64) {
        self.0 = self.0.saturating_add(bytes).min(MAX_MEMORY);
    }
}
