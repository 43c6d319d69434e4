//! A recording: its moments, what is between them, and what it lacks.

use std::sync::Arc;

use crossterm::event::KeyCode;
use nospace::top::holders::Choice;
use nospace::top::state::{Effect, State};
use nospace::top::update::{After, Moment, Position, RefusedCalls, Request, Update};
use nospace_core::cause::Cause;
use nospace_core::report::{Refusals, Refused};

use super::{growing, key_of, press, sample, samples, screen};

/// Three calls of one process, as a timeline has them.
fn refused_thrice(number: u32) -> Refusals {
    let time = |second: u32| format!("2026-01-02T00:02:{:02}.{second:03}000Z", number - 10);
    let mut refusals = Refusals::default();
    for second in 0..3 {
        refusals.add(Refused {
            first: time(second),
            last: time(second),
            times: 1,
            call: "inotify_add_watch".to_owned(),
            error: "ENOSPC".to_owned(),
            pid: 900,
            comm: "kubelet".to_owned(),
            uid: 0,
            owner: None,
            causes: vec![Cause::InotifyWatches],
            otherwise: None,
            guard: None,
        });
    }
    refusals
}

/// Five minutes, a sample every five seconds.
fn moment(number: usize, is_jump: bool, first: u32, playing: Option<u32>) -> Update {
    let samples = (first..=u32::try_from(number).unwrap()).map(|number| {
        let mut report = samples::watches_exhausted();
        let missing = 50 * u64::from(60 - number);
        report.processes[0].watches -= missing;
        report.users[0].watches.used -= missing;
        let refused = match number {
            0..50 => Ok(RefusedCalls::default()),
            _ => Ok(RefusedCalls::of(refused_thrice(number))),
        };
        (Arc::new(sample(report, 5 * number)), refused)
    });
    Update::Moment(Moment {
        position: Position {
            number,
            last: 60,
            begin: "2026-01-01T23:58:00Z".parse().unwrap(),
            end: "2026-01-02T00:03:00Z".parse().unwrap(),
            playing,
            after: After::Nothing,
        },
        is_jump,
        samples: samples.collect(),
    })
}

#[test]
fn what_a_recording_lost_is_said() {
    for (after, wide, narrow) in [
        (
            After::Damage,
            "61 of 61, damaged: the rest cannot be read",
            "61 of 61, damaged",
        ),
        (
            After::NoEnd,
            "61 of 61, the recording has no end",
            "61 of 61, no end",
        ),
    ] {
        let mut state = State::new(Choice::default());
        let Update::Moment(mut moment) = moment(60, true, 0, None) else {
            unreachable!()
        };
        moment.position.after = after;
        state.take(Update::Moment(moment));
        for (width, said) in [(100, wide), (60, narrow)] {
            let screen = screen(&mut state, width);
            assert!(screen.contains(said), "{width}: {screen}");
        }
    }
}

#[test]
fn a_recording_is_stepped_through() {
    let mut state = State::new(Choice::default());
    state.take(moment(60, true, 0, None));
    for width in [60, 100] {
        let name = format!("top-recording-{width}");
        insta::assert_snapshot!(name, screen(&mut state, width));
    }
    let asks = |state: &mut State, keys: &str| match press(state, keys) {
        Effect::Ask(request) => Some(request),
        _ => None,
    };
    for (key, request) in [
        ("[", Request::Step(-1)),
        ("]", Request::Step(1)),
        ("{", Request::Step(-10)),
        ("}", Request::Step(10)),
        ("^", Request::First),
        ("$", Request::Last),
        (" ", Request::Play),
        ("p", Request::Play),
        ("+", Request::Faster(true)),
        ("-", Request::Faster(false)),
    ] {
        assert_eq!(asks(&mut state, key), Some(request), "{key}");
    }
    assert_eq!(
        key_of(&mut state, KeyCode::Left),
        Effect::Ask(Request::Step(-1))
    );
    assert!(!state.is_paused());

    // Ten seconds on: trends go on. A jump back: what came later is not known yet.
    state.take(moment(30, true, 20, None));
    assert_eq!(state.data().looks, 11);
    state.take(moment(31, false, 31, Some(5)));
    assert_eq!(state.data().looks, 12);
    let watches = state.rows[0].per_minute.unwrap().watches;
    assert!((watches - 600.0).abs() < 1.0, "{watches}");
    let shown = screen(&mut state, 100);
    assert!(shown.contains("32 of 61, playing, at most 5/s"), "{shown}");
    assert!(shown.contains("space stop"), "{shown}");

    state.take(Update::Unreadable("sample 40 is damaged".to_owned()));
    let shown = screen(&mut state, 100);
    assert!(shown.contains("sample 40 is damaged"), "{shown}");
    assert!(shown.contains("space play"), "{shown}");
    state.take(moment(10, true, 0, None));
    assert!(!screen(&mut state, 100).contains("damaged"));

    // A live node has no such keys.
    let mut live = growing();
    assert_eq!(press(&mut live, "["), Effect::Draw);
    // A list of watches is walked with the arrows.
    assert!(matches!(
        key_of(&mut state, KeyCode::Enter),
        Effect::Ask(Request::Watches { .. })
    ));
    assert_eq!(key_of(&mut state, KeyCode::Left), Effect::Draw);
    assert!(state.drill.is_none());
}

#[test]
fn a_reason_that_does_not_fit_is_left_out() {
    let mut state = State::new(Choice::default());
    let Update::Moment(mut moment) = moment(60, true, 0, None) else {
        unreachable!()
    };
    for (_, refused) in &mut moment.samples {
        *refused = Err("refused calls were not recorded: the reason is long".to_owned());
    }
    state.take(Update::Moment(moment));
    let narrow = screen(&mut state, 80);
    let said = "by process, sorted by watches; refused calls were not recorded\n";
    assert!(narrow.contains(said), "{narrow}");
    let wide = screen(&mut state, 200);
    assert!(wide.contains("the reason is long"), "{wide}");
}
