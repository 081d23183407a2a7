//! Names of things: rooms, users, keys. Parsed once at the edge, then never checked again.

use crate::limits;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{borrow::Cow, fmt, sync::Arc};
use uuid::Uuid;

/// A value that was refused: which field, and why, with the limit it met. Safe to show to the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Invalid {
    /// The field as the client spells it.
    pub field: &'static str,
    /// What is wrong, with the limit.
    pub problem: String,
}

impl Invalid {
    /// A refusal of `field`.
    pub fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self { field, problem: problem.into() }
    }

    /// `field` has `bytes` bytes where `limit` are allowed.
    pub fn too_long(field: &'static str, bytes: usize, limit: usize) -> Self {
        Self::new(field, format!("{bytes} bytes; the limit is {limit}"))
    }

    /// `field` was not given.
    pub fn missing(field: &'static str) -> Self {
        Self::new(field, "missing")
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $field:literal, $limit:expr, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            #[doc = concat!("Parses a `", $field, "`, or says what is wrong with it.")]
            pub fn parse(s: &str) -> Result<Self, Invalid> {
                Self::parse_as($field, s)
            }

            /// The same, naming the field the client used.
            pub fn parse_as(field: &'static str, s: &str) -> Result<Self, Invalid> {
                if s.is_empty() {
                    return Err(Invalid::new(field, "empty"));
                }
                if s.len() > $limit {
                    return Err(Invalid::too_long(field, s.len(), $limit));
                }
                let check: fn(char) -> Result<(), &'static str> = $check;
                for c in s.chars() {
                    check(c).map_err(|why| Invalid::new(field, why))?;
                }
                Ok(Self(s.into()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

name! {
    /// A room's name for machines. Never used again after the room is gone.
    RoomId, "room", limits::ROOM_ID_BYTES,
    |c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { Ok(()) }
        else { Err("only A-Z a-z 0-9 . _ - are allowed") }
}
name! {
    /// A person (or a program) known to the product's own backend.
    UserId, "user", limits::USER_ID_BYTES,
    |c| if c.is_control() { Err("control characters are not allowed") } else { Ok(()) }
}
name! {
    /// What makes a send happen once: the same (room, sender, key) is the same message for as long as the room exists.
    Key, "key", limits::KEY_BYTES,
    |c| if c.is_control() { Err("control characters are not allowed") } else { Ok(()) }
}

impl Key {
    /// The key of something that has no other: its id, which is a key by its alphabet and length.
    pub fn of_id(id: Uuid) -> Self {
        Self(id.to_string().into())
    }
}

/// Prefixes of user ids that no token and no request may claim.
const RESERVED: [&str; 2] = ["hubbub:", "portal:"];

impl UserId {
    /// Who acts when the product's backend does, over REST.
    pub fn backend() -> Self {
        Self("hubbub:api".into())
    }

    /// An id that this program made of parts it has checked.
    pub(crate) fn trusted(id: String) -> Self {
        Self(id.into())
    }

    /// The name of the portal that writes under this id, for itself or for one of its agents.
    pub fn portal(&self) -> Option<&str> {
        let name = self.as_str().strip_prefix("portal:")?;
        Some(name.split_once('/').map_or(name, |(portal, _)| portal))
    }

    /// Parses the id of somebody from outside, who may not claim a reserved prefix.
    pub fn parse_outsider(field: &'static str, s: &str) -> Result<Self, Invalid> {
        is_no_path_step(field, s)?;
        if let Some(c) = s.chars().find(|c| is_invisible(*c)) {
            return Err(Invalid::new(field, format!("the invisible character U+{:04X} is not allowed", u32::from(c))));
        }
        let looks_like = look(s);
        match RESERVED.iter().find(|prefix| looks_like.starts_with(*prefix)) {
            Some(prefix) => {
                Err(Invalid::new(field, format!("the prefix {prefix} and what looks like it are reserved")))
            }
            None => Self::parse_as(field, s),
        }
    }
}

/// Characters that take no room or turn the direction of those beside them: with them, two ids look like one.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The beginning of a name in the letters that people take it for, as far as a reserved prefix reaches: of either case, in full
/// width, or borrowed from other alphabets.
fn look(s: &str) -> String {
    let skeleton = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        'а' | 'α' => 'a',
        'Ь' | 'ь' => 'b',
        'һ' => 'h',
        'I' | 'І' | 'і' | 'ı' | 'Ӏ' | 'ӏ' | '|' | 'ι' | 'Ι' => 'l',
        'о' | 'О' | 'ο' | 'Ο' | '0' | 'օ' => 'o',
        'р' | 'Р' | 'ρ' | 'Ρ' => 'p',
        'г' => 'r',
        'т' | 'Т' | 'τ' | 'Τ' => 't',
        'υ' | 'ս' => 'u',
        '꞉' | '︓' | '﹕' | 'ː' | '∶' | '׃' | '։' => ':',
        other => other,
    };
    let letters = s.chars().take(RESERVED.iter().map(|prefix| prefix.len()).max().unwrap_or_default());
    letters.map(skeleton).flat_map(char::to_lowercase).map(|c| if c == '1' { 'l' } else { c }).collect()
}

/// Clients of HTTP take these out of a path before they ask for it, also where they are percent-encoded (RFC 3986, 5.2.4).
pub(crate) fn is_no_path_step(field: &'static str, s: &str) -> Result<(), Invalid> {
    match s {
        "." | ".." => Err(Invalid::new(field, "no URL can name it")),
        _ => Ok(()),
    }
}

impl RoomId {
    /// An id that this program made of parts it has checked.
    pub(super) fn trusted(id: String) -> Self {
        Self(id.into())
    }

    /// The lane of the bus this room's wakes travel on, below `lanes` (FNV-1a: must be the same in every build).
    pub fn lane(&self, lanes: u16) -> u16 {
        fnv(self.as_str().as_bytes(), lanes)
    }
}

impl UserId {
    /// The lane of the bus this user's wakes travel on.
    pub fn lane(&self, lanes: u16) -> u16 {
        fnv(self.as_str().as_bytes(), lanes)
    }
}

fn fnv(bytes: &[u8], buckets: u16) -> u16 {
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    ((hash ^ (hash >> 32)) % u64::from(buckets.max(1))) as u16
}

impl Serialize for UserId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for UserId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<'_, str>::deserialize(deserializer)?;
        Self::parse(&name).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_field_and_the_limit() {
        let long = "x".repeat(65);
        assert_eq!(RoomId::parse(&long).unwrap_err().to_string(), "room: 65 bytes; the limit is 64");
        assert_eq!(RoomId::parse("").unwrap_err().to_string(), "room: empty");
        assert_eq!(RoomId::parse("a b").unwrap_err().to_string(), "room: only A-Z a-z 0-9 . _ - are allowed");
        assert!(UserId::parse("ana\u{0}").is_err());
        assert!(UserId::parse("Änne Müller 🙂").is_ok());
    }

    #[test]
    fn nobody_from_outside_has_a_reserved_name_or_one_that_looks_like_it() {
        for name in [
            "hubbub:api",
            "portal:desk/eve",
            "PORTAL:desk",
            "Hubbub:api",
            "ｐortal:x",
            "ｐｏｒｔａｌ：x",
            "рortаl:x",
            "p0rta1:x",
            "portal꞉x",
            "por\u{200b}tal:x",
            "\u{202e}ana",
            "an\u{ad}a",
            "ana\u{feff}",
            "\u{e0061}ana",
            ".",
            "..",
        ] {
            assert!(UserId::parse_outsider("sub", name).is_err(), "{name:?}");
        }
        for name in ["ana", "Änne Müller 🙂", "портал", "portal", "hubbub", "x:portal:y", "山田 太郎", "...", "a.b"]
        {
            assert!(UserId::parse_outsider("sub", name).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn lanes_never_move() {
        assert_eq!(RoomId::parse("general").unwrap().lane(64), 29);
    }
}
