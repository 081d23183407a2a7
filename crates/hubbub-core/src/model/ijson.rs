//! What JSON must be beyond its grammar so that whoever reads it can (I-JSON, RFC 7493): no half of a surrogate pair, and numbers
//! that an IEEE 754 double holds finitely. PHP, Go, Python and Postgres' `jsonb` refuse a whole page for one value that is not.

use crate::{limits::JSON_NUMBER_BYTES, model::ids::Invalid};
use std::{borrow::Cow, ops::Range};

/// What is wrong with a part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// An escape like `\ud83d` without its other half.
    Surrogate,
    /// A number beyond all doubles.
    Huge,
    /// A number of too many characters.
    Long,
}

/// The faults of a text and where they are. A text that is no JSON at all gets an answer, too.
struct Faults<'a> {
    text: &'a str,
    at: usize,
    in_string: bool,
}

impl Faults<'_> {
    /// The code of the escape `\uXXXX` that begins here.
    fn unicode_escape(&self, at: usize) -> Option<u32> {
        let digits = self.text.as_bytes().get(at..at + 6)?.strip_prefix(br"\u")?;
        u32::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
    }

    /// Passes over an escape.
    fn escape(&mut self) -> Option<(Fault, Range<usize>)> {
        let begin = self.at;
        let Some(code) = self.unicode_escape(begin) else {
            self.at += 2;
            return None;
        };
        self.at += 6;
        match code {
            0xd800..=0xdbff if matches!(self.unicode_escape(self.at), Some(0xdc00..=0xdfff)) => self.at += 6,
            0xd800..=0xdfff => return Some((Fault::Surrogate, begin..self.at)),
            _ => {}
        }
        None
    }

    /// Passes over a number.
    fn number(&mut self) -> Option<(Fault, Range<usize>)> {
        let rest = &self.text[self.at..];
        let length = rest.find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E')).unwrap_or(rest.len());
        let range = self.at..self.at + length;
        self.at = range.end;
        if length > JSON_NUMBER_BYTES {
            return Some((Fault::Long, range));
        }
        rest[..length].parse().is_ok_and(|number: f64| !number.is_finite()).then_some((Fault::Huge, range))
    }
}

impl Iterator for Faults<'_> {
    type Item = (Fault, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let fault = match (self.text.as_bytes().get(self.at)?, self.in_string) {
                (b'\\', true) => self.escape(),
                (b'-' | b'0'..=b'9', false) => self.number(),
                (byte, _) => {
                    self.in_string ^= *byte == b'"';
                    self.at += 1;
                    None
                }
            };
            if fault.is_some() {
                return fault;
            }
        }
    }
}

const fn faults(text: &str) -> Faults<'_> {
    Faults { text, at: 0, in_string: false }
}

/// Whether others can read it.
///
/// # Errors
/// Names `field` and what is wrong with it.
pub fn check(field: &'static str, text: &str) -> Result<(), Invalid> {
    match faults(text).next() {
        None => Ok(()),
        Some((Fault::Surrogate, at)) => Err(Invalid::new(field, format!("{} is half of a surrogate pair", &text[at]))),
        Some((Fault::Huge, at)) => Err(Invalid::new(field, format!("{} is beyond the numbers of a double", &text[at]))),
        Some((Fault::Long, at)) => {
            Err(Invalid::new(field, format!("a number of {} characters; the limit is {JSON_NUMBER_BYTES}", at.len())))
        }
    }
}

/// The same JSON such that others can read it: half a surrogate pair becomes U+FFFD, a number that is none for them a string of
/// the same characters.
pub fn mended(text: &str) -> Cow<'_, str> {
    let mut mended = String::new();
    let mut done = 0;
    for (fault, at) in faults(text) {
        mended.push_str(&text[done..at.start]);
        done = at.end;
        match fault {
            Fault::Surrogate => mended.push_str(r"\ufffd"),
            Fault::Huge | Fault::Long => mended.extend(["\"", &text[at], "\""]),
        }
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    mended.push_str(&text[done..]);
    Cow::Owned(mended)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(text: &str) -> String {
        check("data", text).unwrap_err().to_string()
    }

    #[test]
    fn what_others_cannot_read_is_refused_with_its_place() {
        assert_eq!(why(r#"{"p":"cut \ud83d"}"#), r"data: \ud83d is half of a surrogate pair");
        assert_eq!(why(r#"["\uDC00\ud83d"]"#), r"data: \uDC00 is half of a surrogate pair");
        assert_eq!(why(r#"{"\ud83d\u0041":1}"#), r"data: \ud83d is half of a surrogate pair");
        assert_eq!(why("[1e400]"), "data: 1e400 is beyond the numbers of a double");
        assert_eq!(why(r#"{"n":-1E+999}"#), "data: -1E+999 is beyond the numbers of a double");
        assert_eq!(why(&"7".repeat(15_000)), "data: a number of 15000 characters; the limit is 100");
        assert_eq!(why(&format!("0.{}", "3".repeat(200))), "data: a number of 202 characters; the limit is 100");
    }

    #[test]
    fn what_others_can_read_is_kept_as_it_is_written() {
        for text in [
            r#"{"p":"\ud83d\ude42 \\ud83d \"1e400\" \u0041"}"#,
            "[1.7976931348623157e308,1e-999,12345678901234567890,1.50,-0]",
            r#""1e400""#,
            r#"{"\\":"\\\\","a":"\n"}"#,
        ] {
            assert_eq!(check("data", text), Ok(()), "{text}");
            assert!(matches!(mended(text), Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn what_is_mended_says_as_much_as_it_can() {
        let text = r#"{"a":"cut \ud83d","n":[1e400,-1e999,2],"b":"\udc00!"}"#;
        assert_eq!(mended(text), r#"{"a":"cut \ufffd","n":["1e400","-1e999",2],"b":"\ufffd!"}"#);
        assert_eq!(check("data", &mended(text)), Ok(()));
    }

    #[test]
    fn text_that_is_no_json_is_not_stumbled_over() {
        for text in ["\\", "\"\\", "\"\\u", "\"\\ud8", "\"\\ud83d\\", "-", "1e", "\"é\\é", "--+e", "\"\\u00é0"] {
            let _ = (check("data", text), mended(text));
        }
    }
}
