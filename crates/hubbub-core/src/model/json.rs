//! JSON that clients attach to messages and users: kept as they wrote it, checked for size and depth, without the
//! white space (a line feed would end a frame of the wire protocol).

use crate::{
    limits::JSON_DEPTH,
    model::{ids::Invalid, ijson},
};
use serde::Serialize;
use serde_json::value::RawValue;
use std::fmt;

/// A JSON value without white space between its tokens. Numbers and the order of keys are as the client wrote them.
#[derive(Clone, PartialEq, Eq)]
pub struct Json(Box<str>);

impl Json {
    /// Takes a client's value for `field`, of at most `limit` bytes and [`JSON_DEPTH`] levels, which others can read
    /// ([`ijson`]).
    ///
    /// # Errors
    /// Names the field and what is wrong with it, with the limit.
    pub fn parse(field: &'static str, raw: &RawValue, limit: usize) -> Result<Self, Invalid> {
        let mut compact = String::with_capacity(raw.get().len());
        let (mut in_string, mut escaped, mut depth) = (false, false, 0_usize);
        for c in raw.get().chars() {
            if in_string {
                in_string = escaped || c != '"';
                escaped = c == '\\' && !escaped;
            } else {
                match c {
                    ' ' | '\t' | '\n' | '\r' => continue,
                    '"' => in_string = true,
                    '{' | '[' => depth += 1,
                    '}' | ']' => depth -= 1,
                    _ => {}
                }
                if depth > JSON_DEPTH {
                    return Err(Invalid::new(field, format!("nested deeper than {JSON_DEPTH} levels")));
                }
            }
            compact.push(c);
        }
        if compact.len() > limit {
            return Err(Invalid::too_long(field, compact.len(), limit));
        }
        ijson::check(field, &compact)?;
        Ok(Self(compact.into()))
    }

    /// A value that this program wrote and stored itself.
    pub fn trusted(text: String) -> Self {
        Self(text.into())
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value for a serializer. Text that is no JSON (a damaged row) becomes `null`.
    pub fn to_raw(&self) -> Box<RawValue> {
        RawValue::from_string(self.0.to_string()).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }
}

/// JSON of a value whose serialization cannot fail: our own structs of strings, numbers and checked JSON.
pub(crate) fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// Whether JSON is nested deeper than `limit`, told without reading it: text that is no JSON gets an answer, too.
pub fn is_deeper(text: &[u8], limit: usize) -> bool {
    let (mut in_string, mut escaped, mut depth) = (false, false, 0_usize);
    for byte in text {
        if in_string {
            in_string = escaped || *byte != b'"';
            escaped = *byte == b'\\' && !escaped;
        } else {
            match byte {
                b'"' => in_string = true,
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > limit {
                return true;
            }
        }
    }
    false
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Json, Invalid> {
        Json::parse("data", &RawValue::from_string(text.to_owned()).unwrap(), 64)
    }

    #[test]
    fn white_space_goes_and_everything_else_stays() {
        let json = parse("{ \"b\" : [1.50, 12345678901234567890],\n \"a\": \" x \\\" { \\\\\" }").unwrap();
        assert_eq!(json.as_str(), r#"{"b":[1.50,12345678901234567890],"a":" x \" { \\"}"#);
    }

    #[test]
    fn too_deep_and_too_long_are_refused_with_the_limit() {
        let deep = format!("{}1{}", "[".repeat(17), "]".repeat(17));
        assert_eq!(parse(&deep).unwrap_err().to_string(), "data: nested deeper than 16 levels");
        let brackets_in_a_string = format!("\"{}\"", "[".repeat(20));
        assert!(parse(&brackets_in_a_string).is_ok());
        let long = format!("\"{}\"", "x".repeat(63));
        assert_eq!(parse(&long).unwrap_err().to_string(), "data: 65 bytes; the limit is 64");
    }
}
