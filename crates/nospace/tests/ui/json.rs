use std::path::Path;

use jsonschema::Validator;
use nospace::output::{Part, json};
use nospace_core::report::{Owner, PodPart, Report};
use serde_json::Value;

use crate::samples;

fn printed(report: &Report) -> String {
    let mut out = Vec::new();
    json::write(report, Part::Whole, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/check.schema.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub fn validator() -> Validator {
    jsonschema::validator_for(&schema()).unwrap()
}

#[test]
fn the_schema_is_current() {
    let made = serde_json::to_value(schemars::schema_for!(Report)).unwrap();
    assert_eq!(schema(), made, "run: cargo xtask schema");
}

#[test]
fn samples_hold_to_the_schema_and_read_back() {
    let validator = validator();
    for (name, report) in samples::all() {
        let text = printed(&report);
        let value: Value = serde_json::from_str(&text).unwrap();
        let errors: Vec<_> = validator
            .iter_errors(&value)
            .map(|e| format!("{}: {e}", e.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
        assert_eq!(
            serde_json::from_str::<Report>(&text).unwrap(),
            report,
            "{name}"
        );
    }
}

/// A schema that accepts everything would pass the test above.
#[test]
fn the_schema_refuses_what_is_wrong() {
    let right: Value = serde_json::from_str(&printed(&samples::watches_exhausted())).unwrap();
    let wrong = [
        ("/schemaVersion", Value::from("one")),
        ("/users/0/instances/provenance", Value::from("guessed")),
        ("/findings/0/cause", Value::from("no-such-cause")),
        ("/processes/0/owner/kind", Value::from("ghost")),
        ("/forecast/kubeletStart/verdict", Value::Null),
    ];
    let validator = validator();
    for (pointer, bad) in wrong {
        let mut value = right.clone();
        *value.pointer_mut(pointer).unwrap() = bad;
        assert!(!validator.is_valid(&value), "{pointer}");
    }
    let mut without = right;
    without.as_object_mut().unwrap().remove("findings");
    assert!(!validator.is_valid(&without));
}

#[test]
fn samples_cover_every_owner_and_every_null() {
    let reports: Vec<Report> = samples::all()
        .into_iter()
        .map(|(_, report)| report)
        .collect();
    let owners: Vec<&Owner> = reports
        .iter()
        .flat_map(|r| &r.processes)
        .map(|p| &p.owner)
        .collect();
    let parts = [PodPart::Container, PodPart::Sandbox, PodPart::Shim];
    assert!(owners.contains(&&Owner::Host));
    assert!(owners.iter().any(|o| matches!(o, Owner::Unit { .. })));
    assert!(
        owners
            .iter()
            .any(|o| matches!(o, Owner::Container { name: None, .. }))
    );
    assert!(
        owners
            .iter()
            .any(|o| matches!(o, Owner::Container { name: Some(_), .. }))
    );
    for wanted in parts {
        assert!(
            owners
                .iter()
                .any(|o| matches!(o, Owner::Pod { part, .. } if *part == wanted)),
            "{wanted:?}"
        );
    }
    let texts: String = reports.iter().map(printed).collect();
    for null in [
        "error",
        "limits",
        "limit",
        "drawsOn",
        "name",
        "container",
        "kubeletStart",
        "kubeletPid",
        "instances",
        "watches",
    ] {
        assert!(texts.contains(&format!("\"{null}\": null")), "{null}");
    }
}

/// The fields that the contract promises to scripts, by name.
#[test]
fn every_promised_field_is_there() {
    let promised = [
        (
            "",
            "schemaVersion takenAt node collectors limits users processes pods resources forecast findings",
        ),
        ("/node", "name kernel cgroupVersion"),
        ("/collectors/0", "name source provenance durationMs error"),
        ("/limits", "maxUserInstances maxUserWatches maxQueuedEvents"),
        (
            "/users/0",
            "uid userNamespace instances watches unattributed",
        ),
        ("/users/0/instances", "used limit provenance"),
        ("/users/0/watches", "used limit provenance"),
        ("/users/0/unattributed", "instances watches"),
        ("/processes/0", "pid comm instances watches owner"),
        ("/processes/0/owner", "kind"),
        ("/pods/0", "namespace name uid instances watches containers"),
        ("/pods/0/containers/0", "name id instances watches"),
        ("/resources/0", "cause subject used limit provenance"),
        (
            "/forecast/kubeletStart",
            "verdict watchesNeeded watchesFree instancesNeeded instancesFree",
        ),
        (
            "/findings/0",
            "cause rule severity subject title evidence culprits culpritPods groups victims remedies",
        ),
        ("/findings/0/remedies/0", "command why"),
    ];
    let value: Value = serde_json::from_str(&printed(&samples::watches_exhausted())).unwrap();
    for (place, names) in promised {
        let object = value.pointer(place).and_then(Value::as_object).unwrap();
        for name in names.split(' ') {
            assert!(object.contains_key(name), "{place}/{name}");
        }
    }
}

#[test]
fn it_ends_with_one_newline_and_steers_no_terminal() {
    for (name, report) in samples::all() {
        let text = printed(&report);
        assert!(text.ends_with("}\n"), "{name}");
        let steers = |c: char| c != '\n' && nospace::ui::is_invisible(c);
        assert_eq!(text.chars().find(|&c| steers(c)), None, "{name}");
    }
}
