//! Following a room's log: a cursor on a feed.

use super::{inbox::Inbox, line::Follow, pages::SharedPage, paging::Paging, room::Listening};
use crate::chat::{Chat, ChatError};
use hubbub_core::{
    live::{
        cursor::{Cursor, Pass, Step},
        feed::Feed,
        item::Item,
    },
    model::{
        ids::{RoomId, UserId},
        seq::{Epoch, Seq},
    },
    wire::command::Subscribe,
};
use std::{sync::Arc, time::Duration};

/// How soon a page that did not carry its reader forward is read again.
const AGAIN: Duration = Duration::from_millis(100);

/// Reads of a page of a room that is not there, before its readers begin anew.
const GONE_TRIES: u32 = 20;

/// A subscription that stands. Dropped, it ends.
pub struct Subscription {
    listening: Listening,
    cursor: Cursor,
    paging: Paging,
    waited: bool,
}

/// How a subscription begins.
pub struct Beginning {
    /// What offsets count in.
    pub epoch: Epoch,
    /// Where the cursor stands: the requested position when recovered, else the head.
    pub at: Seq,
    /// Whether everything after the requested position follows; `None` where none was requested.
    pub recovered: Option<bool>,
    /// The first of what follows.
    pub first: Taken,
}

/// What a subscription has for its connection.
#[derive(Debug, Default)]
pub struct Taken {
    /// Entries, in order.
    pub items: Vec<Arc<Item>>,
    /// What is next.
    pub then: Then,
}

/// What is next.
#[derive(Debug, Default, PartialEq, Eq, Clone, Copy)]
pub enum Then {
    /// Nothing until the inbox says so.
    #[default]
    Wait,
    /// There is more: take again once these are written.
    More,
    /// A page of the log has to be read first: [`Subscription::page_after`].
    Read {
        /// Entries after this seq.
        after: Seq,
        /// How many reads have not carried the reader forward: the first page is aligned, later ones are exact.
        tries: u32,
    },
    /// The reader was removed with the last of the items: end the subscription.
    Removed,
    /// The room was deleted: end the subscription.
    Deleted,
    /// The history is gone: end the subscription, so that the reader begins anew.
    Lost,
}

impl Chat {
    /// Subscribes `user` to a room. `inbox` is told of `slot` when there is something to take.
    pub async fn subscribe(
        &self,
        user: &UserId,
        ask: Subscribe,
        inbox: &Arc<Inbox>,
        slot: u32,
        bytes: usize,
    ) -> Result<(Subscription, Beginning), ChatError> {
        // Listen first, then look: what is announced in between is not missed.
        let listening = self.feeds.listen(&ask.room, inbox, slot, ask.join_leave);
        let view = self.look_ups.ask(ask.room, user.clone()).await?.ok_or(ChatError::UNKNOWN_ROOM)?;
        view.may_read()?;
        let (epoch, head, floor) = (view.room.epoch, view.room.head, view.room.floor);
        listening.open(epoch, head);
        let recovered = ask
            .recover
            .as_ref()
            .map(|position| position.is_of(epoch) && position.seq <= head && floor <= position.seq.next());
        if recovered == Some(false) && ask.reject_unrecovered {
            return Err(ChatError::Unrecoverable);
        }
        let at = match (recovered, ask.recover) {
            (Some(true), Some(position)) => position.seq,
            _ => head,
        };
        let cursor = Cursor::new(user.clone(), epoch, at, head);
        let mut subscription = Subscription { listening, cursor, paging: Paging::default(), waited: false };
        let first = if at < head { subscription.first(bytes).await? } else { Taken::default() };
        if ask.join_leave {
            self.presence.watch(subscription.room());
        }
        // A fresh start may have been overtaken while it was looked up.
        let first = if at < head { first } else { subscription.take(0) };
        Ok((subscription, Beginning { epoch, at, recovered, first }))
    }
}

