//! What the board and the alerts ask for is exposed: under these very names, with these labels, of a kind that can be asked so.

use super::Metrics;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    time::Duration,
};

/// What Prometheus itself adds.
const ADDED: [&str; 2] = ["job", "instance"];

/// The name of a sample: its metric's kind, and its labels.
type Exposed = BTreeMap<String, (String, BTreeSet<String>)>;

/// Everything that the program can expose: what has labels has been counted once.
fn exposed() -> Exposed {
    let metrics = Metrics::default();
    metrics.methods.of("send").done.inc();
    metrics.methods.http("send").observe(1.0);
    let portals = &metrics.portals;
    portals.answered("desk", Duration::ZERO);
    portals.attempted("desk", "done");
    portals.received("desk", "taken");
    portals.shared("desk", "told_apart");
    portals.refused("desk", "kept", 1);
    portals.refused_hooks("desk", 1);
    portals.renewed("desk", "done");
    portals.locked("desk", true);
    portals.breaker("desk", "open");
    portals.trouble("desk", true);
    portals.backlog("desk", [1; 4]);
    metrics.tokens.refused("expired");
    metrics.strangers.refused("address");
    let (mut kinds, mut exposed) = (BTreeMap::new(), Exposed::new());
    for line in metrics.text().lines() {
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|line| line.split_once(' ')) {
            kinds.insert(name.to_owned(), kind.to_owned());
        } else if !line.starts_with('#') {
            let (name, rest) = line.split_at(line.find(['{', ' ']).expect("a sample"));
            let of =
                ["", "_total", "_bucket", "_sum", "_count"].iter().find_map(|end| kinds.get(name.strip_suffix(end)?));
            let labels = labels(rest, "{", "}").into_iter().filter_map(|pair| Some(pair.split_once('=')?.0.to_owned()));
            let (_, known) =
                exposed.entry(name.to_owned()).or_insert_with(|| (of.expect(name).clone(), BTreeSet::new()));
            known.extend(labels);
        }
    }
    for name in kinds.keys() {
        let is_there = exposed.keys().any(|sample| sample.starts_with(name.as_str()));
        assert!(is_there, "{name} has labels: count it once in `exposed`, or nothing is checked of it");
    }
    exposed
}

/// What stands between the first two of these, apart at commas.
fn labels(text: &str, open: &str, close: &str) -> Vec<String> {
    let inside = text.split_once(open).and_then(|(_, rest)| rest.split_once(close)).map_or("", |(inside, _)| inside);
    inside.split(',').map(str::trim).filter(|part| !part.is_empty()).map(ToOwned::to_owned).collect()
}

/// All places where `what` stands, each with what follows.
fn after<'a>(text: &'a str, what: &str) -> Vec<&'a str> {
    text.match_indices(what).map(|(at, _)| &text[at + what.len()..]).collect()
}

/// What is wrong with an expression and the legend of its series.
fn wrong(exposed: &Exposed, expression: &str, legend: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut known: BTreeSet<String> = ADDED.map(ToOwned::to_owned).into();
    let mut is_any = false;
    let mut rest = expression;
    while let Some(at) = rest.find(is_name) {
        let from = &rest[at..];
        let before = &expression[..expression.len() - from.len()];
        let name = &from[..from.find(|c| !is_name(c)).unwrap_or(from.len())];
        rest = &from[name.len()..];
        if !name.starts_with("hubbub_") && !name.starts_with("process_") {
            continue;
        }
        is_any = true;
        let Some((kind, labels_of)) = exposed.get(name) else {
            wrong.push(format!("nothing is called {name}"));
            continue;
        };
        known.extend(labels_of.iter().cloned());
        let matchers = if rest.starts_with('{') { labels(rest, "{", "}") } else { Vec::new() };
        for matcher in matchers {
            let label = matcher.split(|c| !is_name(c)).next().unwrap_or_default();
            if !labels_of.contains(label) && !ADDED.contains(&label) {
                wrong.push(format!("{name} has no label {label}"));
            }
        }
        let is_rate = ["rate(", "increase("].iter().any(|function| before.ends_with(function));
        if is_rate != (kind != "gauge") {
            wrong.push(format!("{name} is a {kind}, and is {}asked for its rate", if is_rate { "" } else { "not " }));
        }
    }
    if !is_any {
        wrong.push("it asks for no metric".to_owned());
    }
    let groups: Vec<Vec<String>> = after(expression, " by ").into_iter().map(|rest| labels(rest, "(", ")")).collect();
    for label in groups.iter().flatten().filter(|label| !known.contains(*label)) {
        wrong.push(format!("nothing of it has the label {label}"));
    }
    if expression.contains("histogram_quantile") && !groups.iter().any(|group| group.iter().any(|it| it == "le")) {
        wrong.push("a quantile needs `le`".to_owned());
    }
    for label in after(legend, "{{").into_iter().filter_map(|rest| rest.split_once("}}")).map(|(label, _)| label.trim())
    {
        let has = |group: &Vec<String>| group.iter().any(|it| it == label);
        // `le` has gone with the quantile.
        if label == "le" || !groups.iter().all(has) || !known.contains(label) {
            wrong.push(format!("its series have no label {label}"));
        }
    }
    wrong
}

