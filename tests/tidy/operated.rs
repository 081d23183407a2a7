//! What operators are given: the board, the alerts and the runbook say what the program really has.

use crate::{
    house::{between, code, files, read},
    none,
};
use std::collections::BTreeSet;

/// Metrics that the board has no use for, and why not. Empty: all are on it.
const NOT_ON_THE_BOARD: [&str; 0] = [];

/// Every metric the program exposes, by its whole name.
pub fn exposed() -> BTreeSet<String> {
    let read = |path: &str| code(&read(path), true);
    let parts = [
        "metrics.rs",
        "metrics/latency.rs",
        "metrics/methods.rs",
        "metrics/portals.rs",
        "metrics/strangers.rs",
        "metrics/tokens.rs",
    ];
    let source = parts.map(|part| read(&format!("crates/hubbub/src/{part}"))).concat();
    let mut exposed = BTreeSet::new();
    exposed.extend(between(&source, "counter(\"", "\"").into_iter().map(|name| format!("hubbub_{name}_total")));
    for before in ["gauge(\"", ".register(\""] {
        exposed.extend(between(&source, before, "\"").into_iter().map(|name| format!("hubbub_{name}")));
    }
    exposed
}

/// Every metric that a query of this text names.
fn queried(text: &str) -> BTreeSet<String> {
    let part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let names = text.match_indices("hubbub_").map(|(at, _)| text[at..].split(|c| !part(c)).next().unwrap_or_default());
    names.map(|name| name.trim_end_matches("_bucket").to_owned()).collect()
}

#[test]
fn the_board_and_the_alerts_name_metrics_that_exist_and_the_board_names_all() {
    let exposed = exposed();
    let (board, rules) = (read("deploy/grafana/hubbub.json"), read("deploy/prometheus/hubbub.rules.yml"));
    let mut found = Vec::new();
    for (file, text) in [("deploy/grafana/hubbub.json", &board), ("deploy/prometheus/hubbub.rules.yml", &rules)] {
        found.extend(queried(text).difference(&exposed).map(|name| format!("{file} names {name}")));
    }
    none(&found, "No metric has this name. Has it been renamed?");
    let shown = queried(&board);
    let missing: Vec<_> = exposed
        .iter()
        .filter(|name| !shown.contains(*name) && !NOT_ON_THE_BOARD.contains(&name.as_str()))
        .cloned()
        .collect();
    none(
        &missing,
        "Put it on deploy/grafana/hubbub.json, or into NOT_ON_THE_BOARD in tests/tidy/operated.rs with the reason.",
    );
}

#[test]
fn every_alert_leads_to_a_heading_of_the_runbook() {
    let rules = read("deploy/prometheus/hubbub.rules.yml");
    let links = between(&rules, "runbook: ", "\n");
    let alerts = rules.matches("- alert:").count();
    assert!(alerts >= 4 && links.len() == alerts, "{alerts} alerts, {} runbooks", links.len());
    let anchor = |heading: &str| -> String {
        let kept = heading.trim().to_lowercase().replace(' ', "-");
        kept.chars().filter(|c| c.is_alphanumeric() || *c == '-').collect()
    };
    let mut found = Vec::new();
    for link in links {
        let (file, heading) = link.split_once('#').expect("file#heading");
        let there = read(file).lines().filter_map(|line| line.strip_prefix("## ")).any(|line| anchor(line) == heading);
        if !there {
            found.push(link.to_owned());
        }
    }
    none(&found, "There is no such heading: whoever is woken by this alert finds nothing.");
}

#[test]
fn every_code_of_the_protocol_is_explained_to_operators_and_no_other_is() {
    let rows = |text: &str| -> BTreeSet<u32> {
        let number = |line: &str| line.strip_prefix("| ")?.split(' ').next()?.parse().ok();
        text.lines().filter_map(number).filter(|code| *code >= 100).collect()
    };
    let (said, explained) = (rows(&read("docs/protocol.md")), rows(&read("docs/operating/codes.md")));
    assert!(said.len() > 20, "only {said:?}: has the protocol's document moved?");
    let missing: Vec<_> = said.difference(&explained).map(ToString::to_string).collect();
    none(&missing, "docs/operating/codes.md: give each of these codes a row: what it means at night, and what to do.");
    let stale: Vec<_> = explained.difference(&said).map(ToString::to_string).collect();
    none(&stale, "docs/operating/codes.md explains codes that docs/protocol.md has not: take them out.");
}