impl Subscription {
    /// The room.
    pub fn room(&self) -> &RoomId {
        &self.listening.live.room
    }

    /// What comes next, about `bytes` of it (0: nothing, only what is next).
    pub fn take(&mut self, bytes: usize) -> Taken {
        if self.listening.live.is_deleted() {
            return Taken { then: Then::Deleted, ..Taken::default() };
        }
        if self.paging.is_reading() {
            return Taken::default();
        }
        if self.paging.is_held() {
            return if bytes == 0 { Taken { then: Then::More, ..Taken::default() } } else { self.take_page(bytes) };
        }
        match self.listening.look(|feed| self.cursor.next(feed, bytes.max(1))) {
            Step::Wait => {
                self.waited = true;
                self.paging.caught_up();
                Taken::default()
            }
            Step::Lost => Taken { then: Then::Lost, ..Taken::default() },
            Step::Read(after) => Taken { then: Then::Read { after, tries: self.paging.tries() }, ..Taken::default() },
            Step::Deliver(_) if bytes == 0 => Taken { then: Then::More, ..Taken::default() },
            Step::Deliver(items) => self.pass(items),
        }
    }

    /// Moves the cursor over items. There may be more behind them.
    fn pass(&mut self, items: Vec<Arc<Item>>) -> Taken {
        let mut taken = Taken { then: Then::More, ..Taken::default() };
        for item in items {
            match self.cursor.pass(&item) {
                Pass::Skip => {}
                Pass::Deliver => taken.items.push(item),
                Pass::Last => {
                    taken.items.push(item);
                    taken.then = Then::Removed;
                    break;
                }
                Pass::Gap => {
                    taken.then = Then::Read { after: self.cursor.at(), tries: 1 };
                    break;
                }
            }
        }
        taken
    }

    fn take_page(&mut self, bytes: usize) -> Taken {
        let batch = self.paging.take(bytes);
        let taken = self.pass(batch);
        if taken.then != Then::More {
            self.paging.drop_page();
        }
        taken
    }

    /// Whether a page is being read or held for it.
    pub fn is_paging(&self) -> bool {
        self.paging.is_reading() || self.paging.is_held()
    }

    /// Gives a held page up; it is read again when its turn comes.
    pub fn drop_page(&mut self) {
        self.paging.drop_page();
    }

    /// Where it is, for whoever goes on with it while it has had everything.
    pub fn follow(&self, slot: u32) -> Follow {
        let (epoch, at, live) = (self.cursor.epoch(), self.cursor.at(), self.listening.live.clone());
        Follow { slot, moved: false, epoch, at, live }
    }

    /// Whoever went on with it has come this far.
    pub fn has_come_to(&mut self, at: Seq) {
        self.cursor.has_come_to(at);
    }

    /// Whether it has had everything at some time: what comes since then is new.
    pub const fn has_waited(&self) -> bool {
        self.waited
    }

    /// The last entry taken.
    pub const fn at(&self) -> Seq {
        self.cursor.at()
    }

    /// Whether there is, or may be, a message of this user behind `after` that was taken already.
    pub fn has_passed_message_of(&self, user: &UserId, after: Seq) -> bool {
        self.at() > after && self.listening.has_heard_from(user, after, self.at())
    }

    /// Reads a page of the log: a future of its own, so that the subscription can wait for it beside other things. `None`:
    /// one is being read already.
    pub fn page_after(
        &mut self,
        after: Seq,
        tries: u32,
    ) -> Option<impl Future<Output = Result<Option<Arc<SharedPage>>, ChatError>> + Send + use<>> {
        if !self.paging.begin() {
            return None;
        }
        let (pages, room, epoch) = (self.listening.pages().clone(), self.room().clone(), self.cursor.epoch());
        Some(async move {
            if tries > 1 {
                tokio::time::sleep(AGAIN).await;
            }
            pages.after(&room, epoch, after, tries > 0).await
        })
    }

