//! The JSON Schema of `nospace check -o json`, from the types that it prints.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use nospace_core::report::Report;

pub fn write() -> Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schema/check.schema.json");
    let mut text = serde_json::to_string_pretty(&schemars::schema_for!(Report))?;
    text.push('\n');
    fs::create_dir_all(path.parent().context("docs/schema")?)?;
    fs::write(&path, text).with_context(|| path.display().to_string())
}