fn file(path: &str) -> String {
    fs::read_to_string(format!("{}/../../deploy/{path}", env!("CARGO_MANIFEST_DIR"))).expect(path)
}

/// The board's expressions with their legends, and the alerts' with their annotations.
fn expressions() -> Vec<(String, String)> {
    fn of(panels: &Value, found: &mut Vec<(String, String)>) {
        for panel in panels.as_array().into_iter().flatten() {
            of(&panel["panels"], found);
            for target in panel["targets"].as_array().into_iter().flatten() {
                let text = |name: &str| target[name].as_str().unwrap_or_default().to_owned();
                found.push((text("expr"), text("legendFormat")));
            }
        }
    }
    let mut found = Vec::new();
    let board: Value = serde_json::from_str(&file("grafana/hubbub.json")).expect("JSON");
    of(&board["panels"], &mut found);
    assert!(found.len() > 40, "{found:?}");
    let rules = file("prometheus/hubbub.rules.yml");
    let alerts: Vec<&str> = rules.split("- alert: ").skip(1).collect();
    assert!(alerts.len() > 4);
    for alert in alerts {
        let expression = alert.lines().find_map(|line| line.trim().strip_prefix("expr: ")).expect("one line");
        found.push((expression.to_owned(), alert.replace("$labels.", "")));
    }
    found
}

#[test]
fn the_board_and_the_alerts_ask_for_what_is_exposed() {
    let exposed = exposed();
    let found: Vec<String> = expressions()
        .iter()
        .flat_map(|(expression, legend)| {
            wrong(&exposed, expression, legend).into_iter().map(move |why| (expression, why))
        })
        .map(|(expression, why)| format!("{expression}\n  {why}"))
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn what_would_stay_empty_on_the_board_is_found() {
    let exposed = exposed();
    for (expression, legend, why) in [
        ("hubbub_stores_up", "", "nothing is called hubbub_stores_up"),
        ("rate(hubbub_commits[5m])", "", "nothing is called hubbub_commits"),
        ("rate(hubbub_commit_seconds[5m])", "", "nothing is called hubbub_commit_seconds"),
        ("rate(hubbub_store_up[5m])", "", "is a gauge"),
        ("hubbub_commits_total", "", "is a counter"),
        ("sum by (portals) (rate(hubbub_portal_hooks_total[5m]))", "", "the label portals"),
        ("rate(hubbub_methods_total{outcomes=\"done\"}[5m])", "", "no label outcomes"),
        ("sum by (method) (rate(hubbub_methods_total[5m]))", "{{outcome}}", "no label outcome"),
        ("hubbub_connections{job=~\"$job\"}", "{{portal}}", "no label portal"),
        ("histogram_quantile(0.5, sum by (job) (rate(hubbub_send_seconds_bucket[5m])))", "", "needs `le`"),
        ("absent(up)", "", "no metric"),
    ] {
        let found = wrong(&exposed, expression, legend);
        assert!(found.iter().any(|it| it.contains(why)), "{expression}: {found:?}");
    }
}
