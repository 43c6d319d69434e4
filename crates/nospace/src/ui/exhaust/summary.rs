use std::time::Duration;

use nospace_core::amount::duration;

use super::words::{amount, figure};
use crate::exhaust::{EndReason, ExhaustSummary, Unit, scenarios};
use crate::ui::screen::Screen;
use crate::ui::{Page, number, style};

/// The result.
#[must_use]
pub fn summary(document: &ExhaustSummary, screen: &Screen) -> Page {
    let mut page = Page::new(screen.width, screen.charset);
    let unit = scenarios::of(document.target).unit;
    let title = page.line().put(
        style::BOLD,
        &format!(
            "Held {} of {}",
            amount(document.held, unit),
            document.subject
        ),
    );
    page.add(title.plain(&format!(
        " for {}, all released: {}",
        duration(Duration::from_millis(document.held_ms)),
        match document.ended {
            EndReason::Time => "time is up",
            EndReason::Signal => "stopped by a signal",
            EndReason::Command => "the command exited",
        }
    )));
    let before = page.indented();
    page.wrapped(before, style::DIM, &details(document, unit));
    page
}

fn details(document: &ExhaustSummary, unit: Unit) -> String {
    let mut parts = Vec::new();
    if let Some(left) = document.left {
        let limit = document.limit.map_or(String::new(), |limit| {
            format!(" of {}", figure(limit, unit))
        });
        parts.push(format!("{}{limit} left", figure(left, unit)));
    }
    if let Some(error) = &document.refused {
        parts.push(format!("the kernel refused more ({error})"));
    }
    parts.push(format!(
        "using them up took {}",
        duration(Duration::from_millis(document.took_ms))
    ));
    if document.inodes > 0 {
        let inodes = number::count(document.inodes, "inode", "inodes");
        parts.push(match document.instances {
            0 => format!("needed {inodes}"),
            n => format!(
                "needed {inodes} and {}",
                number::count(n, "instance", "instances")
            ),
        });
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use nospace_core::cause::Cause;
    use nospace_core::model::Provenance;

    use super::*;
    use crate::exhaust::Target;

    fn document() -> ExhaustSummary {
        ExhaustSummary {
            schema_version: 1,
            target: Target::Watches,
            cause: Cause::InotifyWatches,
            subject: "uid 0".into(),
            pid: 7,
            limit: Some(192_536),
            used_before: 36,
            provenance: Provenance::Exact,
            held: 192_000,
            left: Some(500),
            refused: None,
            inodes: 3000,
            instances: 64,
            took_ms: 412,
            held_ms: 300_000,
            ended: EndReason::Time,
            command_status: None,
        }
    }

    #[test]
    fn what_came_of_it() {
        let mut text = Vec::new();
        let page = summary(&document(), &Screen::default());
        page.write(&mut anstream::StripStream::new(&mut text))
            .unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "Held 192,000 watches of uid 0 for 5 min, all released: time is up\n  \
             500 of 192,536 left; using them up took 0.4 s; needed 3,000 inodes and 64\n  instances\n"
        );
    }

    #[test]
    fn json_holds_to_the_schema() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../docs/schema/exhaust.schema.json"
        );
        let text = std::fs::read_to_string(path).unwrap();
        let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
        let made = serde_json::to_value(schemars::schema_for!(ExhaustSummary)).unwrap();
        assert_eq!(schema, made, "run: cargo xtask schema");
        let validator = jsonschema::validator_for(&schema).unwrap();
        let mut value = serde_json::to_value(document()).unwrap();
        assert!(validator.is_valid(&value));
        value["target"] = "guess".into();
        assert!(!validator.is_valid(&value));
    }
}
