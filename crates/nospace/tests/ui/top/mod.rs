//! What `top` shows of made looks at a node, and what its keys do.

mod cmdlines;
mod findings;
mod recording;
mod watches;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use nospace::top::holders::{Choice, Grouping, Key, SortKey};
use nospace::top::sample::{HeldInstance, Sample};
use nospace::top::state::{Effect, Shown, State, View};
use nospace::top::update::{RefusedCalls, Request, Update};
use nospace::top::{Look, draw};
use nospace::ui::{Charset, is_invisible};
use nospace_core::cause::Cause;
use nospace_core::model::Provenance;
use nospace_core::model::UserNames;
use nospace_core::report::{NotSeen, Report};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Color;

use super::samples;
use super::trace::{count, refused};

const LOOK: Look = Look {
    color: true,
    charset: Charset::Unicode,
    console: false,
};
const HEIGHT: u16 = 30;

/// `report` as `top` gets it: every instance with as many watches as its process has on average, the first with the rest.
fn sample(mut report: Report, seconds: u32) -> Sample {
    let mut instances = Vec::new();
    for process in &report.processes {
        for n in 0..process.instances.min(1000) {
            let each = process.watches / process.instances;
            let rest = process.watches % process.instances;
            instances.push(HeldInstance {
                pids: BTreeSet::from([process.pid]),
                watches: each + if n == 0 { rest } else { 0 },
            });
        }
    }
    let names = [(0, "root"), (1000, "web")].map(|(uid, name)| (uid, name.to_owned()));
    report.user_names = UserNames::new(BTreeMap::from(names));
    Sample {
        report,
        growth: Vec::new(),
        instances,
        seconds: seconds.into(),
    }
}

/// Sixty looks, a second apart, at a node whose log shipper takes ten watches with each.
fn growing() -> State {
    let mut state = State::new(Choice::default());
    state.take(Update::Interval(Duration::from_secs(1)));
    state.take(Update::TraceBegan);
    for second in 0..60 {
        let mut report = samples::watches_exhausted();
        let missing = 10 * u64::from(59 - second);
        report.processes[0].watches -= missing;
        report.pods[0].watches -= missing;
        report.users[0].watches.used -= missing;
        state.take(Update::Sample(Arc::new(sample(report, second))));
    }
    let mut calls = RefusedCalls::default();
    for _ in 0..3 {
        let at = count(nospace::trace::Counted::Watches, 8190, 8192);
        calls.push(refused(&[Cause::InotifyWatches], Some(at)));
    }
    state.take(Update::Refusals(calls));
    state
}

fn still(report: Report) -> State {
    let mut state = State::new(Choice::default());
    state.take(Update::Interval(Duration::from_secs(1)));
    state.take(Update::TraceBegan);
    state.take(Update::Sample(Arc::new(sample(report, 0))));
    state
}

fn drawn(state: &mut State, width: u16, height: u16, look: Look) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let mut shown = Shown::default();
    let frame = terminal.draw(|frame| {
        let area = frame.area();
        shown = draw(frame.buffer_mut(), area, state, look);
    });
    let buffer = frame.unwrap().buffer.clone();
    state.learn(shown);
    buffer
}

/// The lines of the screen, without the blanks at their ends.
fn lines(buffer: &Buffer) -> Vec<String> {
    let width = usize::from(buffer.area.width);
    let rows = buffer.content.chunks(width);
    rows.map(|row| {
        let mut line = String::new();
        let mut skip = 0;
        for cell in row {
            // What lies below a wide character is not seen.
            if skip > 0 {
                skip -= 1;
                continue;
            }
            skip = unicode_width::UnicodeWidthStr::width(cell.symbol()).saturating_sub(1);
            line.push_str(cell.symbol());
        }
        line.trim_end().to_owned()
    })
    .collect()
}

fn screen(state: &mut State, width: u16) -> String {
    lines(&drawn(state, width, HEIGHT, LOOK)).join("\n")
}

fn press(state: &mut State, keys: &str) -> Effect {
    let mut effect = Effect::Draw;
    for key in keys.chars() {
        effect = key_of(state, KeyCode::Char(key));
    }
    effect
}

