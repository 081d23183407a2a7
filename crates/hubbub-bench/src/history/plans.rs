//! What statements did, as the databases tell it, and whether that is in proportion to what was shown.

use hubbub::store::sqlite::traced::Traced;
use serde_json::Value;
use std::collections::HashMap;

/// Tables that are small: one row, or one for each instance.
const SMALL: [&str; 2] = ["meta", "instances"];
/// Rows that may be read for each thing that is shown (an entry, a reaction, somebody who is named), and beside them for a page.
const ROWS: f64 = 8.0;
const ROWS_OF_PAGE: f64 = 300.0;
/// Steps of SQLite's machine, likewise.
const STEPS: f64 = 150.0;
const STEPS_OF_PAGE: f64 = 5_000.0;

/// What the statements of one request did.
#[derive(Default, Debug, Clone, PartialEq)]
pub struct Did {
    pub statements: f64,
    /// Rows that were read from tables and indexes; on SQLite, steps of its machine.
    pub rows: f64,
    /// Blocks that were looked at.
    pub buffers: f64,
    /// Large tables that were gone through.
    pub gone_through: Vec<String>,
    /// How the longest statement found its rows.
    pub plan: String,
}

impl Did {
    /// What is wrong with it, where so many things were shown.
    pub fn wrong(&self, things: usize, is_sqlite: bool) -> Option<String> {
        let (each, beside) = if is_sqlite { (STEPS, STEPS_OF_PAGE) } else { (ROWS, ROWS_OF_PAGE) };
        let most = each * things as f64 + beside;
        if !self.gone_through.is_empty() {
            Some(format!("goes through {}", self.gone_through.join(", ")))
        } else if self.rows > most {
            Some(format!(
                "reads {} rows or makes as many steps for {things} things; {most} are in proportion",
                self.rows
            ))
        } else {
            None
        }
    }
}

/// Reads what `auto_explain` has logged of requests: of each statement a plan.
pub fn of_postgres(log: &str, requests: usize) -> Did {
    let (mut did, mut longest, mut ran) = (Did::default(), 0.0, HashMap::<String, usize>::new());
    for part in log.split(" plan:\n").skip(1) {
        let Some(Ok(told)) = serde_json::Deserializer::from_str(part).into_iter::<Value>().next() else { continue };
        let text = told["Query Text"].as_str().unwrap_or_default();
        // What instances do by themselves now and then.
        if ["instances", "portal", "cursors", "refused_hooks", "FOR SHARE"].iter().any(|of| text.contains(of)) {
            continue;
        }
        *ran.entry(text.to_owned()).or_default() += 1;
        let (plan, mut rows) = (&told["Plan"], 0.0);
        let mut lines = String::new();
        walk(plan, 0, &mut |node, depth| {
            let number = |name: &str| node[name].as_f64().unwrap_or_default();
            let loops = number("Actual Loops");
            let (name, index) = (node["Relation Name"].as_str(), node["Index Name"].as_str().unwrap_or_default());
            let kind = node["Node Type"].as_str().unwrap_or_default();
            if let Some(table) = name {
                let read =
                    number("Actual Rows") + number("Rows Removed by Filter") + number("Rows Removed by Index Recheck");
                rows += read * loops;
                if kind == "Seq Scan" && !SMALL.contains(&table) && !did.gone_through.iter().any(|gone| gone == table) {
                    did.gone_through.push(table.to_owned());
                }
            }
            if loops > 0.0 {
                let (rows, on) = (number("Actual Rows"), name.unwrap_or_default());
                let buffers = number("Shared Hit Blocks") + number("Shared Read Blocks");
                lines += &format!("{:depth$}{kind} {on} {index} rows={rows} loops={loops} buffers={buffers}\n", "");
            }
        });
        let buffers = plan["Shared Hit Blocks"].as_f64().unwrap_or_default()
            + plan["Shared Read Blocks"].as_f64().unwrap_or_default();
        // The dearest of those that were planned: generic or not.
        if rows >= longest {
            (longest, did.plan, did.buffers) = (rows, lines, did.buffers.max(buffers));
        }
        did.rows = did.rows.max(rows);
    }
    // The same goes for whatever ran less often than there were requests.
    did.statements = ran.values().map(|times| times / requests).sum::<usize>() as f64;
    did
}

