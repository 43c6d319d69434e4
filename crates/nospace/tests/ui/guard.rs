//! What guard --probe says, and its JSON.

use std::path::Path;

use assert_cmd::cargo::cargo_bin;
use nospace::guard::{GuardProbe, ReserveVerdict, tried};
use nospace::ui::guard::draw;
use nospace::ui::screen::Screen;
use nospace_bpf::guard::{Hook, Outcome, Preemption, Probe, Trial};
use serde_json::Value;

fn probe(outcomes: [Outcome; 5], preemption: Preemption, modules: Option<&str>) -> GuardProbe {
    let trial = |(hook, outcome)| Trial {
        hook,
        outcome,
        reason: match outcome {
            Outcome::Works => String::new(),
            _ => format!("why {} did not\u{1b}[31m", Hook::name(hook)),
        },
    };
    let probe = Probe {
        trials: Hook::ALL.into_iter().zip(outcomes).map(trial).collect(),
        preemption,
        modules: modules.map(str::to_owned),
    };
    tried(&probe, "6.1.0")
}

fn without_anything() -> GuardProbe {
    // As the command makes it of an error.
    GuardProbe {
        obstacle: Some("needs CAP_BPF and CAP_PERFMON; run as root".to_owned()),
        hooks: Vec::new(),
        preemptible: None,
        security_modules: None,
        ..probe([Outcome::Untested; 5], Preemption::No, None)
    }
}

fn all() -> [(&'static str, GuardProbe); 4] {
    use Outcome::{Missing, Refused, Silent, Works};
    let full = Preemption::Yes("full preemption, by the kernel's command line".to_owned());
    [
        (
            "enforce",
            probe(
                [Works, Works, Refused, Works, Works],
                Preemption::No,
                Some("lockdown,apparmor,bpf"),
            ),
        ),
        (
            "shadow",
            probe(
                [Silent, Works, Works, Missing, Works],
                full,
                Some("lockdown"),
            ),
        ),
        ("refused", probe([Refused; 5], Preemption::No, None)),
        ("obstacle", without_anything()),
    ]
}

fn drawn(probe: &GuardProbe, width: usize) -> String {
    let screen = Screen {
        width,
        ..Screen::default()
    };
    let mut out = Vec::new();
    draw(probe, &screen).write(&mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    anstream::adapter::strip_str(&text).to_string()
}

#[test]
fn golden() {
    for (name, probe) in all() {
        for width in [60, 100] {
            let plain = drawn(&probe, width);
            assert!(!plain.contains('\u{1b}'));
            insta::assert_snapshot!(format!("guard-{name}-{width}"), plain);
        }
    }
}

#[test]
fn a_reserve_of_one_resource_is_not_a_reserve_of_both() {
    use Outcome::{Refused, Works};
    let watches = probe(
        [Works, Works, Refused, Refused, Refused],
        Preemption::No,
        None,
    );
    assert!(!watches.can_enforce_all());
    let verdicts: Vec<_> = watches.resources.iter().map(|one| one.verdict).collect();
    assert_eq!(verdicts, [ReserveVerdict::Enforce, ReserveVerdict::None]);
    assert!(probe([Works; 5], Preemption::No, None).can_enforce_all());
    assert!(watches.is_certain());
}

#[test]
fn what_could_not_be_tried_is_unknown_unless_another_hook_works() {
    use Outcome::{Refused, Untested, Works};
    let one = probe(
        [Works, Refused, Untested, Refused, Refused],
        Preemption::No,
        None,
    );
    let verdicts: Vec<_> = one.resources.iter().map(|one| one.verdict).collect();
    assert_eq!(verdicts, [ReserveVerdict::Enforce, ReserveVerdict::Unknown]);
    assert!(!one.is_certain());
    assert!(
        probe(
            [Untested, Works, Untested, Works, Works],
            Preemption::No,
            None
        )
        .is_certain()
    );
}

/// With all instances of root in use, those hooks fail that run after the kernel has counted.
#[test]
fn an_untested_hook_that_could_hold_leaves_it_unknown() {
    use Outcome::{Untested, Works};
    let full = Preemption::Yes("full preemption".to_owned());
    let one = probe([Works, Works, Works, Untested, Untested], full, None);
    let verdicts: Vec<_> = one.resources.iter().map(|one| one.verdict).collect();
    assert_eq!(verdicts, [ReserveVerdict::Enforce, ReserveVerdict::Unknown]);
    assert_eq!(one.resources[1].hook, None);
    assert!(!one.is_certain());
}

#[test]
fn what_could_not_be_tested_is_not_said_to_be_impossible() {
    use Outcome::{Refused, Untested, Works};
    let first = |outcomes| {
        let page = drawn(&probe(outcomes, Preemption::No, None), 200);
        let line = page.lines().next().unwrap_or_default();
        line.replace("nospace guard --probe: ", "")
    };
    assert_eq!(
        first([Works, Works, Untested, Untested, Untested]),
        "kernel 6.1.0 can keep a reserve of watches; instances could not be tested"
    );
    assert_eq!(
        first([Refused, Refused, Untested, Untested, Untested]),
        "kernel 6.1.0 cannot keep a reserve of watches; instances could not be tested"
    );
    assert_eq!(
        first([Untested; 5]),
        "whether kernel 6.1.0 can keep a reserve could not be tested"
    );
    assert_eq!(
        first([Works, Works, Refused, Refused, Refused]),
        "kernel 6.1.0 can keep a reserve of watches, but not of instances"
    );
}

fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/guard.schema.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_schema_is_current_and_samples_hold_to_it() {
    let made = serde_json::to_value(schemars::schema_for!(GuardProbe)).unwrap();
    assert_eq!(schema(), made, "run: cargo xtask schema");
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for (name, probe) in all() {
        let mut value = serde_json::to_value(&probe).unwrap();
        assert!(validator.is_valid(&value), "{name}");
        assert_eq!(
            serde_json::from_value::<GuardProbe>(value.clone()).unwrap(),
            probe
        );
        value["resources"][0]["verdict"] = "perhaps".into();
        assert!(!validator.is_valid(&value), "{name}");
    }
}

/// On any machine: what is said holds together, and the exit code with it.
#[test]
fn this_machine_is_probed_and_keeps_what_it_has() {
    let output = std::process::Command::new(cargo_bin!("nospace"))
        .args(["guard", "--probe", "-o", "json"])
        .output()
        .unwrap();
    let probe: GuardProbe = serde_json::from_slice(&output.stdout).unwrap();
    let code = match (probe.is_certain(), probe.can_enforce_all()) {
        (false, _) => 3,
        (true, enforce) => i32::from(!enforce),
    };
    assert_eq!(output.status.code(), Some(code));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(probe.hooks.is_empty(), probe.obstacle.is_some());
    for hook in &probe.hooks {
        assert_eq!(
            hook.outcome == Outcome::Works,
            hook.reason.is_none(),
            "{hook:?}"
        );
    }
}
