//! Documents say what the command line says.

use super::named;

/// Whatever a document calls as `hubbub …`, in a line of code or in a block of it.
fn called(text: &str) -> Vec<String> {
    let mut called = Vec::new();
    let mut is_block = false;
    for line in text.lines() {
        let indented = line.starts_with("    ").then(|| line.trim());
        if line.trim_start().starts_with("```") {
            is_block = !is_block;
        } else if is_block || indented.is_some() {
            // Behind variables of its environment, or a `$`.
            let behind = line.trim().split_once("hubbub ").filter(|(before, _)| {
                before.split_whitespace().all(|word| word == "$" || word.contains('=')) || before.ends_with("release/")
            });
            called.extend(behind.map(|(_, rest)| rest.split(" #").next().unwrap_or(rest).to_owned()));
        } else {
            called.extend(
                line.split('`')
                    .skip(1)
                    .step_by(2)
                    .filter_map(|code| code.strip_prefix("hubbub "))
                    .map(ToOwned::to_owned),
            );
        }
    }
    called
}

/// What is wrong with a call of this program, as far as a document writes it.
fn wrong(whole: &clap::Command, call: &str) -> Option<String> {
    let mut at = whole;
    let words = call.split_whitespace().take_while(|word| !["|", ">", "\\", "…", "&"].contains(word));
    for word in words {
        if let Some(flag) = word.strip_prefix("--") {
            let flag = flag.split('=').next().unwrap_or(flag).trim_end_matches([',', '.', ']']);
            let has = |arg: &clap::Arg| arg.get_long_and_visible_aliases().is_some_and(|all| all.contains(&flag));
            if !["help", "version", "…", ""].contains(&flag) && !at.get_arguments().any(has) {
                return Some(format!("`{}` has no --{flag}", at.get_name()));
            }
        } else if at.has_subcommands() && word.chars().all(|c| c.is_ascii_lowercase() || c == '-' || c == '_') {
            match at.find_subcommand(word) {
                Some(command) => at = command,
                None => return Some(format!("`{}` has no command {word}", at.get_name())),
            }
        }
    }
    None
}

#[test]
fn what_the_documents_call_can_be_called() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let whole = named(&[]).expect("the whole");
    let mut found = Vec::new();
    let mut calls = 0;
    for document in [
        "README.md",
        "docs/configuration.md",
        "docs/operating.md",
        "docs/operating/checklist.md",
        "docs/operating/night.md",
        "docs/operating/codes.md",
        "docs/portals.md",
        "docs/guarantees.md",
        "docs/protocol.md",
        "docs/importing.md",
        "docs/identity.md",
    ] {
        for call in called(&std::fs::read_to_string(format!("{root}/{document}")).expect(document)) {
            calls += 1;
            // The name of the bus' own connection to Postgres.
            if call == "bus" {
                continue;
            }
            found.extend(wrong(&whole, &call).map(|why| format!("{document}: hubbub {call}: {why}")));
        }
    }
    assert!(calls > 40, "only {calls} calls: are documents written otherwise now?");
    assert!(found.is_empty(), "{}", found.join("\n"));
    for (call, why) in
        [("portals reroute desk", "reroute"), ("refused replay --any", "--any"), ("sever --dev", "sever")]
    {
        assert!(wrong(&whole, call).is_some_and(|it| it.contains(why)), "{call}");
    }
}
