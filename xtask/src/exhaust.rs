//! The table in docs/exhaust.md, from that of scenarios.

use std::fs;

use anyhow::{Context as _, Result};
use nospace::exhaust::scenarios::SCENARIOS;

const BEGIN: &str = "<!-- scenarios: made by cargo xtask exhaust -->\n";
const END: &str = "<!-- end of scenarios -->\n";
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/exhaust.md");

pub fn write() -> Result<()> {
    let page = fs::read_to_string(PAGE).context(PAGE)?;
    fs::write(PAGE, with_table(&page)?).context(PAGE)
}

fn with_table(page: &str) -> Result<String> {
    let (before, rest) = page
        .split_once(BEGIN)
        .context("docs/exhaust.md has no table")?;
    let (_, after) = rest
        .split_once(END)
        .context("docs/exhaust.md has no end of the table")?;
    let rows: String = SCENARIOS.iter().map(|scenario| scenario.row()).collect();
    let head = "| resource | what is used up | what fails, and how | cause |\n|---|---|---|---|\n";
    Ok(format!("{before}{BEGIN}{head}{rows}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_scenario() -> Result<()> {
        let page = fs::read_to_string(PAGE)?;
        anyhow::ensure!(
            with_table(&page)? == page,
            "docs/exhaust.md is old; run cargo xtask exhaust"
        );
        Ok(())
    }
}
