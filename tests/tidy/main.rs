//! Keeps the house: what the documents say of the code, and what the floors say of each other. Nothing is run here; files
//! are read. It needs nothing but the standard library: `rustc --edition 2024 --test tests/tidy/main.rs` does too.

mod contributing;
mod core_floors;
mod house;
mod limits;
mod looks;
mod operated;
mod protobuf;

use house::{code, crate_modules, dependencies, files, grouped, modules_below, names, read, root, sources};
use limits::{INTERNAL, MET_BY_CLIENTS};
use std::collections::{BTreeMap, BTreeSet};

/// Who may import whom in `crates/hubbub/src`, from the lowest floor up. Every floor may count and log, and any may need TLS,
/// the time or a way around proxies, so `metrics`, `log`, `crypto`, `clock` and `direct` are for all.
const FLOORS: [(&str, &[&str]); 25] = [
    ("metrics", &[]),
    ("clock", &[]),
    ("direct", &[]),
    ("spans", &[]),
    ("crypto", &[]),
    ("log", &[]),
    ("store", &[]),
    ("bus", &[]),
    ("chat", &["store", "bus"]),
    ("token", &[]),
    ("problem", &["chat", "store"]),
    ("openapi", &["chat", "problem"]),
    ("strangers", &[]),
    ("http", &["chat", "bus", "openapi", "problem", "store", "strangers", "token"]),
    ("features", &["chat", "openapi", "problem", "store", "strangers"]),
    ("gateway", &["chat", "strangers", "token"]),
    ("config", &["bus", "log", "store", "token"]),
    (
        "server",
        &[
            "bus",
            "chat",
            "config",
            "features",
            "gateway",
            "http",
            "log",
            "openapi",
            "problem",
            "store",
            "strangers",
            "token",
        ],
    ),
    ("check", &["bus", "config", "log", "server", "store", "token"]),
    ("output", &[]),
    ("operator", &["chat", "config", "features", "output", "server"]),
    ("moving", &["config", "output", "server", "store"]),
    ("demo_portal", &["config", "http", "output"]),
    ("main", &[]),
    ("lib", &[]),
];

/// What only edges and wiring know.
const TRANSPORTS: [&str; 4] = ["axum", "hyper", "hyper_util", "tokio_websockets"];

/// What the core must not depend on.
const NOT_IN_CORE: [&str; 9] =
    ["tokio", "rusqlite", "tokio-postgres", "axum", "redis", "rand", "hyper", "tokio-websockets", "async-trait"];

/// What the core must not do: I/O, ask the time, throw dice.
const NOT_DONE_IN_CORE: [&str; 10] = [
    "Instant::now",
    "SystemTime::now",
    "Timestamp::now",
    "Uuid::now_v7",
    "Uuid::new_v4",
    "std::fs",
    "std::net",
    "std::thread",
    "std::process",
    "std::env",
];

/// Longest source file.
const LINES: usize = 450;

/// Files that are still longer, and how long they may be until they are split. To be emptied, not to be added to.
const STILL_LONG: [(&str, usize); 1] = [("crates/hubbub-core/src/limits.rs", 560)];

/// Helpers of stories that may sleep: the pause between two looks at a level that has a deadline.
const MAY_SLEEP: [&str; 1] = ["breathe"];

/// Where methods have their files.
const METHODS: [&str; 2] = ["crates/hubbub/src/chat/methods", "crates/hubbub/src/features"];

const CORE: &str = "crates/hubbub-core/src/";
const PROGRAM: &str = "crates/hubbub/src/";

/// Fails with everything that was found, and what to do about it.
#[track_caller]
fn none(found: &[String], what_to_do: &str) {
    assert!(found.is_empty(), "\n  {}\n{what_to_do}\n", found.join("\n  "));
}

/// The module right below the crate that a file of the program belongs to.
fn floor_of(path: &str) -> &str {
    path.strip_prefix(PROGRAM).and_then(|path| path.split(['/', '.']).next()).unwrap_or_default()
}

