//! docs/metrics.md, from the catalogue.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

pub fn write() -> Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
    fs::write(&path, nospace_core::metrics::page()).with_context(|| path.display().to_string())
}
