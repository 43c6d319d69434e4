//! Processes by their command lines: asked for, shown, and found by what is in them.

use std::sync::Arc;

use nospace::top::holders::Choice;
use nospace::top::state::{Effect, State};
use nospace::top::update::{Request, Update};

use super::{press, sample, samples, screen};

#[test]
fn c_shows_processes_by_their_command_line() {
    let mut state = State::new(Choice::default());
    let asked = press(&mut state, "c");
    assert_eq!(asked, Effect::Ask(Request::Cmdlines(true)));
    let mut report = samples::healthy();
    let words = ["/bin/java", "-jar", "/it's.jar", "\u{1b}[2J"];
    report.processes[0].cmdline = Some(words.map(str::to_owned).to_vec());
    // A kernel thread, or a program that has emptied it.
    report.processes[1].cmdline = Some(Vec::new());
    let other = report.processes[1].comm.clone();
    state.take(Update::Sample(Arc::new(sample(report, 0))));
    let shown = screen(&mut state, 200);
    let line = r"/bin/java -jar '/it'\''s.jar' '\x1b[2J'";
    assert!(shown.contains("COMMAND") && shown.contains(line), "{shown}");
    assert!(shown.contains(&other), "{shown}");
    for width in [60, 80, 100] {
        let shown = screen(&mut state, width);
        assert!(shown.contains("java"), "{shown}");
    }

    press(&mut state, "/s.jar");
    assert_eq!(state.rows.len(), 1);
    super::key_of(&mut state, crossterm::event::KeyCode::Esc);
    // Several processes have no command line.
    press(&mut state, "g");
    assert!(!screen(&mut state, 200).contains("COMMAND"));
    press(&mut state, "G");
    assert_eq!(
        press(&mut state, "c"),
        Effect::Ask(Request::Cmdlines(false))
    );
    let shown = screen(&mut state, 200);
    assert!(!shown.contains("COMMAND") && !shown.contains("java -jar"));
}
