//! A page that goes on with the log.

use super::Shown;
use crate::{
    log::{
        entry::Entry,
        kinds::{Deleted, Edited, Gone, Kind, Message, Pinned, Reacted, What},
    },
    model::{ids::UserId, seq::Seq},
};
use std::collections::BTreeMap;

/// What a page is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageKind {
    /// A room, as people read it.
    Room,
    /// The thread of this message.
    Thread(Seq),
}

impl PageKind {
    /// Whether an entry that is new stands on it.
    pub fn shows(self, what: &What) -> bool {
        let message = match what {
            What::Message(message) => Some((message.thread, message.in_room)),
            What::Gone(gone) if Message::WORDS.contains(&&*gone.word) => Some((gone.thread, gone.in_room)),
            _ => None,
        };
        match (self, message) {
            (Self::Room, Some((thread, in_room))) => thread.is_none() || in_room,
            (Self::Thread(root), Some((thread, _))) => thread == Some(root),
            (Self::Room, None) => what.is_line(),
            (Self::Thread(_), None) => false,
        }
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoldedPage {
    /// What it is of.
    pub kind: PageKind,
    /// Who reads it.
    pub me: UserId,
    /// Up to which entry it is folded.
    pub as_of: Seq,
    /// Whether it reaches up to [`as_of`](Self::as_of): what is new stands on it.
    pub is_newest: bool,
    /// What it shows.
    pub entries: BTreeMap<Seq, Shown>,
}

impl FoldedPage {
    /// A page of a log before its first entry.
    pub const fn empty(kind: PageKind, me: UserId) -> Self {
        Self { kind, me, as_of: Seq::ZERO, is_newest: true, entries: BTreeMap::new() }
    }

    /// Takes the next entry of the log. One that it has already is skipped.
    pub fn apply(&mut self, entry: &Entry) {
        if entry.seq <= self.as_of {
            return;
        }
        self.as_of = entry.seq;
        for seq in entry.what.effects().blanked() {
            self.blank(*seq);
        }
        match &entry.what {
            What::Message(message) => self.replied(message.thread, entry),
            What::Gone(Gone { word, thread, .. }) if Message::WORDS.contains(&&**word) => self.replied(*thread, entry),
            // Its content was blanked, and that happens only along with its message.
            What::Gone(Gone { word, target: Some(target), .. }) if Edited::WORDS.contains(&&**word) => {
                self.blank(*target);
            }
            What::Edited(Edited { target, content }) => {
                self.on(*target, |shown| shown.edit(content.clone(), entry.at));
            }
            What::Deleted(Deleted { of: Some(of), .. }) => {
                if let Some(root) = of.thread {
                    self.on(root, Shown::lose_reply);
                }
            }
            What::Reacted(Reacted { target, reaction, added }) => {
                let me = entry.from == self.me;
                self.on(*target, |shown| shown.react(reaction, &entry.from, *added, me));
            }
            What::Pinned(Pinned { target, pinned }) => self.on(*target, |shown| shown.pin(*pinned)),
            _ => {}
        }
        if self.is_newest && self.kind.shows(&entry.what) {
            self.entries.insert(entry.seq, Shown::new(entry.clone()));
        }
    }

    fn replied(&mut self, thread: Option<Seq>, entry: &Entry) {
        if let Some(root) = thread {
            self.on(root, |shown| shown.reply(entry.seq, &entry.from, entry.at));
        }
    }

    fn blank(&mut self, seq: Seq) {
        self.on(seq, Shown::blank);
    }

    fn on(&mut self, seq: Seq, change: impl FnOnce(&mut Shown)) {
        if let Some(shown) = self.entries.get_mut(&seq).filter(|shown| shown.is_message()) {
            change(shown);
        }
    }
}