#[test]
fn every_module_imports_only_from_the_floors_below_it() {
    let floors: BTreeMap<&str, &[&str]> = FLOORS.into_iter().collect();
    let mut found = Vec::new();
    for file in files(&[PROGRAM], ".rs") {
        let own = floor_of(&file.path);
        let Some(may) = floors.get(own) else {
            found.push(format!("{}: `{own}` stands on no floor", file.path));
            continue;
        };
        let code = code(&file.text, false);
        for other in crate_modules(&code) {
            // What begins with a capital is an item of the crate's root, and there is none.
            if other != own
                && !["metrics", "spans", "crypto", "log", "clock", "direct"].contains(&&*other)
                && !may.contains(&other.as_str())
            {
                found.push(format!("{}: `{own}` imports `{other}`", file.path));
            }
        }
        let depth = file.path[PROGRAM.len()..].trim_end_matches("/mod.rs").split('/').count().max(2);
        if code.contains(&"super::".repeat(depth)) {
            found.push(format!("{}: `super::` climbs out of `{own}`; write `crate::`", file.path));
        }
    }
    none(
        &found,
        "Imports point downwards only. Move what is shared down a floor, or change FLOORS here and ARCHITECTURE.md.",
    );
}

#[test]
fn features_do_not_know_each_other() {
    let features = format!("{PROGRAM}features/");
    let mut found = Vec::new();
    for file in files(&[&features], ".rs") {
        let own = file.path[features.len()..].split(['/', '.']).next().unwrap_or_default();
        let code = code(&file.text, false);
        for other in modules_below(&code, "features::") {
            if own != "mod" && other != own {
                found.push(format!("{}: the feature `{own}` names the feature `{other}`", file.path));
            }
        }
        let depth = file.path[features.len()..].trim_end_matches("/mod.rs").split('/').count().max(2);
        if code.contains(&"super::".repeat(depth)) {
            found.push(format!("{}: `super::` climbs out of the feature `{own}`; write `crate::`", file.path));
        }
    }
    none(&found, "Features stand beside each other above the chat. What two of them share is the chat's.");
}

#[test]
fn nothing_below_the_gateway_knows_a_transport() {
    let below = ["metrics", "spans", "store", "bus", "chat", "token", "config"];
    let mut found = Vec::new();
    for file in files(&[PROGRAM], ".rs") {
        let (own, code) = (floor_of(&file.path), code(&file.text, false));
        for transport in TRANSPORTS {
            let websocket_elsewhere = transport == "tokio_websockets" && own != "gateway";
            if (below.contains(&own) || websocket_elsewhere) && names(&code, transport) {
                found.push(format!("{} names {transport}", file.path));
            }
        }
    }
    none(&found, "Sockets belong to gateway/, HTTP to http/. Give the floor below a type of its own.");
}

#[test]
fn the_core_depends_on_nothing_that_does_io_or_tells_the_time() {
    let manifest = dependencies(&read("crates/hubbub-core/Cargo.toml"));
    let found: Vec<_> = NOT_IN_CORE.iter().filter(|name| manifest.contains(**name)).map(ToString::to_string).collect();
    none(&found, "crates/hubbub-core/Cargo.toml: the core is pure. Put the shell that needs this into crates/hubbub.");
    let mut found = Vec::new();
    for file in files(&[CORE], ".rs") {
        // The part that tests themselves may ask the time: tables begin at some instant.
        let text = file.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let code = code(text, false);
        let is_test = file.path.ends_with("/tests.rs");
        found.extend(
            NOT_DONE_IN_CORE
                .iter()
                .filter(|_| !is_test)
                .filter(|word| names(&code, word))
                .map(|word| format!("{}: {word}", file.path)),
        );
    }
    none(&found, "The core is told the time, ids and chance: make it an argument.");
}

/// The numbers in the source that clients see: after each of these words, in code that is no test.
fn codes(path: &str, before: &[&str]) -> BTreeSet<u32> {
    let text = read(path);
    let code = code(text.split("#[cfg(test)]").next().unwrap_or_default(), true);
    let number = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
    before
        .iter()
        .flat_map(|before| code.match_indices(*before).map(|(at, _)| &code[at + before.len()..]).collect::<Vec<_>>())
        .filter_map(number)
        .filter(|code| *code >= 100)
        .collect()
}

