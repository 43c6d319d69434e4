use nospace::ui::human::{Options, draw};
use nospace::ui::screen::Screen;
use nospace::ui::{Charset, is_invisible, text};
use nospace_core::model::InotifyResource;
use nospace_core::report::Report;
use proptest::prelude::*;

use crate::samples;

fn options(width: usize) -> Options {
    Options {
        screen: Screen {
            width,
            ..Screen::default()
        },
        top: None,
        order: InotifyResource::Instances,
        verbose: false,
    }
}

fn colored(report: &Report, options: &Options) -> String {
    let mut out = Vec::new();
    draw(report, options).write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Without its styles, as a pipe gets it.
fn plain(report: &Report, options: &Options) -> String {
    anstream::adapter::strip_str(&colored(report, options)).to_string()
}

#[test]
fn golden_at_each_width() {
    for (name, report) in samples::all() {
        for width in [60, 80, 120] {
            insta::assert_snapshot!(format!("{name}-{width}"), plain(&report, &options(width)));
        }
    }
}

#[test]
fn golden_in_ascii_and_with_everything() {
    let report = samples::instances_exhausted();
    let mut ascii = options(80);
    ascii.screen.charset = Charset::Ascii;
    let drawn = plain(&report, &ascii);
    assert!(drawn.is_ascii());
    insta::assert_snapshot!("instances-ascii", drawn);
    insta::assert_snapshot!(
        "instances-verbose",
        plain(
            &report,
            &Options {
                verbose: true,
                ..options(80)
            }
        )
    );
    insta::assert_snapshot!("instances-colors", colored(&report, &options(80)));
}

#[test]
fn nothing_of_the_node_reaches_the_terminal_raw() {
    let report = samples::hostile();
    for charset in [Charset::Unicode, Charset::Ascii] {
        for verbose in [false, true] {
            let mut options = Options {
                verbose,
                ..options(80)
            };
            options.screen.charset = charset;
            let drawn = colored(&report, &options);
            let ours = unstyled(&drawn);
            assert_eq!(ours.chars().find(|&c| c != '\n' && is_invisible(c)), None);
        }
    }
}

proptest! {
    #[test]
    fn no_name_breaks_the_page(evil in "(?s).{0,40}", width in 60_usize..=140, verbose: bool) {
        let report = samples::hostile_with(&evil);
        let drawn = unstyled(&colored(&report, &Options { verbose, ..options(width) }));
        prop_assert_eq!(drawn.chars().find(|&c| c != '\n' && is_invisible(c)), None);
    }
}

/// Takes out the styles that nospace itself writes, `ESC [ digits m`, and nothing else.
fn unstyled(drawn: &str) -> String {
    let mut parts = drawn.split("\x1b[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_once('m').unwrap();
        assert!(
            code.chars().all(|c| c.is_ascii_digit() || c == ';'),
            "{part:?}"
        );
        plain.push_str(rest);
    }
    plain
}

/// The headline and a command to paste are one line each, however long; all else is as wide as the screen.
#[test]
fn it_fits_the_screen() {
    for (name, report) in samples::all() {
        let commands: Vec<String> = report
            .findings
            .iter()
            .flat_map(|f| &f.remedies)
            .map(|r| Charset::Unicode.clean(&r.command).into_owned())
            .collect();
        for width in [60, 72, 80, 100, 140] {
            let drawn = plain(&report, &options(width));
            for line in drawn
                .lines()
                .skip(1)
                .filter(|l| !commands.iter().any(|c| l.contains(c)))
            {
                assert!(text::width(line) <= width, "{name} at {width}: {line:?}");
                assert_eq!(line, line.trim_end());
            }
        }
    }
}

#[test]
fn a_healthy_node_is_a_short_story() {
    let drawn = plain(&samples::healthy(), &options(80));
    assert!(drawn.lines().count() <= 25, "{drawn}");
}

/// What is left to see on a small console is the answer and what to do.
#[test]
fn a_long_report_ends_with_the_answer() {
    let report = samples::watches_exhausted();
    let mut options = options(80);
    options.screen.height = Some(24);
    let drawn = plain(&report, &options);
    let lines: Vec<&str> = drawn.lines().collect();
    let [.., headline, remedy] = lines[..] else {
        panic!("{drawn}")
    };
    assert_eq!(headline, lines[0]);
    assert_eq!(remedy, "  do  sysctl -w fs.inotify.max_user_watches=524288");
    options.screen.height = Some(200);
    assert_eq!(plain(&report, &options).matches("nospace n1:").count(), 1);
}
