//! The watches of a holder: asked for, answered, and walked through.

use std::sync::Arc;

use crossterm::event::KeyCode;
use nospace::top::state::Effect;
use nospace::top::update::{Request, Update};
use nospace_core::watches::WatchesReport;

use super::{growing, key_of, press, screen};

fn watches() -> WatchesReport {
    let named = |path: &str| {
        serde_json::json!({
            "instance": 0, "wd": 1, "hostPath": path, "containerPath": null, "path": path, "state": "present",
            "naming": "kernel", "device": "0:45", "inode": 7, "mask": ["modify"],
        })
    };
    let logs = (0..40).map(|n| named(&format!("/var/log/pods/p{}/{n}.log", n % 2)));
    let all: Vec<_> = logs.chain((0..5).map(|_| named("/etc/hosts"))).collect();
    serde_json::from_value(serde_json::json!({
        "schemaVersion": 1, "takenAt": "2026-01-02T03:04:05Z", "collectors": [], "heaviest": [], "holders": [], "devices": [],
        "instances": [{"holders": [], "watches": 45}], "watches": all,
    }))
    .unwrap()
}

#[test]
fn the_watches_of_a_holder_are_a_tree_to_walk_in() {
    let mut state = growing();
    let asked = key_of(&mut state, KeyCode::Enter);
    let Effect::Ask(Request::Watches { id, pids }) = asked else {
        panic!("{asked:?}");
    };
    assert_eq!(pids, [5120]);
    assert!(screen(&mut state, 100).contains("listing them"));
    // The answer to another question is none to this one.
    let stale = Update::Watches {
        id: id + 1,
        result: Err("gone".to_owned()),
    };
    state.take(stale);
    assert!(screen(&mut state, 100).contains("listing them"));
    state.take(Update::Watches {
        id,
        result: Ok(Arc::new(watches())),
    });
    for width in [60, 100, 200] {
        insta::assert_snapshot!(format!("top-watches-{width}"), screen(&mut state, width));
    }
    press(&mut state, "j");
    key_of(&mut state, KeyCode::Enter);
    let inside = screen(&mut state, 100);
    assert!(inside.contains("in /var/log/pods"), "{inside}");
    assert!(!inside.contains("hosts"), "{inside}");
    // What is too small for the tree is listed one by one, deeper in.
    press(&mut state, "j");
    key_of(&mut state, KeyCode::Enter);
    let deeper = screen(&mut state, 100);
    assert!(
        deeper.contains("in /var/log/pods/p0") && deeper.contains("  38.log"),
        "{deeper}"
    );
    key_of(&mut state, KeyCode::Left);
    key_of(&mut state, KeyCode::Left);
    assert!(screen(&mut state, 100).contains("hosts"));
    key_of(&mut state, KeyCode::Left);
    assert!(state.drill.is_none());
    let asked = key_of(&mut state, KeyCode::Enter);
    let Effect::Ask(Request::Watches { id: next, .. }) = asked else {
        panic!("{asked:?}");
    };
    assert!(next > id);
    state.take(Update::Watches {
        id: next,
        result: Err("process 5120 has exited".to_owned()),
    });
    assert!(screen(&mut state, 100).contains("cannot list them: process 5120 has exited"));
}
