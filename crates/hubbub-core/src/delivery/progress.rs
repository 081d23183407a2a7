//! How far the calls of one entry have come, kept between two of them.

use crate::limits::SENT_KEPT;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is picked from answers and kept with the session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picked {
    /// The portal's own id of the conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<String>,
    /// What has another name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refs: BTreeMap<String, String>,
}

impl Picked {
    /// Takes in what was picked after it.
    pub fn take_in(&mut self, newer: &Self) {
        if newer.external.is_some() {
            self.external.clone_from(&newer.external);
        }
        self.refs.extend(newer.refs.iter().map(|(name, id)| (name.clone(), id.clone())));
    }
}

/// How far the calls of an entry have come. Calls are known by their names: the settings may change meanwhile.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The entry.
    pub seq: u64,
    /// The calls that were made, or passed over.
    pub done: Vec<String>,
    /// The call that has sent some parts of a long text, and not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parted: Option<Parted>,
    /// What was picked from their answers.
    #[serde(default)]
    pub picked: Picked,
}

/// A call that is made with the parts of a long text, one after another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parted {
    /// Its name.
    pub call: String,
    /// Bytes of the text that were sent.
    pub bytes: usize,
    /// In how many parts.
    pub parts: usize,
}

/// A message as the portal has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentMessage {
    /// The entry.
    pub seq: u64,
    /// The portal's id of it, or of a part of it.
    pub id: String,
}

/// What is kept of calls beside a cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    /// Of the entry after the position, where some of its calls were made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<Progress>,
    /// The last messages as the portal has them, the newest last: at most [`SENT_KEPT`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sent: Vec<SentMessage>,
}

impl Calls {
    /// Nothing is kept.
    pub const fn is_empty(&self) -> bool {
        self.entry.is_none() && self.sent.is_empty()
    }

    /// The progress of this entry, where there is any.
    pub fn of(&self, seq: u64) -> Option<&Progress> {
        self.entry.as_ref().filter(|progress| progress.seq == seq)
    }

    /// Messages were sent; the oldest beyond [`SENT_KEPT`] are forgotten. The same again is there once.
    pub fn note(&mut self, sent: &[SentMessage]) {
        for one in sent {
            if !self.sent.contains(one) {
                self.sent.push(one.clone());
            }
        }
        let beyond = self.sent.len().saturating_sub(SENT_KEPT);
        self.sent.drain(..beyond);
    }
}
