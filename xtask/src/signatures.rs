//! docs/signatures.md, from the table of signatures.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result};
use nospace_core::cause::Cause;
use nospace_core::signatures::{Signature, Table};

const INTRODUCTION: &str = "# What log lines mean

Made by `cargo xtask signatures` from crates/core/src/signatures/builtin.toml: do not edit. `nospace explain --list` prints
the same table; `nospace explain --signatures FILE.toml` adds entries of the same format.

Of the entries that match a line the surest wins (certain, likely, possible), then the one whose match ends later, then the one that
stands first in the table. Letter case is ignored, and the escapes of quotes are undone before.
";

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/signatures.md");

pub fn write() -> Result<()> {
    fs::write(PAGE, page(&Table::builtin()?)?).context(PAGE)
}

fn page(table: &Table) -> Result<String> {
    let mut text = INTRODUCTION.to_owned();
    for cause in Cause::ALL {
        let of_cause: Vec<&Signature> = table
            .signatures()
            .iter()
            .filter(|s| s.cause == *cause)
            .collect();
        if of_cause.is_empty() {
            continue;
        }
        write!(text, "\n## [{cause}](causes/{cause}.md)\n")?;
        for signature in of_cause {
            entry(&mut text, signature)?;
        }
    }
    Ok(text)
}

fn entry(text: &mut String, signature: &Signature) -> Result<()> {
    let Signature {
        id,
        program,
        source,
        ..
    } = signature;
    let others: Vec<&str> = signature.or.iter().map(|c| c.code()).collect();
    write!(
        text,
        "\n**{id}**: {program}, {}",
        signature.confidence.word()
    )?;
    if !others.is_empty() {
        write!(text, ", or {}", others.join(", "))?;
    }
    writeln!(
        text,
        " ([source]({source}))\n\n```text\n{}\n```",
        signature.example
    )?;
    if let Some(note) = &signature.note {
        writeln!(text, "\n{note}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_that_of_the_table() -> Result<()> {
        let made = page(&Table::builtin()?)?;
        let written = fs::read_to_string(PAGE)?;
        anyhow::ensure!(
            made == written,
            "docs/signatures.md is stale: run cargo xtask signatures"
        );
        Ok(())
    }
}
