//! Columns below their heads.

use crate::log::is_hidden;
use std::fmt;

/// See the module.
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// One with these heads.
    pub fn new(heads: impl Iterator<Item = &'static str>) -> Self {
        Self { rows: vec![heads.map(ToOwned::to_owned).collect()] }
    }

    /// One more row; what would break it is left out.
    pub fn row(&mut self, cells: impl Iterator<Item = String>) {
        let plain = |cell: String| cell.chars().map(|c| if is_hidden(c) { ' ' } else { c }).collect();
        self.rows.push(cells.map(plain).collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.first().map_or(0, Vec::len);
        let widest = |n: usize| self.rows.iter().filter_map(|row| row.get(n)).map(|cell| cell.chars().count()).max();
        let widths: Vec<usize> = (0..columns).map(|n| widest(n).unwrap_or_default()).collect();
        for row in &self.rows {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let mut table = Table::new(["PORTAL", "STATE"].into_iter());
        table.row(["a-long-name".to_owned(), "act\nive\u{202e}".to_owned()].into_iter());
        assert_eq!(table.to_string(), "PORTAL       STATE\na-long-name  act ive\n");
    }
}
