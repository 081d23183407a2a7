//! Commands of a stream that come in a request of their own: `{"session":…,"node":…,"data":"…"}`.

use super::{Format, protobuf};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Such a request, read.
#[derive(Debug, PartialEq, Eq)]
pub struct Emulated {
    /// The stream, as `connect` was answered.
    pub session: String,
    /// The life of the instance that answered it.
    pub node: String,
    /// A frame of commands.
    pub frame: Bytes,
}

#[derive(Deserialize)]
struct WireEmulated<'a> {
    #[serde(borrow)]
    session: Cow<'a, str>,
    #[serde(borrow)]
    node: Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
}

impl Emulated {
    /// Reads the body of such a request. `None`: it is none.
    pub fn parse(body: Bytes, format: Format) -> Option<Self> {
        match format {
            Format::Json => Self::from_json(&body),
            Format::Protobuf => protobuf::emulated(body),
        }
    }

    /// `data` is a string of commands, one per line, or one command as it is.
    fn from_json(body: &[u8]) -> Option<Self> {
        let wire: WireEmulated<'_> = serde_json::from_slice(body).ok()?;
        let data = wire.data.get();
        let frame = match data.as_bytes().first() {
            Some(b'"') => serde_json::from_str::<String>(data).ok()?.into(),
            Some(b'{') => Bytes::copy_from_slice(data.as_bytes()),
            _ => return None,
        };
        Some(Self { session: wire.session.into_owned(), node: wire.node.into_owned(), frame })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_a_string_or_one_object() {
        let parse = |body: &'static str| Emulated::parse(Bytes::from_static(body.as_bytes()), Format::Json);
        for (body, frame) in [
            (r#"{"session":"s","node":"n","data":"{\"id\":1}\n{}"}"#, "{\"id\":1}\n{}"),
            (r#"{"session":"s","node":"n","data":{"id":1}}"#, r#"{"id":1}"#),
        ] {
            let read = parse(body).unwrap();
            assert_eq!((read.session.as_str(), read.node.as_str(), &read.frame[..]), ("s", "n", frame.as_bytes()));
        }
        for wrong in [
            "",
            "[]",
            r#"{"session":"s","node":"n"}"#,
            r#"{"session":1,"node":"n","data":"{}"}"#,
            r#"{"session":"s","node":"n","data":7}"#,
            r#"{"node":"n","data":"{}"}"#,
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn in_protobuf_it_is_a_message() {
        let body = b"\x0a\x01n\x12\x01s\x1a\x02{}";
        let read = Emulated::parse(Bytes::from_static(body), Format::Protobuf).unwrap();
        assert_eq!((read.session.as_str(), read.node.as_str(), &read.frame[..]), ("s", "n", &b"{}"[..]));
        for wrong in [&body[..body.len() - 1], b"\x12\x01\xff", b"{\"session\":\"s\"}"] {
            assert_eq!(Emulated::parse(Bytes::copy_from_slice(wrong), Format::Protobuf), None);
        }
    }
}
