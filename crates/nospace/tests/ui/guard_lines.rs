//! What guard says while it is at work, and its JSON.

use std::path::Path;

use nospace::guard::{
    BudgetStatus, BudgetedPods, CallsAtLine, EndReason, GuardEnd, GuardLine, GuardMode,
    GuardStatus, GuardedPods, KeptResource, LastCall, NotGuarded, OverBudget, PodAtLine, PodCalls,
    PodOverBudget, PodRef, SkippedCalls, StatusReason, UnreadablePods, Untested,
};
use nospace::ui::guard::line;
use nospace::ui::screen::Screen;
use nospace_core::model::{InotifyResource, Pair, kept};
use serde_json::Value;

const TIME: &str = "2026-11-29T12:34:56.789012Z";

fn time() -> String {
    TIME.to_owned()
}

fn web() -> PodRef {
    PodRef {
        namespace: "default".to_owned(),
        name: "web-0\u{1b}[31m".to_owned(),
        uid: "5721c88f-ca83-4ee4-ab1f-0b553119c397".to_owned(),
    }
}

fn resource(resource: InotifyResource, limit: u64, asked: u64, needs: Option<u64>) -> KeptResource {
    KeptResource {
        resource,
        hook: match resource {
            InotifyResource::Watches => "lsm/path_notify".to_owned(),
            InotifyResource::Instances => "lsm/file_alloc_security".to_owned(),
        },
        used: limit / 3,
        limit,
        kept: kept(limit, asked),
        asked,
        kubelet_needs: needs,
        calls: 0,
        skipped: Some(0),
    }
}

fn enforcing() -> GuardStatus {
    GuardStatus {
        schema_version: 1,
        time: time(),
        reason: StatusReason::Started,
        mode: GuardMode::Enforce,
        resources: vec![
            resource(InotifyResource::Watches, 192_536, 436, Some(186)),
            resource(InotifyResource::Instances, 128, 78, Some(7)),
        ],
        not_guarded: Vec::new(),
        pods: GuardedPods {
            guarded: 12,
            exempt: 5,
            unknown: 0,
        },
        budgets: None,
    }
}

fn counting() -> GuardStatus {
    let mut watches = resource(InotifyResource::Watches, 1000, 600, None);
    watches.used = 700;
    GuardStatus {
        mode: GuardMode::Shadow,
        resources: vec![watches],
        not_guarded: vec![NotGuarded {
            resource: InotifyResource::Instances,
            reason: "none of its hooks works".to_owned(),
        }],
        pods: GuardedPods {
            guarded: 1,
            exempt: 0,
            unknown: 2,
        },
        ..enforcing()
    }
}

fn with_budgets(budget: Pair<Option<u64>>, pods: Option<BudgetedPods>) -> GuardLine {
    GuardLine::Status(Box::new(GuardStatus {
        budgets: Some(BudgetStatus { budget, pods }),
        ..counting()
    }))
}

fn over_budget() -> GuardLine {
    let over = |resource, used, budget, first| OverBudget {
        resource,
        used,
        budget,
        first,
    };
    GuardLine::OverBudget(Box::new(PodOverBudget {
        time: time(),
        pod: Some(web()),
        cgroup: Some("/kubepods/burstable/pod1".to_owned()),
        resources: vec![
            over(InotifyResource::Watches, 20_310, 20_000, false),
            over(InotifyResource::Instances, 12, 10, true),
        ],
    }))
}

fn at_line(pod: Option<PodRef>, cgroup: Option<&str>, refused: bool) -> GuardLine {
    let last = LastCall {
        pid: 4242,
        comm: "node".to_owned(),
        used: 900,
        limit: 1000,
    };
    let calls = |resource, calls, last| CallsAtLine {
        resource,
        calls,
        total: 40,
        kept: 100,
        last,
    };
    GuardLine::AtLine(Box::new(PodAtLine {
        time: time(),
        pod,
        cgroup: cgroup.map(str::to_owned),
        refused,
        resources: vec![
            calls(InotifyResource::Watches, 40, Some(last)),
            calls(InotifyResource::Instances, 1, None),
        ],
    }))
}

