//! Makes nospace's generated files: `cargo xtask TASK`.

mod man;
mod picture;
mod schema;

use anyhow::{Result, bail};

const USAGE: &str = "cargo xtask man                 writes man pages to target/man/
cargo xtask schema              writes docs/schema/check.schema.json
cargo xtask picture [COMMAND]   reads styled text on stdin, writes it as SVG on stdout";

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("man") => man::write(),
        Some("schema") => schema::write(),
        Some("picture") => picture::write(arguments.next()),
        _ => bail!("what to make?\n{USAGE}"),
    }
}
