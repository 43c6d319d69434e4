//! What tune says, and its JSON.

use std::path::Path;

use nospace::ui::screen::Screen;
use nospace::ui::tune::{Options, draw};
use nospace_core::model::BootValue;
use nospace_core::parse::sysctl::Reader;
use nospace_core::report::{Remedy, UserRef};
use nospace_core::tune::formats::PlatformDocument;
use nospace_core::tune::{
    Action, Change, DROP_IN, FileStep, NamespaceLimit, OtherSetting, PlatformAdvice, SettingSource,
    Step, StepState, Tuning,
};
use serde_json::Value;

fn line(file: &str, line: u32, value: &str) -> BootValue {
    BootValue {
        value: value.to_owned(),
        file: file.to_owned(),
        line,
    }
}

fn change(key: &str, current: u64, proposed: u64) -> Change {
    Change {
        key: key.to_owned(),
        current: Some(current),
        proposed: Some(proposed),
        reason: "what EKS, RKE2 and kube-up give a node".to_owned(),
        memory_bytes: Some(proposed * 1_280),
        each: "each user".to_owned(),
        live: StepState::Planned.into(),
        persistent: StepState::Planned.into(),
        at_boot: None,
        next_boot: Some(line(DROP_IN, 3, &proposed.to_string())),
        setters: Vec::new(),
    }
}

/// A node with everything in the way.
fn shown() -> Tuning {
    let mut watches = change("fs.inotify.max_user_watches", 8_192, 524_288);
    let place = "/etc/sysctl.d/zzz-late.conf";
    watches.at_boot = Some(line(place, 3, "8192"));
    watches.next_boot = watches.at_boot.clone();
    watches.setters = vec![
        OtherSetting {
            source: SettingSource::Sysctl,
            file: "/usr/lib/sysctl.d/50-default.conf".to_owned(),
            line: Some(7),
            value: "4096".to_owned(),
            overrides: false,
            advice: None,
        },
        OtherSetting {
            source: SettingSource::Sysctl,
            file: place.to_owned(),
            line: Some(3),
            value: "8192".to_owned(),
            overrides: true,
            advice: Some("It has the last word at the next boot: delete the line".to_owned()),
        },
    ];
    Tuning {
        schema_version: 1,
        taken_at: "2026-01-01T00:00:00Z".to_owned(),
        node: "n1\u{1b}[31m".to_owned(),
        memory_bytes: Some(16 << 30),
        action: Action::Show,
        reader: Reader::Systemd,
        platform: PlatformAdvice::of(b"ID=rhcos\n", &[]),
        changes: vec![change("fs.inotify.max_user_instances", 128, 8_192), watches],
        file: FileStep {
            path: DROP_IN.to_owned(),
            existed: false,
            remains: true,
            step: StepState::Planned.into(),
        },
        notes: vec![
            "fs.inotify.max_user_watches is 8192, but a file says something else".to_owned(),
        ],
        namespaces: vec![NamespaceLimit {
            user: UserRef {
                uid: 100_000,
                user_namespace: 4_026_532_200,
            },
            user_name: Some("web\u{1b}[0m".to_owned()),
            key: "user.max_inotify_watches".to_owned(),
            used: 100,
            limit: 100,
            remedies: vec![Remedy {
                command: "nsenter -t 42 -U sysctl -w user.max_inotify_watches=524288".to_owned(),
                why: "there".to_owned(),
            }],
        }],
    }
}

fn failed() -> Tuning {
    let mut tuning = shown();
    tuning.action = Action::Apply;
    tuning.file.step = Step::failed("/etc/sysctl.d/zz-nospace.conf: No space left on device");
    for change in &mut tuning.changes {
        change.live = StepState::Done.into();
        change.persistent = Step::failed("the file could not be written");
    }
    tuning
}

fn reverted() -> Tuning {
    let mut tuning = shown();
    tuning.action = Action::Revert;
    tuning.file.step = StepState::Done.into();
    tuning.notes.clear();
    tuning.namespaces.clear();
    for change in &mut tuning.changes {
        change.live = StepState::Done.into();
        change.persistent = StepState::Unneeded.into();
        change.memory_bytes = None;
        change.setters.clear();
    }
    tuning.changes[0].live = Step::skipped("somebody has set it to 16384 since");
    tuning
}

fn all() -> [(&'static str, Tuning, Option<&'static str>); 3] {
    [
        ("shown", shown(), Some("nospace tune --apply")),
        ("failed", failed(), Some("nospace tune --revert")),
        ("reverted", reverted(), None),
    ]
}

#[test]
fn golden() {
    for (name, tuning, next) in all() {
        for width in [60, 80, 120] {
            let options = Options {
                screen: Screen {
                    width,
                    ..Screen::default()
                },
                next: next.map(str::to_owned),
            };
            let mut out = Vec::new();
            draw(&tuning, &options).write(&mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            let plain = anstream::adapter::strip_str(&text).to_string();
            assert!(!plain.contains('\u{1b}'));
            insta::assert_snapshot!(format!("tune-{name}-{width}"), plain);
        }
    }
}

fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/tune.schema.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_schema_is_current_and_samples_hold_to_it() {
    let made = serde_json::to_value(schemars::schema_for!(Tuning)).unwrap();
    assert_eq!(schema(), made, "run: cargo xtask schema");
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for (name, tuning, _) in all() {
        let mut value = serde_json::to_value(&tuning).unwrap();
        assert!(validator.is_valid(&value), "{name}");
        assert_eq!(
            serde_json::from_value::<Tuning>(value.clone()).unwrap(),
            tuning
        );
        value["changes"][0]["live"]["state"] = "guessed".into();
        assert!(!validator.is_valid(&value), "{name}");
    }
}

#[test]
fn the_schema_of_platform_documents_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/tune-for.schema.json");
    let written: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let made = serde_json::to_value(schemars::schema_for!(PlatformDocument)).unwrap();
    assert_eq!(written, made, "run: cargo xtask schema");
}