fn ended(reason: EndReason, why: Option<&str>, pods: usize) -> GuardLine {
    let pod = |n: usize| PodCalls {
        pod: (n > 0).then(web),
        cgroup: (n != 1).then(|| "/kubepods/burstable/pod1".to_owned()),
        calls: Pair::of(n as u64, 12_345),
    };
    GuardLine::Ended(Box::new(GuardEnd {
        from: time(),
        until: "2026-11-29T12:36:00.000000Z".to_owned(),
        reason,
        why: why.map(str::to_owned),
        mode: GuardMode::Enforce,
        calls: match pods {
            0 => Pair::default(),
            _ => Pair::of(1, 24_690),
        },
        pods: (0..pods).map(pod).collect(),
    }))
}

fn all() -> [(&'static str, GuardLine); 14] {
    let status = |status| GuardLine::Status(Box::new(status));
    let none = GuardStatus {
        reason: StatusReason::Changed,
        pods: GuardedPods::default(),
        ..enforcing()
    };
    let skipped = SkippedCalls {
        time: time(),
        hook: "fmod_ret/security_path_notify".to_owned(),
        calls: 3,
        total: 9,
    };
    let untested = Untested {
        time: time(),
        reason: "the self-test's call failed before lsm/path_notify could refuse it: EMFILE"
            .to_owned(),
    };
    let unreadable = UnreadablePods {
        time: time(),
        pods: 2,
        reason: "cannot read /sys/fs/cgroup/kubepods/pod1/cgroup.procs: Permission denied"
            .to_owned(),
    };
    let looked = BudgetedPods {
        looked_at: 12,
        over: 1,
        unreadable: 1,
    };
    let doubt = "lsm/path_notify did not refuse the self-test's call";
    [
        ("enforcing", status(enforcing())),
        ("counting", status(counting())),
        ("no-pods", status(none)),
        (
            "refused",
            at_line(Some(web()), Some("/kubepods/pod1"), true),
        ),
        (
            "nameless",
            at_line(
                None,
                Some("/kubepods/burstable/pod1/a/very/long/name/that/leaves/no/room/beside/it"),
                false,
            ),
        ),
        (
            "budgets",
            with_budgets(Pair::of(Some(1), Some(20_000)), None),
        ),
        (
            "looked",
            with_budgets(Pair::of(None, Some(300)), Some(looked)),
        ),
        ("over-budget", over_budget()),
        ("unreadable", GuardLine::Unreadable(unreadable)),
        ("skipped", GuardLine::Skipped(skipped)),
        ("untested", GuardLine::Untested(untested)),
        ("stopped", ended(EndReason::Stopped, None, 0)),
        ("totals", ended(EndReason::Stopped, None, 22)),
        ("doubt", ended(EndReason::Doubt, Some(doubt), 2)),
    ]
}

fn drawn(one: &GuardLine, width: usize) -> String {
    let screen = Screen {
        width,
        ..Screen::default()
    };
    let mut out = Vec::new();
    line(one, &screen).write(&mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    anstream::adapter::strip_str(&text).to_string()
}

#[test]
fn golden() {
    for width in [60, 100] {
        let mut text = String::new();
        for (name, one) in all() {
            let plain = drawn(&one, width);
            assert!(!plain.contains('\u{1b}'), "{name}");
            text += &format!("--- {name}\n{plain}");
        }
        insta::assert_snapshot!(format!("guard-lines-{width}"), text);
    }
}

#[test]
fn the_schema_is_current_and_samples_hold_to_it() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/guard-line.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let made = serde_json::to_value(schemars::schema_for!(GuardLine)).unwrap();
    assert_eq!(schema, made, "run: cargo xtask schema");
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (name, one) in all() {
        let mut value = serde_json::to_value(&one).unwrap();
        assert!(validator.is_valid(&value), "{name}");
        assert_eq!(
            serde_json::from_value::<GuardLine>(value.clone()).unwrap(),
            one
        );
        value["kind"] = "perhaps".into();
        assert!(!validator.is_valid(&value), "{name}");
    }
}
