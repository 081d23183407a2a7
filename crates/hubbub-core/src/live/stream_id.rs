//! How a stream is named: a connection whose replies and pushes come in an HTTP response, and whose commands come in
//! requests of their own.

use crate::log::hash::HashKey;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::fmt;
use uuid::Uuid;

/// A stream's name, told to its client alone (the protocol calls it `session`). It cannot be guessed; and any instance can
/// tell by the seal that one of them has given it, before it passes anything on.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamId(Uuid);

impl StreamId {
    /// A name from 128 random bits.
    pub const fn new(random: Uuid) -> Self {
        Self(random)
    }

    /// What the client is told: the name with its seal.
    pub fn sealed(&self, key: &HashKey) -> String {
        URL_SAFE_NO_PAD.encode([self.0.into_bytes(), key.seal(self.0.as_bytes())].concat())
    }

    /// Reads what a client was told. `None`: no instance on this database has said so.
    pub fn open(text: &str, key: &HashKey) -> Option<Self> {
        let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (name, seal) = bytes.split_at(16);
        key.is_seal(name, seal).then(|| Uuid::from_slice(name).ok().map(Self))?
    }

    /// As it travels between instances.
    pub fn plain(&self) -> String {
        self.0.simple().to_string()
    }

    /// Reads what [`StreamId::plain`] wrote.
    pub fn parse_plain(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().map(Self)
    }

    /// The lane its commands travel on.
    pub fn lane(&self, lanes: u16) -> u16 {
        (self.0.as_u128() % u128::from(lanes)) as u16
    }
}

impl fmt::Debug for StreamId {
    // Whoever knows it speaks for its client.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamId(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_sealed_with_this_key_is_taken() {
        let (key, id) = (HashKey([7; 32]), StreamId::new(Uuid::from_u128(42)));
        let told = id.sealed(&key);
        assert_eq!(StreamId::open(&told, &key), Some(id));
        assert_eq!(StreamId::open(&told, &HashKey([8; 32])), None, "of another database");
        let forged = URL_SAFE_NO_PAD.encode([[1_u8; 16], [2; 16]].concat());
        for wrong in ["", "x", &told[1..], &format!("{told}A"), &forged, "\u{1f642}"] {
            assert_eq!(StreamId::open(wrong, &key), None, "{wrong}");
        }
        assert_eq!(StreamId::parse_plain(&id.plain()), Some(id));
        assert_eq!(format!("{id:?}"), "StreamId(…)", "not for logs");
    }
}
