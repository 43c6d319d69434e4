//! Makes nospace's generated files: `cargo xtask TASK`.

mod man;
mod picture;
mod schema;

use anyhow::{Result, bail};

const USAGE: &str = "cargo xtask man       writes man pages to target/man/
cargo xtask schema    writes docs/schema/*.schema.json
cargo xtask picture   reads styled text on stdin, writes it as SVG on stdout";

fn main() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("man") => man::write(),
        Some("schema") => schema::write(),
        Some("picture") => picture::write(),
        _ => bail!("what to make?\n{USAGE}"),
    }
}
