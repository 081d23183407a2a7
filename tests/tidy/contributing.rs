//! What a newcomer reads first stays short and true.

use super::{CORE, PROGRAM, house, none};

#[test]
fn the_page_for_contributors_has_at_most_60_lines_and_names_only_what_exists() {
    let page = house::read("CONTRIBUTING.md");
    let lines = page.lines().count();
    assert!(lines <= 60, "CONTRIBUTING.md has {lines} lines: move detail into docs/ or next to the code.");
    let part_of_path = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    let found: Vec<String> = page
        .split(|c| !part_of_path(c))
        .map(|path| path.trim_end_matches(['.', '/']))
        .filter(|path| path.contains('/') || path.ends_with(".rs") || path.ends_with(".md"))
        .filter(|path| !["", CORE, PROGRAM].iter().any(|folder| house::root().join(folder).join(path).exists()))
        .map(|path| format!("CONTRIBUTING.md names {path}"))
        .collect();
    none(&found, "Paths are from the root, or below crates/hubbub/src or crates/hubbub-core/src. Has the file moved?");
}
