use nospace_core::amount::{bytes, count, thousands};
use nospace_core::limits::sysctl;
use nospace_core::model::Provenance;
use nospace_core::plan::{OtherLimit, Plan};

use crate::ui::table::{Align, Cell, Table};
use crate::ui::{Page, style};

/// Limits other than inotify's that would not have room.
pub fn draw(page: &mut Page, plan: &Plan) {
    let Some(node) = plan.node.as_ref().filter(|_| !plan.other_limits.is_empty()) else {
        return;
    };
    let remark = format!(
        "if their use grows with the pods, from {} to {}",
        thousands(node.pods),
        count(plan.asked.pods, "pod", "pods")
    );
    let narrow = page.is_narrow();
    page.heading("Other limits", if narrow { "" } else { &remark });
    let table = match narrow {
        true => Table::default().names("SYSCTL"),
        false => Table::default()
            .column("SYSCTL", Align::Left)
            .column("USED", Align::Right),
    };
    let mut table = table
        .column("THEN", Align::Right)
        .column("LIMIT NOW", Align::Right)
        .column("SET TO", Align::Right);
    for one in &plan.other_limits {
        let amount = |value| match one.unit.as_str() {
            "bytes" => bytes(value),
            _ => thousands(value),
        };
        let mark = match one.provenance {
            Provenance::Exact => "",
            Provenance::Estimated | Provenance::Unavailable => "~",
        };
        let mut cells = vec![Cell::new(one.sysctl.as_str())];
        if !narrow {
            cells.push(Cell::new(format!("{mark}{}", amount(one.used))));
        }
        cells.extend([
            Cell::new(format!("~{}", amount(one.expected))),
            Cell::new(amount(one.limit)),
            value(one),
        ]);
        table.row(cells);
    }
    page.table(&table);
}

/// As it is typed, without separators.
fn value(one: &OtherLimit) -> Cell {
    match one.value {
        Some(value) => Cell::styled(style::COMMAND, value.to_string()),
        None if sysctl(&one.sysctl).is_some_and(|known| known.tunable) => {
            Cell::new("none suffices")
        }
        None => Cell::new(format!("explain {}", one.cause)),
    }
}
