//! Rows that were stored before JSON was looked at: what others cannot read of them is found, for people. Nothing is changed.

use hubbub_core::{limits::JSON_ROWS_NAMED, model::ijson};
use std::time::Instant;

/// Rows looked at by one statement.
pub(crate) const CHUNK: i64 = 2_000;

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct ForeignJson {
    /// Rows with JSON that others cannot read.
    pub found: u64,
    /// The first of them, each with what is wrong with it.
    pub named: Vec<String>,
    /// Rows that were looked at.
    pub looked_at: u64,
    /// There was no time for the others.
    pub is_cut_short: bool,
}

impl ForeignJson {
    /// Looks at the JSON of one row, which `name` names.
    pub(crate) fn look(&mut self, field: &'static str, json: &str, name: impl FnOnce() -> String) {
        if let Err(why) = ijson::check(field, json) {
            self.found += 1;
            if self.named.len() < JSON_ROWS_NAMED {
                self.named.push(format!("{} ({why})", name()));
            }
        }
    }

    /// Counts rows. Whether there is time for more.
    pub(crate) fn goes_on(&mut self, rows: u64, until: Instant) -> bool {
        self.looked_at += rows;
        self.is_cut_short = Instant::now() >= until;
        !self.is_cut_short
    }
}
