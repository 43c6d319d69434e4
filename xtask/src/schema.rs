//! JSON Schemas of the documents that nospace prints, from their types.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use nospace::exhaust::ExhaustSummary;
use nospace::guard::{GuardLine, GuardProbe};
use nospace::trace::TraceLine;
use nospace_core::diff::Difference;
use nospace_core::explain::Explanation;
use nospace_core::fleet::{Fleet, Summary};
use nospace_core::history::HistoryDocument;
use nospace_core::plan::Plan;
use nospace_core::report::Report;
use nospace_core::tune::Tuning;
use nospace_core::tune::formats::PlatformDocument;
use nospace_core::watches::WatchesReport;
use schemars::Schema;

pub fn write() -> Result<()> {
    let all: [(&str, Schema); 14] = [
        ("check", schemars::schema_for!(Report)),
        ("history", schemars::schema_for!(HistoryDocument)),
        ("explain", schemars::schema_for!(Explanation)),
        ("plan", schemars::schema_for!(Plan)),
        ("watches", schemars::schema_for!(WatchesReport)),
        ("tune", schemars::schema_for!(Tuning)),
        ("tune-for", schemars::schema_for!(PlatformDocument)),
        ("trace", schemars::schema_for!(TraceLine)),
        ("guard", schemars::schema_for!(GuardProbe)),
        ("guard-line", schemars::schema_for!(GuardLine)),
        ("diff", schemars::schema_for!(Difference)),
        ("summary", schemars::schema_for!(Summary)),
        ("cluster", schemars::schema_for!(Fleet)),
        ("exhaust", schemars::schema_for!(ExhaustSummary)),
    ];
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schema");
    fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
    for (command, schema) in all {
        let path = directory.join(format!("{command}.schema.json"));
        let mut text = serde_json::to_string_pretty(&schema)?;
        text.push('\n');
        fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    Ok(())
}
