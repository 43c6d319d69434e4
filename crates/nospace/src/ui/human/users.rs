use nospace_core::model::{INITIAL_USER_NAMESPACE, UserNames};
use nospace_core::report::{Budget, Report, User};

use super::options::Options;
use crate::ui::bar::bar;
use crate::ui::table::{Align, Cell, Table};
use crate::ui::{Page, number, style, text};

/// Columns that are not bars: label, two figures, two shares, gaps.
const BARS: std::ops::RangeInclusive<usize> = 4..=24;
const PERCENT: usize = 6;

/// How much of its two inotify limits each user uses.
pub fn draw(page: &mut Page, report: &Report, options: &Options) {
    if report.users.is_empty() {
        return;
    }
    let shown = &report.users[..report.users.len().min(options.top(report))];
    page.heading("inotify use by user", "what the kernel charges to each");
    let names = &report.user_names;
    let bar = bar_width(page, names, shown);
    let mut table = Table::default()
        .names("USER")
        .column("INSTANCES", Align::Right)
        .column("", Align::Left)
        .column("WATCHES", Align::Right)
        .column("", Align::Left);
    for user in shown {
        let mut row = vec![Cell::new(label(names, user))];
        row.extend(budget(page, &user.instances, bar));
        row.extend(budget(page, &user.watches, bar));
        table.row(row);
    }
    page.table_with(&table, |page, row| {
        for note in notes(names, &shown[row]) {
            page.wrapped(page.indented().plain("  "), style::DIM, &note);
        }
    });
    rest(page, &report.users[shown.len()..]);
}

fn bar_width(page: &Page, names: &UserNames, users: &[User]) -> usize {
    let widest = |cell: &dyn Fn(&User) -> String, head: &str| {
        let cells = users.iter().map(|u| text::width(&cell(u)));
        cells.chain([head.len()]).max().unwrap_or(0)
    };
    let words = widest(&|u| label(names, u), "USER")
        + widest(&|u| number::of_limit(&u.instances), "INSTANCES")
        + widest(&|u| number::of_limit(&u.watches), "WATCHES");
    let left = page.room().saturating_sub(words + 4 * 2 + 2 * PERCENT);
    (left / 2).clamp(*BARS.start(), *BARS.end())
}

fn budget(page: &Page, budget: &Budget, width: usize) -> [Cell; 2] {
    let percent = number::percent(budget);
    let color = percent.map_or(style::DIM, style::pressure);
    let drawn = match percent {
        Some(percent) => format!("{}{percent:>4} %", bar(percent, width, page.charset)),
        None => format!("{:width$}{:>6}", "", number::UNKNOWN),
    };
    [
        Cell::new(number::of_limit(budget)),
        Cell::styled(color, drawn),
    ]
}

fn label(names: &UserNames, user: &User) -> String {
    let uid = names.uid(user.uid);
    if user.is_initial() {
        uid
    } else {
        format!("{uid} (userns)")
    }
}

fn notes(names: &UserNames, user: &User) -> Vec<String> {
    let mut notes = Vec::new();
    if user.user_namespace != INITIAL_USER_NAMESPACE {
        let draws = user
            .draws_on
            .map_or(String::new(), |on| match on.user_namespace {
                INITIAL_USER_NAMESPACE => {
                    format!(", also counted against {}", names.uid(on.uid))
                }
                parent => format!(
                    ", also counted against {} in user namespace {parent}",
                    names.uid(on.uid)
                ),
            });
        notes.push(format!("in user namespace {}{draws}", user.user_namespace));
    }
    let hidden: Vec<String> = [
        (user.unattributed.instances, "instance", "instances"),
        (user.unattributed.watches, "watch", "watches"),
    ]
    .into_iter()
    .filter_map(|(n, one, many)| Some(number::count(n.filter(|&n| n > 0)?, one, many)))
    .collect();
    if !hidden.is_empty() {
        notes.push(format!("no visible holder for {}", hidden.join(" and ")));
    }
    notes
}

fn rest(page: &mut Page, users: &[User]) {
    if users.is_empty() {
        return;
    }
    let percents = users
        .iter()
        .flat_map(|u| [number::percent(&u.instances), number::percent(&u.watches)]);
    let fullest = percents.flatten().max();
    let none_above = fullest.map_or(String::new(), |p| format!(", none above {p} %"));
    let more = number::count(users.len() as u64, "more user", "more users");
    let says = format!("{more}{none_above} (-v lists them)");
    page.add(page.indented().put(style::DIM, &says));
}
