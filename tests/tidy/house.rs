//! Reading the repository: files, code without what is only said about it, and the few shapes the tests ask for.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// A file of the repository.
pub struct File {
    /// Its path from the repository's root, with slashes.
    pub path: String,
    /// What is in it.
    pub text: String,
}

/// Where the repository is: the nearest folder with a `Cargo.lock`, upwards from this package or from where we stand.
pub fn root() -> PathBuf {
    let here = option_env!("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from);
    let here = here.canonicalize().expect("a folder");
    let found = here.ancestors().find(|folder| folder.join("Cargo.lock").exists());
    found.expect("run this inside the repository").to_owned()
}

/// One file.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path} cannot be read: {error}"))
}

/// Every file under these folders whose name ends so, in order.
pub fn files(folders: &[&str], ending: &str) -> Vec<File> {
    let root = root();
    let mut found = Vec::new();
    for folder in folders {
        walk(&root, &root.join(folder), ending, &mut found);
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(!found.is_empty(), "no {ending} under {folders:?}: have the folders moved?");
    found
}

fn walk(root: &Path, folder: &Path, ending: &str, found: &mut Vec<File>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if name != "target" && name != "node_modules" {
                walk(root, &path, ending, found);
            }
        } else if name.ends_with(ending) {
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let path = path.strip_prefix(root).expect("below the root").to_string_lossy().replace('\\', "/");
            found.push(File { path, text });
        }
    }
}

/// Every Rust file of ours.
pub fn sources() -> Vec<File> {
    files(&["crates", "tests"], ".rs")
}

/// Rust without comments; with `strings` false also without what is in string literals. Lines stay where they are.
pub fn code(text: &str, strings: bool) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (length, keep) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), false)
        } else if rest.starts_with("/*") {
            (rest.find("*/").map_or(rest.len(), |end| end + 2), false)
        } else if let Some(hashes) = raw_string(rest) {
            let close = format!("\"{}", "#".repeat(hashes));
            let open = hashes + 2;
            (rest[open..].find(&close).map_or(rest.len(), |end| open + end + close.len()), strings)
        } else if first == '"' {
            (string(rest), strings)
        } else if let Some(length) = character(rest) {
            (length, strings)
        } else {
            // A name is taken whole, so that the r of `for` begins no raw string.
            let name = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            (name.max(first.len_utf8()), true)
        };
        let (taken, left) = rest.split_at(length);
        if keep {
            kept.push_str(taken);
        } else {
            kept.extend(taken.chars().filter(|c| *c == '\n'));
        }
        rest = left;
    }
    kept
}

/// How many `#` a raw string begins with, if one begins here.
fn raw_string(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some(hashes)
}

/// How long the string literal is that begins here.
fn string(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// How long the character literal is, if one begins here and not a lifetime.
fn character(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix('\'')?;
    let end = if after.starts_with('\\') { 2 + after.get(2..)?.find('\'')? } else { after.chars().next()?.len_utf8() };
    after.get(end..)?.starts_with('\'').then_some(end + 2)
}

/// The modules right below `crate::` that this code names, also as `crate::{one, other::…}`.
pub fn crate_modules(code: &str) -> BTreeSet<String> {
    modules_below(code, "crate::")
}

/// The modules right below this path, which ends with `::`, that this code names, also as a group in braces.
pub fn modules_below(code: &str, path: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices(path) {
        // `::crate::`, `pub(crate)` and names that end so are something else.
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + path.len()..];
        match rest.strip_prefix('{') {
            None => found.extend(word(rest)),
            Some(group) => {
                let mut depth = 1;
                let mut item = true;
                for (at, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 1 => item = true,
                        c if item && !c.is_whitespace() => {
                            found.extend(word(&group[at..]));
                            item = false;
                        }
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
        }
    }
    found
}

/// The name this begins with.
pub fn word(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// Whether `code` names `name` as a whole word.
pub fn names(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let part_of_more = |c: char| c.is_alphanumeric() || c == '_';
        !code[..at].ends_with(part_of_more) && !code[at + name.len()..].starts_with(part_of_more)
    })
}

/// What follows each `before`, up to `until`.
pub fn between<'a>(text: &'a str, before: &str, until: &str) -> Vec<&'a str> {
    text.match_indices(before)
        .filter_map(|(at, _)| text[at + before.len()..].split_once(until).map(|(found, _)| found))
        .collect()
}

/// The dependencies a manifest names, of every kind.
pub fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut inside = false;
    let mut found = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.trim_end_matches(']').ends_with("dependencies");
        } else if inside && !line.starts_with('#') && line.contains('=') {
            let name = line.split(['=', '.']).next().unwrap_or_default().trim();
            if !name.is_empty() {
                found.insert(name.to_owned());
            }
        }
    }
    found
}

/// `12345` as `12,345`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
