use std::time::Duration;

use super::{amount, figure, span};
use crate::exhaust::{EndReason, ExhaustSummary};
use crate::ui::screen::Screen;
use crate::ui::{Page, style};

/// What came of it.
#[must_use]
pub fn summary(document: &ExhaustSummary, screen: &Screen) -> Page {
    let mut page = Page::new(screen.width, screen.charset);
    let title = page.line().put(
        style::BOLD,
        &format!(
            "Held {} of {}",
            amount(document.held, document.target),
            document.subject
        ),
    );
    page.add(title.plain(&format!(
        " for {}, all given back: {}",
        span(Duration::from_millis(document.held_ms)),
        match document.ended {
            EndReason::Time => "the time was up",
            EndReason::Signal => "a signal came",
            EndReason::Command => "the command has ended",
        }
    )));
    let before = page.indented();
    page.wrapped(before, style::DIM, &details(document));
    page
}

fn details(document: &ExhaustSummary) -> String {
    let target = document.target;
    let mut parts = Vec::new();
    if let Some(left) = document.left {
        let limit = document.limit.map_or(String::new(), |limit| {
            format!(" of {}", figure(limit, target))
        });
        parts.push(format!("{}{limit} were left", figure(left, target)));
    }
    if let Some(error) = &document.refused {
        parts.push(format!("the kernel refused more with {error}"));
    }
    parts.push(format!(
        "taking took {}",
        span(Duration::from_millis(document.took_ms))
    ));
    if document.inodes > 0 {
        parts.push(format!(
            "{} inodes and {} instances were needed",
            document.inodes, document.instances
        ));
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
            "Held 192000 watches of uid 0 for 5m, all given back: the time was up\n  \
             500 of 192536 were left; taking took 0.4s; 3000 inodes and 64 instances were\n  needed\n"
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
