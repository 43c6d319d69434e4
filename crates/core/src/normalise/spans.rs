use std::ops::Range;

/// A text that was made from another one, and which part of that each of its bytes stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spans {
    pub text: Vec<u8>,
    starts: Vec<u32>,
    ends: Vec<u32>,
}

impl Spans {
    /// `text` itself.
    pub fn identity(text: &[u8]) -> Self {
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let text = &text[..length as usize];
        Self {
            text: text.to_vec(),
            starts: (0..length).collect(),
            ends: (1..=length).collect(),
        }
    }

    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            text: Vec::with_capacity(bytes),
            starts: Vec::with_capacity(bytes),
            ends: Vec::with_capacity(bytes),
        }
    }

    /// Appends `range` of `from`.
    pub fn copy(&mut self, from: &Self, range: Range<usize>) {
        self.text.extend_from_slice(&from.text[range.clone()]);
        self.starts.extend_from_slice(&from.starts[range.clone()]);
        self.ends.extend_from_slice(&from.ends[range]);
    }

    /// Appends `text`, which stands for all of `range` of `from`.
    pub fn replace(&mut self, from: &Self, range: Range<usize>, text: &[u8]) {
        let Some(origin) = from.origin(range) else {
            return;
        };
        self.text.extend_from_slice(text);
        let all = self.text.len();
        self.starts.resize(all, origin.start);
        self.ends.resize(all, origin.end);
    }

    /// What `range` stands for, in bytes of the first text.
    pub fn original(&self, range: Range<usize>) -> Range<usize> {
        match self.origin(range.clone()) {
            Some(origin) => origin.start as usize..origin.end as usize,
            None => {
                let at = self.starts.get(range.start).or(self.ends.last());
                let at = at.map_or(0, |at| *at as usize);
                at..at
            }
        }
    }

    fn origin(&self, range: Range<usize>) -> Option<Range<u32>> {
        let starts = self.starts.get(range.clone())?;
        let ends = self.ends.get(range)?;
        Some(*starts.first()?..*ends.last()?)
    }
}