#[test]
fn every_code_a_client_sees_has_a_row_in_the_protocol_document_and_no_other_has() {
    let mut codes_in_code = codes("crates/hubbub-core/src/wire/error.rs", &["error(", "later(", "=> "]);
    codes_in_code.extend(codes("crates/hubbub/src/gateway/answer.rs", &["code: "]));
    for file in files(&METHODS, ".rs") {
        codes_in_code.extend(codes(&file.path, &["code: "]));
    }
    codes_in_code.extend(codes("crates/hubbub-core/src/wire/disconnect.rs", &["closing(", "code: "]));
    codes_in_code.extend(codes("crates/hubbub-core/src/wire/push.rs", &["=> ("]));
    assert!(codes_in_code.len() > 20, "only {codes_in_code:?}: have the codes moved?");
    let document = read("docs/protocol.md");
    let rows: BTreeSet<u32> = document
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok())
        .filter(|code| *code >= 100)
        .collect();
    let missing: Vec<_> = codes_in_code.difference(&rows).map(ToString::to_string).collect();
    none(&missing, "docs/protocol.md: give each of these codes a row that begins with it.");
    let stale: Vec<_> = rows.difference(&codes_in_code).map(ToString::to_string).collect();
    none(&stale, "docs/protocol.md has rows of codes that no code gives: take them out.");
}

#[test]
fn every_method_entry_and_problem_is_in_the_protocol_document() {
    let document = read("docs/protocol.md");
    let mut found = Vec::new();
    let (mut by_rpc, mut over_rest) = (0, 0);
    for file in files(&METHODS, ".rs") {
        let code = code(&file.text, true);
        for name in house::between(&code, "const NAME: &'static str = \"", "\"") {
            by_rpc += usize::from(code.contains("impl RpcMethod for"));
            over_rest += usize::from(code.contains("impl RestMethod for"));
            if code.contains("impl RpcMethod for") && !document.contains(&format!("### `{name}`")) {
                found.push(format!("a heading ### `{name}`"));
            }
            if code.contains("impl RestMethod for") && !document.contains(&format!("` | `{name}` |")) {
                found.push(format!("a row of REST for `{name}`"));
            }
        }
    }
    assert!(by_rpc >= 10 && over_rest >= 35, "only {by_rpc} and {over_rest}: have the methods moved?");
    let mut words = Vec::new();
    for file in files(&["crates/hubbub-core/src/log/kinds"], ".rs") {
        let code = code(&file.text, true);
        for list in house::between(&code, "const WORDS: &'static [&'static str] = &[", "]") {
            words.extend(house::between(&format!(", {list}"), ", \"", "\"").into_iter().map(ToOwned::to_owned));
        }
    }
    assert!(words.len() >= 8, "only {words:?}: have the entries moved?");
    found
        .extend(words.iter().filter(|w| !document.contains(&format!("| `{w}` |"))).map(|w| format!("a row | `{w}` |")));
    let mut problems = 0;
    for file in
        files(&["crates/hubbub/src/http", "crates/hubbub/src/features", "crates/hubbub/src/chat/methods"], ".rs")
    {
        let code = code(&file.text, true).split_whitespace().collect::<Vec<_>>().join(" ");
        // Below HTTP a status is a number: `404, "unknown_room"`.
        for (at, _) in code.match_indices(", \"") {
            let is_status = code[..at].ends_with(|c: char| c.is_ascii_digit())
                && code[..at].rsplit(|c: char| !c.is_ascii_digit()).next().is_some_and(|n| n.len() == 3 && n >= "400");
            let word = code[at + 3..].split('"').next().unwrap_or_default();
            problems += usize::from(is_status);
            if is_status && !document.contains(&format!("| `{word}` |")) {
                found.push(format!("a row | `{word}` | (a problem of {})", file.path));
            }
        }
        for after in code.split("StatusCode::").skip(1) {
            let Some((status, rest)) = after.split_once(", \"") else { continue };
            let word = rest.split('"').next().unwrap_or_default();
            let is_code = status.chars().all(|c| c.is_ascii_uppercase() || c == '_');
            problems += usize::from(is_code);
            if is_code && !document.contains(&format!("| `{word}` |")) {
                found.push(format!("a row | `{word}` | (a problem of {})", file.path));
            }
        }
    }
    assert!(problems >= 15, "only {problems} problems: have they moved?");
    none(&found, "docs/protocol.md lacks these: say what they mean, with an example where there is a body.");
}

