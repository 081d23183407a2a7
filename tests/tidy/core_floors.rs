//! The floors of the core.

use crate::{
    CORE,
    house::{code, crate_modules, files},
    none,
};
use std::collections::BTreeMap;

/// Who may import whom in `crates/hubbub-core/src`, from the lowest floor up; `limits` is for all. Portals stand beside live
/// delivery and the wire: they use the log, and neither of the two.
const CORE_FLOORS: [(&str, &[&str]); 8] = [
    ("model", &[]),
    ("log", &["model"]),
    ("delivery", &["model", "log"]),
    ("live", &["model", "log", "delivery"]),
    ("people", &["model", "log", "live"]),
    ("wire", &["model", "log", "delivery", "live", "people"]),
    ("portal", &["model", "log", "delivery"]),
    ("moving", &["model", "log"]),
];

#[test]
fn every_folder_of_the_core_imports_only_from_those_below_it() {
    let floors: BTreeMap<&str, &[&str]> = CORE_FLOORS.into_iter().collect();
    let mut found = Vec::new();
    for file in files(&[CORE], ".rs") {
        let own = file.path[CORE.len()..].split(['/', '.']).next().unwrap_or_default();
        // Tests may look at everything.
        let text = file.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        if file.path.ends_with("/tests.rs") || ["lib", "limits"].contains(&own) {
            continue;
        }
        let Some(may) = floors.get(own) else {
            found.push(format!("{}: `{own}` stands on no floor", file.path));
            continue;
        };
        for other in crate_modules(&code(text, false)) {
            if other != own && other != "limits" && !may.contains(&other.as_str()) {
                found.push(format!("{}: `{own}` imports `{other}`", file.path));
            }
        }
    }
    none(
        &found,
        "The core's folders import downwards only: model, log, delivery, live, people, wire; portal beside the last three.",
    );
}
