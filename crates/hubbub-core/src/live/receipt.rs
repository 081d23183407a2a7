//! Commands of a stream that are passed on to the instance that has it are answered with a receipt, so that whoever has passed
//! them on can say what became of them.

use super::stream_id::StreamId;
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// Where a stream is, as its client is told: a life of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// The life.
    pub life: Uuid,
    /// Whether it gives receipts. Versions before this one did not, and named their life alone.
    pub gives_receipts: bool,
}

/// What is written behind the life.
const GIVES_RECEIPTS: &str = ".receipts";

impl Node {
    /// This one, which gives receipts.
    pub const fn here(life: Uuid) -> Self {
        Self { life, gives_receipts: true }
    }

    /// Reads what a client says. `None`: no instance has told it so.
    pub fn parse(text: &str) -> Option<Self> {
        let life = text.strip_suffix(GIVES_RECEIPTS);
        Some(Self { life: Uuid::try_parse(life.unwrap_or(text)).ok()?, gives_receipts: life.is_some() })
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.life, if self.gives_receipts { GIVES_RECEIPTS } else { "" })
    }
}

/// Who wants a receipt for commands, and from whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantsReceipt {
    /// The life that has passed them on.
    pub from: Uuid,
    /// The life that has the stream, by the word of its client.
    pub owner: Uuid,
}

/// What became of commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Became {
    /// Their stream has them.
    Taken,
    /// Too much waits there: the stream ends.
    Refused,
    /// Their stream has ended.
    Gone,
}

/// Says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Who wanted to know.
    pub to: Uuid,
    /// Which commands.
    pub nonce: u64,
    /// What became of them.
    pub became: Became,
}

/// Commands that came for a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOn {
    /// The stream they belong to.
    pub stream: StreamId,
    /// Tells them from others of the same stream: they must not be taken twice.
    pub nonce: u64,
    /// A frame, as the client sent it.
    pub frame: bytes::Bytes,
    /// Who wants to know what became of them, if anybody does.
    pub receipt: Option<WantsReceipt>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_tells_who_gives_receipts() {
        let life = Uuid::from_u128(7);
        let (new, old) = (Node::here(life), Node { life, gives_receipts: false });
        assert_eq!((Node::parse(&new.to_string()), Node::parse(&life.to_string())), (Some(new), Some(old)));
        for strange in ["", "somebody else", ".receipts", &format!("{life}.later")] {
            assert_eq!(Node::parse(strange), None, "{strange}");
        }
    }
}