fn walk(node: &Value, depth: usize, look: &mut impl FnMut(&Value, usize)) {
    look(node, depth);
    for below in node["Plans"].as_array().into_iter().flatten() {
        walk(below, depth + 1, look);
    }
}

/// The same of what SQLite traced of one request.
pub fn of_sqlite(traced: &[Traced]) -> Did {
    let mut did = Did::default();
    for statement in traced {
        did.statements += statement.runs as f64;
        did.rows += f64::from(statement.steps);
        for step in &statement.plan {
            let table = step.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next());
            // Subqueries and rows of one table that has one row are no tables.
            if let Some(table) = table
                && statement.scanned > 1
                && !SMALL.contains(&table)
                && !step.contains("subquery")
            {
                did.gone_through.push(format!("{table} ({} rows)", statement.scanned));
            }
            did.plan += &format!("{step}\n");
        }
        did.plan.push('\n');
    }
    did
}

/// How many things an answer shows: entries, reactions, people who are named.
pub fn things(answer: &Value) -> usize {
    match answer {
        Value::Array(items) => items
            .iter()
            .map(|item| match item {
                Value::Object(_) => 1 + things(item),
                _ => 1,
            })
            .sum(),
        Value::Object(members) => members.values().map(things).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(plan: &str, text: &str) -> String {
        format!(
            "2026 LOG:  duration: 0.2 ms  plan:\n\t{{\n\t  \"Query Text\": \"{text}\",\n\t  \"Plan\": {plan}\n\t}}\n2026 LOG:  next\n"
        )
    }

    #[test]
    fn rows_are_counted_by_loops_and_tables_that_are_gone_through_are_named() {
        let of_page = r#"{"Node Type": "Sort", "Actual Rows": 2, "Actual Loops": 1, "Shared Hit Blocks": 7, "Plans": [
            {"Node Type": "Index Scan", "Relation Name": "pins", "Actual Rows": 3, "Rows Removed by Filter": 1, "Actual Loops": 5},
            {"Node Type": "Seq Scan", "Relation Name": "meta", "Actual Rows": 1, "Actual Loops": 1}]}"#;
        let of_rooms = r#"{"Node Type": "Seq Scan", "Relation Name": "entries", "Actual Rows": 9, "Actual Loops": 1}"#;
        let told = [log(of_page, "a page"), log(of_rooms, "renew instances"), log(of_page, "a page")].concat();
        let did = of_postgres(&told, 2);
        assert_eq!((did.statements, did.rows, did.buffers), (1.0, 21.0, 7.0));
        assert_eq!(did.wrong(2, false), None);
        assert!(did.plan.starts_with("Sort"), "{}", did.plan);
        let did = of_postgres(&log(of_rooms, "rooms"), 1);
        assert_eq!(did.wrong(9, false).as_deref(), Some("goes through entries"));
        let many = Did { rows: 1_000.0, ..Did::default() };
        assert!(
            many.wrong(10, false).is_some_and(|why| why.contains("reads 1000 rows")) && many.wrong(10, true).is_none()
        );
    }

    #[test]
    fn things_are_entries_reactions_and_people() {
        let answer = serde_json::json!({"entries": [
            {"seq": 1, "reactions": [{"reaction": "+1", "users": ["ana", "ben"]}]}, {"seq": 2}], "head": 2});
        assert_eq!(things(&answer), 5);
        assert_eq!(things(&serde_json::json!({"rooms": [{"last": {"replies": {"users": ["ana"]}}}]})), 2);
    }
}
