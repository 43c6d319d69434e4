use anstyle::Style;
use nospace_core::amount::thousands;
use nospace_core::model::InotifyResource;
use nospace_core::plan::{Capacity, MOST_PODS, Plan, Verdict};

use crate::ui::table::{Align, Cell, Table};
use crate::ui::{Page, style};

/// How many pods each pair of limits can hold, and which of the two runs out first.
pub fn draw(page: &mut Page, plan: &Plan, verbose: bool) {
    let asked = plan.asked.pods;
    page.heading(
        "Capacity",
        &if page.is_narrow() {
            format!("pods that fit (you asked for {})", thousands(asked))
        } else {
            format!(
                "pods each set of limits can hold (you asked for {})",
                thousands(asked)
            )
        },
    );
    let mut table = Table::default()
        .column("LIMITS", Align::Left)
        .column("INSTANCES", Align::Right)
        .column("WATCHES", Align::Right)
        .column("PODS", Align::Right)
        .column("RUNS OUT", Align::Left);
    let wide = !page.is_narrow();
    if wide {
        table = table.names("ANSWER");
    }
    for one in &plan.limits {
        let mut cells = row(one, asked);
        // The colour of the pods says it too.
        cells.truncate(if wide { 6 } else { 5 });
        table.row(cells);
    }
    let several = plan.limits.iter().filter(|l| l.note.is_some()).count() > 1;
    page.table_with(&table, |page, row| {
        let one = &plan.limits[row];
        let mut add = |text: &str| {
            page.wrapped(page.indented().plain("    "), style::DIM, text);
        };
        if verbose {
            add(&format!("{}; {}", one.title, one.source));
        }
        if verbose || !several || one.verdict == Verdict::Unknown {
            one.note.iter().for_each(|note| add(note));
        }
    });
}

fn row(one: &Capacity, asked: u64) -> Vec<Cell> {
    let (answer, color) = answer(one, asked);
    let watches = match one.max_user_watches {
        Some(watches) => thousands(watches),
        None => "8,192+".to_owned(),
    };
    let more = if one.max_user_watches.is_none() {
        "+"
    } else {
        ""
    };
    let pods = match one.pods {
        None => "none".to_owned(),
        Some(MOST_PODS..) => "any".to_owned(),
        Some(pods) if one.binds == Some(InotifyResource::Watches) => {
            format!("{}{more}", thousands(pods))
        }
        Some(pods) => thousands(pods),
    };
    let binds = one.binds.map_or("-", InotifyResource::unit);
    vec![
        Cell::new(&one.name),
        Cell::new(thousands(one.max_user_instances)),
        Cell::new(watches),
        Cell::styled(color, pods),
        Cell::new(binds),
        Cell::styled(color, answer),
    ]
}

fn answer(one: &Capacity, asked: u64) -> (String, Style) {
    match one.verdict {
        Verdict::Holds => ("holds".to_owned(), style::pressure(0)),
        Verdict::Tight => ("barely".to_owned(), style::pressure(80)),
        Verdict::Unknown => ("cannot tell".to_owned(), style::pressure(80)),
        Verdict::Fails => {
            let fails = match one.pods {
                Some(pods) if pods < asked => format!("no: pod {} fails", thousands(pods + 1)),
                _ => "no".to_owned(),
            };
            (fails, style::pressure(100))
        }
    }
}
