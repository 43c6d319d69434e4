//! What the node said, what nospace said, and whether that was right.

use std::fmt::Write as _;

/// The rows of docs/real-node.md.
#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
}

struct Row {
    scenario: String,
    node: String,
    nospace: String,
    right: bool,
}

impl Table {
    /// One claim of nospace, held against the node.
    pub fn row(&mut self, scenario: &str, node: &str, nospace: &str, right: bool) {
        println!(
            "{} {scenario}: node: {node}; nospace: {nospace}",
            if right { "right" } else { "WRONG" }
        );
        self.rows.push(Row {
            scenario: scenario.to_owned(),
            node: node.to_owned(),
            nospace: nospace.to_owned(),
            right,
        });
    }

    /// No row is wrong.
    pub fn all_right(&self) -> bool {
        self.rows.iter().all(|row| row.right)
    }

    /// The table as Markdown.
    pub fn markdown(&self) -> String {
        let cell = |text: &str| {
            let text = text.replace('<', "&lt;").replace('|', "\\|");
            text.replace('\n', " ")
        };
        let mut text = String::from("| scenario | the node | nospace | |\n|---|---|---|---|\n");
        for row in &self.rows {
            let right = if row.right { "right" } else { "**wrong**" };
            let _ = writeln!(
                text,
                "| {} | {} | {} | {right} |",
                cell(&row.scenario),
                cell(&row.node),
                cell(&row.nospace)
            );
        }
        text
    }
}
