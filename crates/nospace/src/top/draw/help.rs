use super::canvas::Canvas;
use crate::top::state::Shown;
use crate::ui::{Page, style};

const KEYS: [(&str, &str); 16] = [
    (
        "1 2 3 4, Tab",
        "holders, limits, refused calls, findings and forecast",
    ),
    (
        "up down, j k",
        "choose a holder, or scroll; PgUp, PgDn, Home and End as well",
    ),
    (
        "Enter, right",
        "the watches of the chosen holder as a tree; again: into a directory",
    ),
    (
        "Left, Backspace",
        "out of the directory; out of the watches",
    ),
    ("u", "list the watches again"),
    ("Esc", "close the watches, or remove the filter"),
    (
        "/",
        "filter holders or limits by what you type: names, users, a pid",
    ),
    (
        "g G",
        "holders by process, pod or unit, workload, program, user",
    ),
    ("s S", "sort by the next or the previous column"),
    (
        "w i m f n",
        "sort by watches, instances, change per minute, last refused call, name",
    ),
    ("r", "reverse the order"),
    ("c", "processes by command line, or by name"),
    (
        "p, space",
        "pause: the screen stands still, calls are still counted",
    ),
    ("+ -", "check less or more often"),
    ("Ctrl-Z", "suspend; fg continues"),
    ("q, Ctrl-C", "quit"),
];

/// Of these, what a recording does not have.
const NOT_OF_RECORDING: [&str; 2] = ["p, space", "+ -"];

/// Those of a recording, which come first.
const OF_RECORDING: [(&str, &str); 5] = [
    ("[ ]", "one sample back or forward; left and right as well"),
    ("{ }", "ten samples back or forward"),
    ("^ $", "the first, the last sample"),
    ("space, p", "play, or stop"),
    ("+ -", "play faster or slower"),
];

/// The keys, and what the marks mean.
pub fn draw(canvas: &mut Canvas<'_>, scroll: usize, is_recording: bool) -> Shown {
    let mut page = Page::new(canvas.width(), canvas.look.charset);
    let of_recording = OF_RECORDING.iter().filter(|_| is_recording);
    let is_free = |(keys, _): &&(&str, &str)| !is_recording || !NOT_OF_RECORDING.contains(keys);
    for (keys, does) in of_recording.chain(KEYS.iter().filter(is_free)) {
        let line = page.line().put(style::COMMAND, keys).pad_to(17);
        page.wrapped(line, style::PLAIN, does);
    }
    page.add(page.line());
    for says in [
        "~ marks an estimate counted from /proc; ? what is unknown. Changes are those of the last minute, in units per minute.",
        "TREND goes from the lowest to the highest value of the time that it shows. FULL IN is the trend of the last minutes.",
        "USER is the user that is charged; USER@NUMBER is one of that user namespace, which has limits of its own.",
        "An instance that several processes hold is listed with each, and counted once for a pod, workload, program or user.",
    ] {
        page.wrapped(page.line(), style::DIM, says);
    }
    let lines = page.into_lines();
    let shown = Shown {
        rows: canvas.height(),
        lines: lines.len(),
    };
    for line in lines.iter().skip(scroll).take(shown.rows) {
        canvas.line(line);
    }
    shown
}
