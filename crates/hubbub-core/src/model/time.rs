//! Points in time, as entries carry them.

use std::fmt;

/// Milliseconds since 1970 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Reads `2026-01-31T09:30:00.123Z`.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|t| Self(t.as_millisecond()))
    }
}

/// How a time begins; a zero stands for any digit.
const FORM: &[u8; 19] = b"0000-00-00T00:00:00";

impl Timestamp {
    /// Reads a time as RFC 3339 writes it, with `T` and an offset, of the years 0 to 9999; nothing else that looks like one.
    pub fn parse_strict(text: &str) -> Option<Self> {
        let (date, rest) = text.as_bytes().split_at_checked(FORM.len())?;
        let has_form = |bytes: &[u8], form: &[u8]| {
            bytes.len() == form.len()
                && bytes
                    .iter()
                    .zip(form)
                    .all(|(byte, like)| if *like == b'0' { byte.is_ascii_digit() } else { byte == like })
        };
        let digits = |at: &[u8]| at.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
        if !has_form(date, FORM) || digits(&date[17..]) > 59 {
            return None;
        }
        let fraction =
            rest.strip_prefix(b".").map_or(0, |rest| rest.iter().take_while(|byte| byte.is_ascii_digit()).count());
        let offset = match rest.first()? {
            b'.' if (1..=9).contains(&fraction) => &rest[1 + fraction..],
            b'.' => return None,
            _ => rest,
        };
        let is_offset = match offset {
            b"Z" => true,
            [b'+' | b'-', at @ ..] => has_form(at, b"00:00") && digits(&at[..2]) <= 23 && digits(&at[3..]) <= 59,
            _ => false,
        };
        if is_offset { Self::parse(text) } else { None }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(t) => write!(f, "{t:.3}"),
            Err(_) => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strict_time_is_one_of_rfc_3339_and_nothing_that_looks_like_it() {
        for (text, same) in [
            ("2026-01-31T09:30:00Z", "2026-01-31T09:30:00.000Z"),
            ("2026-01-31T10:30:00.5+01:00", "2026-01-31T09:30:00.500Z"),
            ("2026-01-31T00:00:00.123456789-23:59", "2026-01-31T23:59:00.123Z"),
            ("2028-02-29T23:59:59-00:00", "2028-02-29T23:59:59.000Z"),
        ] {
            assert_eq!(Timestamp::parse_strict(text).map(|at| at.to_string()).as_deref(), Some(same), "{text}");
        }
        for text in [
            "",
            "Z",
            "2026-01-31T09:30:00",
            "2026-01-31 09:30:00Z",
            "2026-01-31t09:30:00Z",
            "2026-01-31T09:30:00z",
            "2026-01-31T09:30Z",
            "2026-01-31T09:30:60Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T09:30:00,5Z",
            "2026-01-31T09:30:00.Z",
            "2026-01-31T09:30:00.1234567890Z",
            "2026-01-31T09:30:00+25:00",
            "2026-01-31T09:30:00+24:00",
            "2026-01-31T09:30:00+01:60",
            "2026-01-31T09:30:00+01",
            "2026-01-31T09:30:00+0100",
            "2026-01-31T09:30:00 +01:00",
            "2026-01-31T09:30:00+01:00:00",
            "2026-01-31T09:30:00Z[Europe/Berlin]",
            "2026-02-29T09:30:00Z",
            "2026-13-01T09:30:00Z",
            "+002026-01-31T09:30:00Z",
            "10000-01-31T09:30:00Z",
            "2026-01-31T09:30:0\u{661}Z",
            " 2026-01-31T09:30:00Z",
        ] {
            assert_eq!(Timestamp::parse_strict(text), None, "{text}");
        }
    }

    #[test]
    fn time_is_written_to_the_millisecond() {
        let at = Timestamp(1_769_851_800_120);
        assert_eq!(at.to_string(), "2026-01-31T09:30:00.120Z");
        assert_eq!(Timestamp::parse("2026-01-31T09:30:00.120Z"), Some(at));
    }
}
