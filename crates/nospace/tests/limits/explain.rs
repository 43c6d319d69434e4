//! What `explain` makes of the words of a program that was refused.

use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use nospace_core::cause::Cause;
use nospace_core::explain::{ExplainedCause, Explanation, Verdict};

use crate::place::Place;

/// `explain` names this cause for `words`.
pub fn names(nospace: Command, words: &str, cause: Cause) -> anyhow::Result<()> {
    let first = first_cause(nospace, words)?;
    ensure!(
        first.decided.unwrap_or(first.cause) == cause,
        "{words:?}: {first:?}"
    );
    Ok(())
}

/// A program that is refused, and what `explain` makes of its words.
pub struct Victim {
    /// For the shell.
    script: String,
    /// The node shows it, too: not where the program's own limit was used up, and it has gone, nor where the words do not
    /// show which budget it was.
    confirmed: bool,
    /// What is wrong with `explain`, which does not name the cause.
    known_failure: Option<&'static str>,
}

impl Victim {
    /// What this shell script prints must be explained.
    pub fn new(script: impl Into<String>) -> Option<Self> {
        Some(Self {
            script: script.into(),
            confirmed: true,
            known_failure: None,
        })
    }

    /// What this shell script prints, which uses up a limit of its own, must be explained.
    pub fn of_its_own(script: impl Into<String>) -> Option<Self> {
        Some(Self {
            script: script.into(),
            confirmed: false,
            known_failure: None,
        })
    }

    /// What this shell script prints must be explained; it does not tell which user's or namespace's budget refused.
    pub fn of_anybody(script: impl Into<String>) -> Option<Self> {
        Self::of_its_own(script)
    }

    /// What this shell script prints should be explained, and is not.
    pub fn unexplained(script: impl Into<String>, why: &'static str) -> Option<Self> {
        Some(Self {
            script: script.into(),
            confirmed: true,
            known_failure: Some(why),
        })
    }

    /// It is refused here and says so, and `explain`, here, names the cause, which the node confirms.
    pub fn explained(&self, place: &Place, cause: Cause) -> anyhow::Result<()> {
        let mut shell = place.command("/bin/sh")?;
        let output = shell
            .args(["-c", &self.script])
            .env("LC_ALL", "C.UTF-8")
            .output()?;
        let words = String::from_utf8_lossy(&output.stderr);
        ensure!(!words.is_empty(), "{}: it says nothing", self.script);
        let confirmed = first_cause(place.nospace()?, &words).and_then(|first| {
            let named = first.decided.unwrap_or(first.cause) == cause;
            let confirmed = !self.confirmed || first.node == Verdict::Confirms;
            ensure!(named && confirmed, "{words:?}: {first:?}");
            Ok(())
        });
        match (confirmed, self.known_failure) {
            (Ok(()), Some(why)) => {
                bail!("explained now, so it is no known failure any more: {why}")
            }
            (Err(_), Some(_)) => Ok(()),
            (done, None) => done,
        }
    }
}

fn first_cause(mut nospace: Command, words: &str) -> anyhow::Result<ExplainedCause> {
    let mut explain = nospace
        .args(["explain", "-o", "json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input = explain.stdin.take().context("no pipe")?;
    input.write_all(words.as_bytes())?;
    drop(input);
    let answer = explain.wait_with_output()?;
    let answer: Explanation = serde_json::from_slice(&answer.stdout)?;
    let first = answer.causes.into_iter().next();
    first.with_context(|| format!("nothing in {words:?}"))
}
