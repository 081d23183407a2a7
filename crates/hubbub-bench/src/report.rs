//! What was measured: a table, and what follows from it in words.

/// See the module.
#[derive(Default)]
pub struct Report {
    rows: Vec<Row>,
    words: Vec<String>,
}

struct Row {
    what: &'static str,
    ours: f64,
    bare: f64,
    budget: Budget,
}

/// What a figure of ours may be.
#[derive(Clone, Copy)]
pub enum Budget {
    /// There is none.
    None,
    /// At most so much.
    AtMost(f64),
    /// At most so many times the bare loop's.
    RatioAtMost(f64),
    /// At least so many times the bare loop's.
    RatioAtLeast(f64),
}

impl Row {
    fn ratio(&self) -> f64 {
        self.ours / self.bare
    }

    /// How much of its budget is used: above 1 is too much.
    fn used(&self) -> Option<f64> {
        match self.budget {
            Budget::None => None,
            Budget::AtMost(most) => Some(self.ours / most),
            Budget::RatioAtMost(most) => Some(self.ratio() / most),
            Budget::RatioAtLeast(least) => Some(least / self.ratio()),
        }
    }

    fn budget(&self) -> String {
        match self.budget {
            Budget::None => String::new(),
            Budget::AtMost(most) => format!("at most {most}"),
            Budget::RatioAtMost(most) => format!("at most {most} x"),
            Budget::RatioAtLeast(least) => format!("at least {least} x"),
        }
    }
}

impl Report {
    /// Adds a figure beside the bare loop's.
    pub fn row(&mut self, what: &'static str, ours: f64, bare: f64, budget: Budget) {
        let row = Row { what, ours, bare, budget };
        println!("  {what}: {} beside {}", number(ours), number(bare));
        self.rows.push(row);
    }

    /// Adds a sentence.
    pub fn word(&mut self, sentence: String) {
        self.words.push(sentence);
    }

    pub fn print(&self) {
        let width = self.rows.iter().map(|row| row.what.len()).max().unwrap_or_default();
        println!("\n{:width$}  {:>10} {:>10} {:>7}  budget", "", "Hubbub", "bare loop", "ratio");
        for row in &self.rows {
            let verdict = match row.used() {
                None => "",
                Some(used) if used > 1.0 => "  OVER",
                Some(_) => "  kept",
            };
            let (ours, bare) = (number(row.ours), number(row.bare));
            println!("{:width$}  {ours:>10} {bare:>10} {:>7.2}  {}{verdict}", row.what, row.ratio(), row.budget());
        }
        println!();
        for sentence in &self.words {
            println!("- {sentence}");
        }
        let mut judged: Vec<_> = self.rows.iter().filter_map(|row| Some((row.used()?, row))).collect();
        judged.sort_by(|a, b| b.0.total_cmp(&a.0));
        if let Some((used, row)) = judged.first() {
            let over = judged.iter().filter(|(used, _)| *used > 1.0).count();
            let (all, percent) = (judged.len(), used * 100.0);
            println!(
                "- {over} of {all} budgets are exceeded; the tightest is that of `{}`: {percent:.0} % of it is used.",
                row.what
            );
        }
    }
}

/// A figure with as many digits as mean something.
pub fn number(value: f64) -> String {
    match value.abs() {
        0.0..10.0 => format!("{value:.2}"),
        10.0..1_000.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}
