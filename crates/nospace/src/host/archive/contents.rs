use std::collections::HashMap;

use super::{Answer, Head, Question};

/// An archive, or one sample of a timeline, in memory.
#[derive(Debug)]
pub struct Contents {
    /// Who asked, and when.
    pub head: Head,
    /// Files by [`super::key`].
    pub files: HashMap<String, Vec<u8>>,
    /// Every other answer.
    pub answers: Answers,
}

impl Contents {
    /// Of an archive of which only the head is known.
    #[must_use]
    pub fn empty(head: &Head) -> Self {
        Self {
            head: head.clone(),
            files: HashMap::new(),
            answers: Answers::default(),
        }
    }
}

/// Answers, each with the memory that was charged for it.
#[derive(Debug, Default)]
pub struct Answers(HashMap<Question, (Answer, u64)>);

impl Answers {
    /// The answer to this question.
    #[must_use]
    pub fn get(&self, question: &Question) -> Option<&Answer> {
        self.0.get(question).map(|(answer, _)| answer)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps an answer that takes `cost` bytes; what the one that it replaces took.
    pub fn insert(&mut self, question: Question, answer: Answer, cost: u64) -> u64 {
        let replaced = self.0.insert(question, (answer, cost));
        replaced.map_or(0, |(_, cost)| cost)
    }

    /// Drops an answer; what it took, or `None` where there is none.
    pub fn remove(&mut self, question: &Question) -> Option<u64> {
        self.0.remove(question).map(|(_, cost)| cost)
    }
}