    /// Such a page could not be read.
    pub const fn page_failed(&mut self) {
        self.paging.end();
    }

    /// Takes such a page in. Returns what is next.
    pub fn turn_page(&mut self, page: Option<&SharedPage>, tries: u32) -> Then {
        self.paging.end();
        if self.listening.live.is_deleted() {
            return Then::Deleted;
        }
        let Some(page) = page else {
            // It was deleted elsewhere, or the store is of another life: it is asked which, and that takes a moment.
            self.listening.doubt();
            if self.listening.look(Feed::epoch) != Some(self.cursor.epoch()) {
                return Then::Lost;
            }
            let tries = tries.max(1) + 1;
            return if tries > GONE_TRIES { Then::Lost } else { Then::Read { after: self.cursor.at(), tries } };
        };
        if !self.cursor.can_read(page.epoch, page.floor) {
            return Then::Lost;
        }
        self.listening.hear_head(page.epoch, page.head);
        let at = self.cursor.at();
        if self.paging.hold(page, at, tries) {
            return Then::More;
        }
        // Not carried forward: see `Pages::after`. The feed knows of more, so the next page has it.
        Then::Read { after: at, tries: tries + 1 }
    }

    /// The first page of a recovery, for the reply.
    async fn first(&mut self, bytes: usize) -> Result<Taken, ChatError> {
        let mut taken = self.take(bytes);
        while let Then::Read { after, tries } = taken.then
            && taken.items.is_empty()
        {
            let Some(page) = self.page_after(after, tries) else { break };
            let page = page.await;
            self.paging.end();
            taken.then = self.turn_page(page?.as_deref(), tries);
            if taken.then == Then::More {
                taken = self.take(bytes);
            }
        }
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_core::{
        limits::{BATCH, CATCH_UP_PAGE},
        log::{
            entry::{Proposal, Right},
            kinds::{Message, Text, What},
        },
        model::{
            access::{Role, RoomKind},
            seq::Position,
        },
    };

    #[tokio::test]
    async fn who_catches_up_while_a_room_is_deleted_elsewhere_is_told_so() {
        let folder = tempfile::tempdir().unwrap();
        let chat = Chat::alone(&folder.path().join("chat.db"));
        let (room, ana) = (RoomId::parse("general").unwrap(), UserId::parse("ana").unwrap());
        let members = [(ana.clone(), Role::Member)];
        let (made, _) = chat.make_room(&room, RoomKind::Private, "", &UserId::backend(), &members).await.unwrap();
        let text = |n: usize| What::Message(Message::new(Text::parse(&n.to_string()).unwrap(), None, None));
        let drafts: Vec<_> = (0..3 * CATCH_UP_PAGE)
            .map(|n| chat.admission.draft(Proposal::new(room.clone(), ana.clone(), None, text(n), Right::Own)))
            .collect();
        for part in drafts.chunks(BATCH) {
            chat.store.append(part).await.unwrap();
        }
        let inbox = Arc::<Inbox>::default();
        let recover = Some(Position { epoch: Some(made.epoch.to_string()), seq: Seq::ZERO });
        let ask = Subscribe { room: room.clone(), recover, join_leave: false, reject_unrecovered: false };
        let (mut subscription, begins) = chat.subscribe(&ana, ask, &inbox, 0, 100).await.unwrap();
        assert_eq!(begins.recovered, Some(true));
        let mut then = begins.first.then;
        while then == Then::More {
            then = subscription.take(100_000).then;
        }
        assert!(matches!(then, Then::Read { .. }), "{then:?}");
        // As another instance does it: nobody says so here.
        chat.store.delete_room(&room).await.unwrap();
        while let Then::Read { after, tries } = then {
            let page = subscription.page_after(after, tries).expect("one at a time").await.unwrap();
            then = subscription.turn_page(page.as_deref(), tries);
        }
        assert_eq!(then, Then::Deleted);
    }
}
