//! What surrounds every view: the headline, the views to choose from, and the keys.

use nospace_core::amount::duration;
use nospace_core::model::Provenance;
use nospace_core::report::Report;

use super::canvas::Canvas;
use crate::top::refusals::Tracing;
use crate::top::state::{State, View};
use crate::ui::{Charset, Line, Page, human, number, style, text};

/// From this many lines on, the headline may take two.
const TALL: usize = 20;

/// Node, status and the most important thing in a line, or two.
pub fn headline(canvas: &mut Canvas<'_>, report: &Report) {
    let charset = canvas.look.charset;
    let line = human::headline(report, charset);
    if line.width() <= canvas.width() {
        canvas.line(&line);
        return;
    }
    // Its first pieces are short: only the sentence at its end has to be broken.
    let mut page = Page::new(canvas.width(), charset);
    let mut pieces: Vec<_> = line.pieces().collect();
    let (look, sentence) = pieces.pop().unwrap_or_default();
    let before = pieces
        .into_iter()
        .fold(page.line(), |line, (style, text)| line.put(style, text));
    let start = before.width();
    let room = canvas.width().saturating_sub(start).max(1);
    if canvas.height() < TALL {
        canvas.line(&before.put(look, &text::shorten(sentence, room, charset)));
        return;
    }
    let lines = text::wrap(sentence, room);
    let first = lines.first().map_or("", String::as_str);
    page.add(before.put(look, first));
    let rest = lines.get(1..).unwrap_or_default().join(" ");
    if !rest.is_empty() {
        let rest = text::shorten(&rest, canvas.width().saturating_sub(2), charset);
        let indented = page.indented();
        page.add(indented.put(look, &rest));
    }
    for line in page.into_lines() {
        canvas.line(&line);
    }
}

/// The views, and how the figures come about.
pub fn views(canvas: &mut Canvas<'_>, state: &State) {
    let mut line = Line::new(canvas.look.charset);
    for (number, view) in (1..).zip(View::ALL) {
        let look = match state.view == view {
            true => style::BOLD.effects(anstyle::Effects::BOLD | anstyle::Effects::UNDERLINE),
            false => style::DIM,
        };
        let title = format!("{number} {}", view.title());
        line = line.put(look, &title).plain("  ");
    }
    let marked = state.is_paused();
    let pause = if marked { "PAUSED" } else { "" };
    let taken = line.width() + text::width(pause) + usize::from(marked);
    let told = how(
        state,
        canvas.width().saturating_sub(taken),
        canvas.look.charset,
    );
    let start = (canvas.width() + line.width()).saturating_sub(taken + text::width(&told));
    line = line.pad_to(start).put(style::pressure(80), pause);
    if marked {
        line = line.plain(" ");
    }
    canvas.line(&line.put(style::DIM, &told));
}

/// `12:34:56 UTC, every 1 s, exact`, or as much of it as there is room for.
fn how(state: &State, room: usize, charset: Charset) -> String {
    let data = state.data();
    let Some(sample) = &data.sample else {
        return String::new();
    };
    let (accuracy, short) = match sample.report.inotify_provenance() {
        Provenance::Exact => ("exact".to_owned(), "exact"),
        Provenance::Estimated => (
            format!("{} estimated from /proc", number::ESTIMATED),
            "~ estimated",
        ),
        Provenance::Unavailable => ("inotify is not readable".to_owned(), "? unreadable"),
    };
    let (date, time) = sample.report.taken_at.split_once('T').unwrap_or_default();
    let mut time = format!("{} UTC", time.trim_end_matches('Z'));
    if state.moment.is_some() {
        time = format!("{date} {time}");
    }
    let every = data
        .interval
        .map(|interval| format!(", every {}", duration(interval)));
    let every = every.unwrap_or_default();
    let tries = [
        format!("{time}{every}, {accuracy}"),
        format!("{time}, {accuracy}"),
        accuracy,
    ];
    let fits = tries.into_iter().find(|said| text::width(said) <= room);
    fits.unwrap_or_else(|| text::shorten(short, room, charset))
}

/// Whether refusals are seen, in a few words; `None` where they are.
pub fn tracing(state: &State) -> Option<String> {
    match &state.data().refusals.tracing {
        Tracing::On => None,
        Tracing::Starting => Some("tracing is starting".to_owned()),
        // Of a recording it says all.
        Tracing::Off(why) if state.moment.is_some() => Some(why.clone()),
        Tracing::Off(why) => Some(format!("refusals are not traced: {why}")),
    }
}

/// As many keys of this view as there is room for, and those of every view; or the filter that is being typed.
pub fn keys(canvas: &mut Canvas<'_>, state: &State) {
    let line = Line::new(canvas.look.charset);
    if state.typing {
        let typed = format!("{}_", state.choice.filter);
        let line = line.put(style::BOLD, "/").plain(&typed);
        canvas.last(&line.put(style::DIM, "   Enter keeps the filter, Esc removes it"));
        return;
    }
    let keys: &[(&str, &str)] = match (state.view, &state.drill) {
        (_, Some(_)) => &[
            ("Enter", "open"),
            ("Left", "back"),
            ("u", "update"),
            ("Esc", "close"),
        ],
        (View::Holders, None) => &[
            ("Enter", "watches"),
            ("s", "sort"),
            ("g", "group"),
            ("/", "filter"),
        ],
        (View::Limits, None) => &[("/", "filter")],
        (View::Refusals | View::Findings, None) => &[],
    };
    let pause = if state.is_paused() { "go on" } else { "pause" };
    let play = |playing: Option<u32>| if playing.is_some() { "stop" } else { "play" };
    let common: &[(&str, &str)] = match state.moment {
        None => &[("p", pause), ("?", "help"), ("q", "quit")],
        Some(position) => &[
            ("[ ]", "step"),
            ("space", play(position.playing)),
            ("?", "help"),
            ("q", "quit"),
        ],
    };
    let width = |(key, does): &(&str, &str)| text::width(key) + 1 + text::width(does) + 2;
    let mut room = canvas
        .width()
        .saturating_sub(common.iter().map(width).sum());
    let fits = |key: &(&str, &str)| {
        let left = room.checked_sub(width(key));
        room = left.unwrap_or(0);
        left.is_some()
    };
    let mut line = line;
    for (key, does) in keys
        .iter()
        .copied()
        .take_while(fits)
        .chain(common.iter().copied())
    {
        line = line
            .put(style::COMMAND, key)
            .put(style::DIM, &format!(" {does}"))
            .plain("  ");
    }
    let filtered = !state.choice.filter.is_empty() && state.drill.is_none();
    if filtered && matches!(state.view, View::Holders | View::Limits) {
        line = line.plain(&format!("filter: {}", state.choice.filter));
    }
    canvas.last(&line);
}
