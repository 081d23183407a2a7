//! Whether what is to be sent is still there.

use super::Delivery;
use crate::features::portals::changes::store::KnownMessage;
use hubbub_core::{
    limits,
    log::{entry::Entry, kinds::What},
};

/// What is known of the content of an entry that was read a while ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// It is as it was read.
    There,
    /// It was blanked.
    Gone,
    /// It may have been. It is to be read again.
    Unsure,
}

impl Content {
    fn of<E>(known: Result<Option<KnownMessage>, E>) -> Self {
        match known {
            Ok(Some(known)) if known.gone => Self::Gone,
            Ok(Some(_)) => Self::There,
            Ok(None) | Err(_) => Self::Unsure,
        }
    }
}

impl Delivery<'_> {
    /// Whether the content of an entry was blanked, or may have been, since it was read.
    pub(super) async fn is_gone(&self, entry: &Entry) -> bool {
        self.content(entry).await != Content::There
    }

    /// What became of the content of an entry since it was read. What was read a while ago is looked at again: a deletion may not
    /// have been heard of.
    pub(super) async fn content(&self, entry: &Entry) -> Content {
        if matches!(entry.what, What::Gone(_)) {
            return Content::Gone;
        }
        if self.portals.support.chat.blanks().may_be_blanked(self.blanks_heard, &entry.room, entry.seq) {
            return Content::Unsure;
        }
        if self.read_at.elapsed() < limits::WEBHOOK_READ_FOR {
            return Content::There;
        }
        Content::of(self.portals.support.store.known_message(&entry.room, entry.seq).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;

    #[test]
    fn only_a_read_that_says_so_tells_that_a_message_is_gone() {
        let known = |gone| Ok(Some(KnownMessage { id: uuid::Uuid::nil(), gone, events: vec![] }));
        for (read, content) in [
            (known(true), Content::Gone),
            (known(false), Content::There),
            (Ok(None), Content::Unsure),
            (Err(StoreError::Unavailable("a restart".into())), Content::Unsure),
            (Err(StoreError::Locked), Content::Unsure),
        ] {
            assert_eq!(Content::of(read), content);
        }
    }
}
