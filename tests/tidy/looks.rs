//! The look that the web page and the demo desk share: one file of custom properties, which can be read by everybody.

use crate::{
    house::{files, read},
    none,
};
use std::collections::BTreeMap;

const TOKENS: &str = "web/src/tokens.css";
/// What text stands on.
const GROUNDS: [&str; 6] = ["ground", "panel", "hover", "mine", "warn", "alarm"];
/// What stands there, and the contrast it has at least (WCAG 2.2, AA).
const ON_THEM: [(&str, f64); 7] =
    [("ink", 4.5), ("soft", 4.5), ("accent", 4.5), ("good", 4.5), ("bad", 4.5), ("edge", 3.0), ("focus", 3.0)];
/// Pairs of their own.
const PAIRS: [(&str, &str); 4] =
    [("on-accent", "accent"), ("on-bad", "bad"), ("ink", "mention"), ("ink", "mention-me")];

/// Without comments.
fn bare(text: &str) -> String {
    let parts = text.split("/*").enumerate();
    parts.map(|(n, part)| if n == 0 { part } else { part.split_once("*/").map_or("", |(_, rest)| rest) }).collect()
}

/// The colours of a rule, in the light theme and in the dark one.
fn colours(rule: &str) -> BTreeMap<&str, [&str; 2]> {
    let lines = rule.split(';').filter_map(|line| line.trim().strip_prefix("--")?.split_once(": light-dark("));
    lines.filter_map(|(name, both)| both.trim_end_matches(')').split_once(", ").map(|(a, b)| (name, [a, b]))).collect()
}

/// How light a colour like #2f6f5e is, as WCAG counts it.
fn luminance(colour: &str) -> f64 {
    let part = |at: usize| {
        let digits = colour.get(at..at + 2).unwrap_or_else(|| panic!("{colour}: not like #2f6f5e"));
        let part = f64::from(u8::from_str_radix(digits, 16).expect("hexadecimal digits")) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
}

fn contrast(one: &str, other: &str) -> f64 {
    let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
    one.max(other) / one.min(other)
}

#[test]
fn the_colours_that_pages_share_can_be_read_in_every_theme() {
    let text = bare(&read(TOKENS));
    let rules: Vec<&str> =
        text.split(":root {").skip(1).map(|rest| rest.split('}').next().unwrap_or_default()).collect();
    let base = colours(rules.first().expect("a rule"));
    let mut found = Vec::new();
    for rule in &rules {
        let all: BTreeMap<_, _> = base.clone().into_iter().chain(colours(rule)).collect();
        let on_them = ON_THEM.iter().flat_map(|(on, least)| GROUNDS.map(|ground| (*on, ground, *least)));
        for (on, ground, least) in on_them.chain(PAIRS.map(|(on, ground)| (on, ground, 4.5))) {
            for theme in [0, 1] {
                let (Some(one), Some(other)) = (all.get(on), all.get(ground)) else {
                    found.push(format!("--{on} or --{ground} is missing"));
                    continue;
                };
                let has = contrast(one[theme], other[theme]);
                if has < least {
                    found.push(format!("--{on} {} on --{ground} {}: {has:.2}, not {least}", one[theme], other[theme]));
                }
            }
        }
    }
    none(&found, "darken or lighten one of them");
}

#[test]
fn the_page_and_the_desk_share_one_file_of_custom_properties_and_nothing_else_is_in_it() {
    let text = bare(&read(TOKENS));
    let other: Vec<String> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("--") && !line.starts_with("@media (prefers-"))
        .filter(|line| !["", "}", ":root {", "color-scheme: light dark;"].contains(line))
        .map(ToOwned::to_owned)
        .collect();
    none(&other, "it belongs into a page's own style");
    let imports = files(&["web/src"], ".css").iter().any(|file| file.text.contains("tokens.css\";"));
    assert!(imports, "no style of web/src imports {TOKENS}");
    let desk = read("crates/hubbub/src/demo_portal/pages.rs");
    assert!(desk.contains(&format!("include_str!(\"../../../../{TOKENS}\")")), "the desk does not have {TOKENS}");
}
