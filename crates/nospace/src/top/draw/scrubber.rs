use jiff::Timestamp;

use super::canvas::Canvas;
use crate::top::update::{After, Position};
use crate::ui::{Charset, Line, style, text};

/// Columns that the bar has at least.
const NARROWEST: usize = 10;

/// Where in the recording this is, in a line: `14:00:00 ━━━━●──── 14:10:00  25 of 121, playing, at most 5/s`, and that more was
/// recorded than can be read; or why this cannot be read.
pub fn draw(canvas: &mut Canvas<'_>, position: &Position, trouble: Option<&str>) {
    let charset = canvas.look.charset;
    let line = Line::new(charset);
    if let Some(why) = trouble {
        let why = text::shorten(why, canvas.width(), charset);
        canvas.last(&line.put(style::pressure(100), &why));
        return;
    }
    let (begin, end) = times(position.begin, position.end);
    let place = format!("{} of {}", position.number + 1, position.last + 1);
    let state = match position.playing {
        // A large node takes longer.
        Some(speed) => format!(", playing, at most {speed}/s"),
        None => String::new(),
    };
    let after = match position.after {
        After::Nothing => ["", ""],
        After::NoEnd => [", the recording has no end", ", no end"],
        After::Damage => [", damaged: the rest cannot be read", ", damaged"],
    };
    let around = text::width(&begin) + text::width(&end) + 4;
    let room = |said: &str| canvas.width().checked_sub(around + text::width(said));
    let said = [
        format!("{place}{state}{}", after[0]),
        format!("{place}{state}{}", after[1]),
        format!("{place}{}", after[1]),
        place,
    ];
    let fits = said.iter().find_map(|said| {
        let room = room(said).filter(|&room| room >= NARROWEST)?;
        Some((said.as_str(), room))
    });
    let (said, room) = fits.unwrap_or(("", NARROWEST));
    let at = position.number * (room - 1) / position.last.max(1);
    let (done, here, rest) = match charset {
        Charset::Unicode => ("━", "●", "─"),
        Charset::Ascii => ("=", "O", "-"),
    };
    canvas.last(
        &line
            .put(style::DIM, &begin)
            .plain(" ")
            .plain(&done.repeat(at))
            .put(style::BOLD, here)
            .put(style::DIM, &rest.repeat(room - 1 - at))
            .plain(" ")
            .put(style::DIM, &end)
            .plain("  ")
            .plain(said),
    );
}

/// Both with their dates where these differ; UTC.
fn times(begin: Timestamp, end: Timestamp) -> (String, String) {
    let day = |time: Timestamp| time.strftime("%m-%d").to_string();
    let format = match day(begin) == day(end) {
        true => "%H:%M:%S",
        false => "%m-%d %H:%M:%S",
    };
    let show = |time: Timestamp| time.strftime(format).to_string();
    (show(begin), show(end))
}
