//! Long texts: split where a reader would, or cut with a mark.

use super::template::Fault;
use crate::limits::TEXT_PARTS;
use unicode_segmentation::UnicodeSegmentation;

/// What stands where a text was cut.
const MARK: char = '…';

/// Characters of a text, where `width` says how many each becomes.
pub fn length(text: &str, width: &impl Fn(char) -> usize) -> usize {
    text.chars().map(width).sum()
}

/// The text in parts of at most `limit` characters each, with where each begins, of which all of it can be put together again: after white space in their
/// second half, else between two characters that a reader sees. Parts of white space alone are left out.
///
/// # Errors
/// Where there would be more than [`TEXT_PARTS`].
pub fn split<'t>(text: &'t str, limit: usize, width: &impl Fn(char) -> usize) -> Result<Vec<(usize, &'t str)>, Fault> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (part, after) = rest.split_at(end_of_part(rest, limit, width));
        if !part.trim().is_empty() {
            parts.push((text.len() - rest.len(), part));
        }
        if parts.len() > TEXT_PARTS {
            return Err(Fault(format!(
                "the text has more than {TEXT_PARTS} parts of {limit} characters, which is the limit"
            )));
        }
        rest = after;
    }
    if parts.is_empty() {
        parts.push((0, text));
    }
    Ok(parts)
}

/// The text, or its beginning and a mark: at most `limit` characters.
pub fn cut(text: &str, limit: usize, width: &impl Fn(char) -> usize) -> String {
    if length(text, width) <= limit {
        return text.to_owned();
    }
    let end = fitting(text, limit.saturating_sub(1), width);
    format!("{}{MARK}", text[..end].trim_end())
}

/// Where the first part ends.
fn end_of_part(text: &str, limit: usize, width: &impl Fn(char) -> usize) -> usize {
    let end = fitting(text, limit, width);
    if end == text.len() {
        return end;
    }
    let part = &text[..end];
    let after_white = part.char_indices().rev().find(|(_, c)| c.is_whitespace()).map(|(at, c)| at + c.len_utf8());
    after_white.filter(|at| length(&text[..*at], width) * 2 >= limit).unwrap_or(end)
}

/// How many bytes of the text are at most `limit` characters, no character that a reader sees torn apart unless it alone is too
/// long. Never none of a text that is not empty.
fn fitting(text: &str, limit: usize, width: &impl Fn(char) -> usize) -> usize {
    let (mut end, mut used) = (0, 0);
    for seen in text.graphemes(true) {
        used += length(seen, width);
        if used > limit {
            break;
        }
        end += seen.len();
    }
    if end > 0 || text.is_empty() {
        return end;
    }
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += width(c);
        if used > limit && at > 0 {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: fn(char) -> usize = |_| 1;

    fn parts(text: &str, limit: usize) -> Vec<&str> {
        let parts = split(text, limit, &PLAIN).unwrap();
        assert!(parts.iter().all(|(at, part)| text[*at..].starts_with(part)));
        let parts: Vec<_> = parts.into_iter().map(|(_, part)| part).collect();
        assert!(parts.iter().all(|part| length(part, &PLAIN) <= limit), "{parts:?}");
        parts
    }

    #[test]
    fn a_text_is_split_after_white_space_and_nothing_of_it_is_lost() {
        assert_eq!(parts("short", 16), ["short"]);
        assert_eq!(parts("", 16), [""]);
        assert_eq!(parts("Where is my parcel? It was", 16), ["Where is my ", "parcel? It was"]);
        assert_eq!(parts("first line\nsecond line", 16), ["first line\n", "second line"]);
        // White space that is too far in front makes no part of a few letters.
        assert_eq!(parts("I abcdefghijklmnopqrstuvwxyz", 16), ["I abcdefghijklmn", "opqrstuvwxyz"]);
        let long = "Änne geht heute früh. ".repeat(200);
        assert_eq!(parts(long.trim_end(), 160).concat(), long.trim_end());
        assert_eq!(parts(&format!("hello{}", " ".repeat(40)), 16).len(), 1, "the rest says nothing");
    }

    #[test]
    fn no_character_is_torn_apart() {
        // A family of 7 code points, a flag of 2, a letter with 2 marks.
        for seen in ["👨‍👩‍👧‍👦", "🇩🇪", "g\u{308}\u{323}", "👍🏽", "각"] {
            let text = seen.repeat(20);
            for part in parts(&text, 16) {
                assert_eq!(part.replace(seen, ""), "", "{part}");
            }
        }
        // One that is too long alone is, at characters.
        let marks = format!("a{}", "\u{301}".repeat(40));
        assert_eq!(parts(&marks, 16).concat(), marks);
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!(cut("exactly sixteen!", 16, &PLAIN), "exactly sixteen!");
        assert_eq!(cut("exactly seventeen", 16, &PLAIN), "exactly sevente…");
        assert_eq!(cut("the end of line  and more", 16, &PLAIN), "the end of line…");
        assert_eq!(cut(&"🇩🇪".repeat(10), 16, &PLAIN), format!("{}…", "🇩🇪".repeat(7)));
    }

    #[test]
    fn what_a_character_becomes_counts() {
        let html = |c: char| super::super::template::Filter::Html.width(c);
        assert_eq!(split("<<<<<<<<", 16, &html).unwrap(), [(0, "<<<<"), (4, "<<<<")]);
        assert_eq!(cut("&&&&&&", 16, &html), "&&&…");
    }

    #[test]
    fn there_are_not_too_many_parts() {
        let most = "x".repeat(16 * TEXT_PARTS);
        assert_eq!(parts(&most, 16).len(), TEXT_PARTS);
        let fault = split(&format!("{most}x"), 16, &PLAIN).unwrap_err();
        assert_eq!(fault.to_string(), "the text has more than 64 parts of 16 characters, which is the limit");
    }
}
