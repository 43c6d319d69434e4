//! What is wrong: one rule a file, pure functions over the attributed snapshot.