/// The value of a constant of limits.rs: sizes and counts as they are, durations in milliseconds.
fn value(expression: &str) -> Option<(u64, bool)> {
    let number = |text: &str| text.trim().replace('_', "").parse::<u64>().ok();
    let product = |text: &str| text.split('*').map(number).try_fold(1, |product, factor| Some(product * factor?));
    if let Some(seconds) = expression.strip_prefix("Duration::from_secs(") {
        return Some((product(seconds.trim_end_matches(')'))? * 1_000, true));
    }
    if let Some(millis) = expression.strip_prefix("Duration::from_millis(") {
        return Some((number(millis.trim_end_matches(')'))?, true));
    }
    if let Some(bits) = expression.strip_prefix("(1 << ").and_then(|rest| rest.strip_suffix(") - 1")) {
        return Some(((1 << number(bits)?) - 1, false));
    }
    product(expression).map(|n| (n, false))
}

#[test]
fn every_limit_a_client_can_meet_is_in_the_protocol_document_with_its_number() {
    let parts = files(&[&format!("{CORE}limits")], ".rs").into_iter().map(|file| file.text);
    let source = code(&(read(&format!("{CORE}limits.rs")) + &parts.collect::<String>()), false);
    let document = read("docs/protocol.md");
    let mut found = Vec::new();
    for line in source.lines().filter_map(|line| line.strip_prefix("pub const ")) {
        let (name, rest) = line.split_once(':').expect("a constant");
        let expression = rest.split_once("= ").expect("a value").1.trim_end_matches(';');
        if INTERNAL.contains(&name) {
            continue;
        }
        if !MET_BY_CLIENTS.contains(&name) {
            found.push(format!("{name} is new: put it into MET_BY_CLIENTS or INTERNAL in tests/tidy/limits.rs"));
            continue;
        }
        let said = match value(expression) {
            Some((millis, true)) if millis % 1_000 == 0 => format!("{} s", millis / 1_000),
            Some((millis, true)) => format!("{} ms", grouped(millis)),
            Some((number, false)) => grouped(number),
            None => panic!("{name} = {expression}: teach `value` in tests/tidy/main.rs to read this"),
        };
        let rows = document.lines().filter(|row| row.starts_with('|') && row.contains(&format!("`{name}`")));
        if !rows.into_iter().any(|row| names(row, &said)) {
            found.push(format!("{name}: a row with `{name}` and {said}"));
        }
    }
    none(&found, "docs/protocol.md, the table of limits, lacks these or says another number.");
}

#[test]
fn every_metric_is_in_the_operators_document_and_no_other_is() {
    let exposed = operated::exposed();
    assert!(exposed.len() >= 20, "only {exposed:?}: have the metrics moved?");
    let document = read("docs/operating.md");
    let said: BTreeSet<String> =
        document.lines().filter_map(|row| row.strip_prefix("| `")?.split('`').next()).map(ToOwned::to_owned).collect();
    let said: BTreeSet<String> = said.into_iter().filter(|name| name.starts_with("hubbub_")).collect();
    let missing: Vec<_> = exposed.difference(&said).cloned().collect();
    none(&missing, "docs/operating.md: give each of these metrics a row: what it counts, and what to do.");
    let stale: Vec<_> = said.difference(&exposed).cloned().collect();
    none(&stale, "docs/operating.md has rows of metrics that are not counted: take them out.");
}

