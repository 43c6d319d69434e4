//! What a victim says, explained.

use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use nospace_core::cause::Cause;
use nospace_core::explain::{Explanation, Verdict};

use crate::support::NOSPACE;

/// What `explain` makes of `words`.
pub fn explanation(words: &str) -> anyhow::Result<Explanation> {
    let mut explain = Command::new(NOSPACE)
        .args(["explain", "-o", "json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input = explain.stdin.take().context("no pipe")?;
    input.write_all(words.as_bytes())?;
    drop(input);
    let answer = explain.wait_with_output()?;
    Ok(serde_json::from_slice(&answer.stdout)?)
}

/// `explain` names this cause for `words`, and the node confirms it, where the words show which budget it is.
pub fn explained(words: &str, cause: Cause) -> anyhow::Result<()> {
    let answer = explanation(words)?;
    let first = answer.causes.first();
    let first = first.with_context(|| format!("nothing in {words:?}"))?;
    let named = first.decided.unwrap_or(first.cause);
    let of_anybody = matches!(
        cause,
        Cause::InotifyInstances | Cause::InotifyWatches | Cause::MountLimit
    );
    let shown = first.node == Verdict::Confirms || of_anybody && first.node == Verdict::Unknown;
    ensure!(named == cause && shown, "{words:?}: {first:?}");
    Ok(())
}