#[test]
fn every_problem_of_the_protocol_is_explained_to_operators_and_no_other_is() {
    // A row like | `busy` | 429 | …
    let rows = |text: &str| -> BTreeSet<String> {
        let row = |line: &str| {
            let (word, rest) = line.strip_prefix("| `")?.split_once("` | ")?;
            let status = rest.split(' ').next()?;
            (word == word.to_lowercase() && status.len() == 3 && status.parse::<u16>().is_ok()).then(|| word.to_owned())
        };
        text.lines().filter_map(row).collect()
    };
    let (said, explained) = (rows(&read("docs/protocol.md")), rows(&read("docs/operating/codes.md")));
    assert!(said.len() >= 15, "only {said:?}: has the protocol's document moved?");
    let differ: Vec<_> = said.symmetric_difference(&explained).cloned().collect();
    none(&differ, "docs/protocol.md and docs/operating/codes.md do not have the same problems.");
}

#[test]
fn every_alert_says_how_urgent_it_is_and_is_seen_to_come_and_not_to_come() {
    let (rules, tests) = (read("deploy/prometheus/hubbub.rules.yml"), read("tests/prometheus/rules.yml"));
    let mut found = Vec::new();
    for alert in rules.split("- alert: ").skip(1) {
        let name = alert.lines().next().unwrap_or_default().trim();
        if !["page", "ticket"].iter().any(|severity| alert.contains(&format!("{{ severity: {severity} }}"))) {
            found.push(format!("{name} has no severity: page or ticket"));
        }
        let looks = || tests.split("alertname: ").skip(1).filter(|look| look.starts_with(name));
        let comes = looks().any(|look| look.split("eval_time").next().is_some_and(|look| look.contains("exp_labels")));
        let stays_away =
            looks().any(|look| look[name.len()..].trim_start_matches(',').trim().starts_with("exp_alerts: []"));
        if !comes || !stays_away {
            found.push(format!(
                "{name} is {} by tests/prometheus/rules.yml",
                if comes { "never seen to stay away" } else { "never seen to come" }
            ));
        }
    }
    none(&found, "Whoever is woken has to know how urgent it is, and that it is true.");
}

#[test]
fn what_the_night_book_quotes_the_program_says() {
    // Text that goes on in another line of the source is one text.
    let source: String = files(&["crates"], ".rs").into_iter().map(|file| code(&file.text, true)).collect();
    let mut parts = source.split("\\\n");
    let mut said = parts.next().unwrap_or_default().to_owned();
    parts.for_each(|part| said.push_str(part.trim_start()));
    let is_sentence = |quoted: &str| {
        let words = quoted.split_whitespace().count();
        let is_plain = quoted.chars().all(|c| c.is_alphabetic() || " ,':;.…-".contains(c));
        // Commands, and what is written into the files of others.
        let is_ours = !["hubbub", "cargo", "cookie", "VACUUM"].iter().any(|first| quoted.starts_with(first));
        words >= 3 && is_plain && is_ours && !quoted.starts_with('-')
    };
    let (mut found, mut quotes) = (Vec::new(), 0);
    for file in ["docs/operating.md", "docs/operating/night.md"] {
        let text = read(file);
        for quoted in text.split('`').skip(1).step_by(2).filter(|quoted| is_sentence(quoted)) {
            quotes += 1;
            let is_said = quoted.split('…').all(|part| said.contains(part.trim()));
            found.extend((!is_said).then(|| format!("{file}: {quoted}")));
        }
    }
    assert!(quotes > 15, "only {quotes} quotes: are they written otherwise now?");
    none(&found, "Whoever looks for this in the log does not find it: the program says it in other words.");
}

#[test]
fn the_night_book_and_the_checklist_name_metrics_that_exist() {
    let exposed = exposed();
    for (file, at_least) in [("docs/operating/night.md", 13), ("docs/operating/checklist.md", 5)] {
        let named = queried(&read(file));
        assert!(named.len() >= at_least, "{file}: {named:?}");
        let found: Vec<_> = named.difference(&exposed).map(|name| format!("{file}: {name}")).collect();
        none(&found, "No metric has this name.");
    }
}

#[test]
fn what_the_page_of_capacity_calls_measured_stands_where_it_says() {
    let page = read("docs/operating/capacity.md");
    let (mut found, mut rows) = (Vec::new(), 0);
    let measured = between(&page, "## What was measured", "## What follows").concat();
    for row in measured.lines().filter(|line| line.contains("](../")) {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [_, figure, from] = cells[..] else { panic!("three cells: {row}") };
        let file = between(from, "](../", "#").concat();
        let file = file.strip_prefix("../").map_or(format!("docs/{file}"), str::to_owned);
        rows += 1;
        // In the row or sentence itself, not as part of another number.
        let is_number = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit() || c == '.' || c == ',');
        let text = read(&file);
        let stands = text.match_indices(figure).any(|(at, _)| {
            !is_number(text[..at].chars().next_back())
                && !text[at + figure.len()..].chars().next().is_some_and(|c| c.is_ascii_digit())
        });
        if !stands {
            found.push(format!("{figure} is not in {file}"));
        }
    }
    assert!(rows >= 8, "only {rows} rows");
    none(&found, "docs/operating/capacity.md: it was measured anew, or it stands elsewhere.");
}