fn key_of(state: &mut State, code: KeyCode) -> Effect {
    state.key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn programs(state: &State) -> Vec<&str> {
    state.rows.iter().map(|row| row.program.as_str()).collect()
}

#[test]
fn screens() {
    for width in [60, 100, 200] {
        let mut state = growing();
        insta::assert_snapshot!(format!("top-holders-{width}"), screen(&mut state, width));
        for view in ["limits", "refusals", "findings"] {
            key_of(&mut state, KeyCode::Tab);
            insta::assert_snapshot!(format!("top-{view}-{width}"), screen(&mut state, width));
        }
        press(&mut state, "?");
        insta::assert_snapshot!(format!("top-help-{width}"), screen(&mut state, width));
    }
}

#[test]
fn a_small_screen_shows_all_of_the_help() {
    let mut state = growing();
    press(&mut state, "?");
    let mut seen = String::new();
    for _ in 0..5 {
        seen.push_str(&lines(&drawn(&mut state, 60, 12, LOOK)).join("\n"));
        key_of(&mut state, KeyCode::PageDown);
    }
    for words in [
        "1 2 3 4, Tab",
        "reverse the order",
        "TREND goes",
        "USER@NUMBER",
        "program or user.",
    ] {
        assert!(seen.contains(words), "{words}: {seen}");
    }
    key_of(&mut state, KeyCode::Esc);
    assert!(!screen(&mut state, 60).contains("reverse the order"));
}

#[test]
fn every_screen_says_how_to_leave_it() {
    let mut state = growing();
    for keys in ["1", "2", "3", "4", "1?"] {
        press(&mut state, keys);
        let screen = lines(&drawn(&mut state, 60, 12, LOOK));
        assert!(screen[11].ends_with("? help  q quit"), "{screen:?}");
        assert!(screen[0].contains('…'), "{screen:?}");
    }
}

#[test]
fn a_guard_is_said_beside_the_limits() {
    use nospace_core::model::{Guard, GuardMode, Guards, Pair};
    let mut report = samples::watches_exhausted();
    report.guards = Some(Guards {
        running: vec![Guard {
            pid: 41,
            mode: GuardMode::Enforce,
            reserve: Pair::of(None, Some(100)),
            tested_seconds_ago: Some(5),
            exempt_namespaces: vec!["kube-system".to_owned()],
            exempt_cgroups: Vec::new(),
            more_exempt: false,
        }],
        unreadable: Vec::new(),
    });
    let mut state = still(report);
    for keys in ["1", "2"] {
        press(&mut state, keys);
        let screen = screen(&mut state, 100);
        let says = "Guard  pods are refused: the last 100 watches are kept for the node (pid 41)";
        assert!(screen.contains(says), "{screen}");
    }
}

#[test]
fn nobody_in_sight_is_not_nobody() {
    let mut report = samples::watches_exhausted();
    report.processes.clear();
    let says = |report: &Report| screen(&mut still(report.clone()), 100);
    assert!(says(&report).contains("no process holds"));
    report.unseen = NotSeen::unjudged();
    assert!(says(&report).contains("no process that nospace can see holds"));
}

#[test]
fn rates_and_refusals_belong_to_their_holder() {
    let state = growing();
    let shipper = &state.rows[0];
    assert_eq!(shipper.program, "fluent-bit");
    let rate = shipper.per_minute.unwrap();
    assert!((rate.watches - 600.0).abs() < 1.0, "{rate:?}");
    assert!(rate.instances.abs() < 0.1, "{rate:?}");
    // Nobody else grows, and who was refused holds nothing.
    assert!(state.rows[1].per_minute.unwrap().watches.abs() < 0.1);
    let tail = state.rows.iter().find(|row| row.program == "tail").unwrap();
    assert!(tail.pids.is_empty());
    assert_eq!(tail.refused.as_ref().unwrap().calls, 3);
    let watches = &state.budgets[0];
    assert_eq!(
        (watches.key.cause, watches.owner.as_str()),
        (Cause::InotifyWatches, "root")
    );
    assert!((watches.per_minute.unwrap() - 600.0).abs() < 1.0);
    assert_eq!(watches.points.len(), 60);
}

#[test]
fn a_newcomer_had_nothing_before() {
    let mut state = State::new(Choice::default());
    for second in 0..10 {
        let mut report = samples::watches_exhausted();
        if second < 5 {
            report.processes.remove(0);
        }
        state.take(Update::Sample(Arc::new(sample(report, second))));
    }
    let rate = state.rows[0].per_minute.unwrap().watches;
    // 7340 watches in the five seconds since it was not there.
    assert!((rate - 7340.0 * 12.0).abs() < 1.0, "{rate}");
}

#[test]
fn an_instance_of_several_processes_counts_once_in_a_group() {
    let report = samples::healthy();
    let mut one = sample(report, 0);
    let (shim, pause) = (2044, 2061);
    one.instances
        .retain(|instance| !instance.pids.contains(&shim) && !instance.pids.contains(&pause));
    one.instances.push(HeldInstance {
        pids: BTreeSet::from([shim, pause]),
        watches: 70,
    });
    let mut state = State::new(Choice::default());
    state.take(Update::Sample(Arc::new(one)));
    let of_process = |state: &State, pid| {
        let row = state.rows.iter().find(|row| row.key == Key::Process(pid));
        row.unwrap().held.watches
    };
    assert_eq!(
        (of_process(&state, shim), of_process(&state, pause)),
        (70, 70)
    );
    press(&mut state, "g");
    assert_eq!(state.choice.grouping, Grouping::Owner);
    let pod = state
        .rows
        .iter()
        .find(|row| row.owner == "default/web-0")
        .unwrap();
    assert_eq!((pod.held.instances, pod.held.watches), (1, 70));
    assert_eq!(pod.pids.len(), 2);
    press(&mut state, "g");
    let screen = screen(&mut state, 100);
    assert!(screen.contains("WORKLOAD"), "{screen}");
    let mut workloads = state.rows.iter().map(|row| row.workload.as_str());
    assert!(workloads.any(|workload| workload == "statefulset default/web"));
}

#[test]
fn keys_sort_group_and_filter() {
    let mut state = still(samples::healthy());
    assert_eq!(programs(&state)[..2], ["kubelet", "systemd"]);
    press(&mut state, "r");
    assert_eq!(programs(&state)[0], "pause");
    press(&mut state, "rn");
    assert_eq!(state.choice.sort, SortKey::Name);
    assert_eq!(programs(&state)[0], "containerd");
    press(&mut state, "i");
    assert_eq!(programs(&state)[0], "kubelet");
    // Letters belong to the filter while it is typed.
    press(&mut state, "/sys");
    assert!(state.typing);
    assert_eq!(programs(&state), ["systemd"]);
    assert_eq!(state.all_rows, 5);
    key_of(&mut state, KeyCode::Backspace);
    key_of(&mut state, KeyCode::Enter);
    press(&mut state, "s");
    assert_eq!(state.choice.filter, "sy");
    key_of(&mut state, KeyCode::Esc);
    assert_eq!(state.rows.len(), 5);
    press(&mut state, "/812");
    assert_eq!(programs(&state), ["kubelet"]);
    key_of(&mut state, KeyCode::Esc);
    press(&mut state, "/root nothing");
    assert!(screen(&mut state, 100).contains("no holder matches"));
}

#[test]
fn the_selection_stays_with_its_holder() {
    let mut state = still(samples::healthy());
    press(&mut state, "j");
    assert_eq!(state.rows[state.selected()].program, "systemd");
    press(&mut state, "r");
    assert_eq!(state.rows[state.selected()].program, "systemd");
    key_of(&mut state, KeyCode::End);
    key_of(&mut state, KeyCode::Down);
    assert_eq!(state.selected(), 4);
    key_of(&mut state, KeyCode::Home);
    assert_eq!(state.selected(), 0);
}

#[test]
fn a_pause_stands_still_and_loses_nothing() {
    let mut state = growing();
    press(&mut state, "p");
    let before = screen(&mut state, 100);
    assert!(before.contains("PAUSED"));
    let report = samples::healthy();
    state.take(Update::Sample(Arc::new(sample(report, 61))));
    assert_eq!(screen(&mut state, 100), before);
    press(&mut state, "p");
    assert!(!screen(&mut state, 100).contains("PAUSED"));
    assert_eq!(programs(&state)[0], "kubelet");
    assert_eq!(state.data().looks, 61);
}

#[test]
fn quit_suspend_and_interval() {
    let mut state = still(samples::healthy());
    assert_eq!(press(&mut state, "q"), Effect::Quit);
    let control = |key| KeyEvent::new(KeyCode::Char(key), KeyModifiers::CONTROL);
    assert_eq!(state.key(control('c')), Effect::Quit);
    assert_eq!(state.key(control('z')), Effect::Suspend);
    let every = |seconds| Effect::Ask(Request::Interval(Duration::from_secs(seconds)));
    assert_eq!(press(&mut state, "+"), every(2));
    assert_eq!(press(&mut state, "-"), Effect::Draw);
    // A filter takes the letter, and Ctrl-C still quits.
    press(&mut state, "/");
    assert_eq!(press(&mut state, "q"), Effect::Draw);
    assert_eq!(state.key(control('c')), Effect::Quit);
}

#[test]
fn it_says_what_it_does_not_see() {
    let mut state = still(samples::unavailable());
    let blind = screen(&mut state, 100);
    assert!(
        blind.contains("UNKNOWN") || blind.contains("not readable"),
        "{blind}"
    );
    assert!(!blind.contains("no process holds"), "{blind}");
    state.take(Update::TraceEnded(
        "eBPF is switched off (--no-ebpf)".to_owned(),
    ));
    press(&mut state, "3");
    let refusals = screen(&mut state, 100);
    assert!(
        refusals.contains("refusals are not traced: eBPF is switched off"),
        "{refusals}"
    );
    assert!(!refusals.contains("no call has been refused"), "{refusals}");
    let mut report = samples::healthy();
    for run in &mut report.collectors {
        run.provenance = Provenance::Estimated;
    }
    let mut state = still(report);
    let estimated = screen(&mut state, 100);
    assert!(
        estimated.contains("~134") && estimated.contains("estimated from /proc"),
        "{estimated}"
    );
}

#[test]
fn every_size_is_drawn_and_nothing_steers_the_terminal() {
    for report in [samples::hostile(), samples::unavailable()] {
        let mut state = still(report);
        for view in View::ALL {
            state.view = view;
            for (width, height) in [(1, 1), (59, 13), (60, 12), (300, 14)] {
                let ascii = Look {
                    charset: Charset::Ascii,
                    ..LOOK
                };
                for line in lines(&drawn(&mut state, width, height, LOOK)) {
                    assert!(!line.chars().any(is_invisible), "{line:?}");
                }
                for line in lines(&drawn(&mut state, width, height, ascii)) {
                    assert!(line.is_ascii(), "{line:?}");
                }
            }
        }
    }
}

#[test]
fn colours_are_the_sixteen_or_none() {
    let mut state = growing();
    let colours = |buffer: &Buffer| -> BTreeSet<String> {
        buffer
            .content
            .iter()
            .map(|cell| cell.fg.to_string())
            .collect()
    };
    let with = colours(&drawn(&mut state, 100, HEIGHT, LOOK));
    assert!(with.contains(&Color::Red.to_string()), "{with:?}");
    let none = Look {
        color: false,
        ..LOOK
    };
    assert_eq!(
        colours(&drawn(&mut state, 100, HEIGHT, none)),
        BTreeSet::from([Color::Reset.to_string()])
    );
    insta::assert_snapshot!(
        "top-ascii-80",
        lines(&drawn(
            &mut state,
            80,
            24,
            Look {
                charset: Charset::Ascii,
                ..LOOK
            }
        ))
        .join("\n")
    );
}