#[test]
fn a_story_waits_for_a_level_and_never_sleeps() {
    let mut found = Vec::new();
    for file in files(&["tests/stories"], ".rs") {
        let code = code(&file.text, false);
        for (at, _) in code.match_indices("sleep(") {
            let within = code[..at].rfind("fn ").and_then(|at| house::word(&code[at + 3..])).unwrap_or_default();
            if !MAY_SLEEP.contains(&within.as_str()) {
                let line = code[..at].matches('\n').count() + 1;
                found.push(format!("{}:{line}, in `{within}`", file.path));
            }
        }
    }
    none(&found, "Wait for a level with a deadline. A helper that pauses between two looks may be named in MAY_SLEEP.");
}

#[test]
fn no_source_file_is_longer_than_450_lines() {
    let mut found = Vec::new();
    for file in sources() {
        let lines = file.text.lines().count();
        let allowed = STILL_LONG.iter().find(|(path, _)| *path == file.path).map(|(_, lines)| *lines);
        if lines > allowed.unwrap_or(LINES) {
            found.push(format!("{}: {lines} lines, {} allowed", file.path, allowed.unwrap_or(LINES)));
        }
        if allowed.is_some() && lines <= LINES {
            found.push(format!("{}: {lines} lines are fine; take it out of STILL_LONG", file.path));
        }
    }
    for (path, _) in STILL_LONG {
        if !root().join(path).exists() {
            found.push(format!("{path} is no more; take it out of STILL_LONG"));
        }
    }
    none(&found, "When a file needs a table of contents, it wants to be a folder.");
}

#[test]
fn nothing_is_left_to_be_done_in_code() {
    let mut found = Vec::new();
    for file in sources() {
        let code = code(&file.text, false);
        for word in ["todo!", "unimplemented!", "dbg!"] {
            if code.match_indices(word).any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
            {
                found.push(format!("{}: {word}", file.path));
            }
        }
    }
    none(&found, "Write it, or take it out.");
}

#[test]
fn every_dependency_has_its_reason_in_the_architecture_document_and_no_other_has() {
    let document = read("ARCHITECTURE.md");
    let (_, section) =
        document.split_once("\n## Dependencies\n").expect("ARCHITECTURE.md: a section `## Dependencies`");
    let reasons = section.split("\n## ").next().unwrap_or_default();
    let said: BTreeSet<String> = reasons
        .lines()
        .filter_map(|line| line.strip_prefix("- ")?.split_once(':'))
        .flat_map(|(head, _)| head.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect::<Vec<_>>())
        .collect();
    let ours: BTreeSet<String> =
        files(&["crates"], "Cargo.toml").iter().flat_map(|file| dependencies(&file.text)).collect();
    let missing: Vec<_> = ours.difference(&said).cloned().collect();
    none(&missing, "ARCHITECTURE.md, Dependencies: add `- `name`: reason` for each of these.");
    let stale: Vec<_> = said.difference(&ours).cloned().collect();
    none(&stale, "ARCHITECTURE.md, Dependencies, gives reasons for what no manifest names: take them out.");
}

#[test]
fn the_architecture_document_has_at_most_200_lines() {
    let lines = read("ARCHITECTURE.md").lines().count();
    assert!(
        lines <= 200,
        "ARCHITECTURE.md has {lines} lines: it is a map. Move detail into docs/ or next to the code."
    );
}

#[test]
fn every_source_file_that_a_document_names_exists() {
    let mut documents = files(&["docs"], ".md");
    documents.push(house::File { path: "ARCHITECTURE.md".into(), text: read("ARCHITECTURE.md") });
    let mut found = Vec::new();
    for document in documents {
        let part_of_path = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
        for path in
            document.text.split(|c| !part_of_path(c)).filter(|path| path.ends_with(".rs") || path.ends_with(".sql"))
        {
            let path = path.trim_start_matches("../");
            if !["", CORE, PROGRAM].iter().any(|folder| root().join(folder).join(path).exists()) {
                found.push(format!("{} names {path}", document.path));
            }
        }
    }
    none(&found, "Paths are from the root, or below crates/hubbub/src or crates/hubbub-core/src. Has the file moved?");
}
