//! How a connection is told that something waits for it.
//!
//! An inbox holds no messages: it names the subscriptions that have something new, each at most once. What it does hold
//! (hints for the user, joins and leaves) is ephemeral and bounded; the oldest go first.

use futures_util::task::AtomicWaker;
use hubbub_core::{
    live::{item::SharedPush, presence::Present},
    model::{farewell::Farewell, ids::RoomId, json::Json, seq::Seq},
    wire::push::Joins,
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

/// Hints kept for a connection that does not read.
pub const HINTS: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub struct Inbox {
    mail: Mutex<Mail>,
    waker: AtomicWaker,
    /// Whose it is, once known, as its last token says.
    whose: Mutex<Option<Arc<Present>>>,
}

/// A hint for the user.
#[derive(Debug, Clone)]
pub struct Told {
    /// What is told, shared by all devices.
    pub push: Arc<SharedPush>,
    /// The entry that it follows from, if from any.
    pub of: Option<(RoomId, Seq)>,
    /// It says that a room may be followed.
    pub admits: bool,
}

/// What has come in.
#[derive(Debug, Default)]
pub struct Mail {
    /// Subscriptions (by the connection's own numbers) with something new.
    pub slots: Vec<u32>,
    /// Pushes for the user, shared by all devices.
    pub hints: VecDeque<Told>,
    /// Some of those may have been lost.
    pub missed: bool,
    /// Who came to the room of a subscription, and who went.
    pub joins: VecDeque<(u32, Arc<Joins>)>,
    /// The product's backend ends the user's connections: close.
    pub farewell: Option<Farewell>,
    /// The server is going away: close.
    pub shutdown: bool,
}

impl Mail {
    fn is_empty(&self) -> bool {
        self.slots.is_empty()
            && self.hints.is_empty()
            && !self.missed
            && self.joins.is_empty()
            && self.farewell.is_none()
            && !self.shutdown
    }
}

impl Inbox {
    fn put(&self, change: impl FnOnce(&mut Mail)) {
        change(&mut self.mail.lock().unwrap_or_else(PoisonError::into_inner));
        self.waker.wake();
    }

    /// A subscription has something new. The caller sees to it that a slot is named once until it is served.
    pub fn wake(&self, slot: u32) {
        self.put(|mail| mail.slots.push(slot));
    }

    /// The connection has said who it is.
    pub fn belongs_to(&self, present: Present) {
        *self.whose.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(present));
    }

    /// Another token says this of the same user.
    pub fn is_told(&self, info: Option<Json>) {
        let mut whose = self.whose.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = whose.as_ref().filter(|known| known.info != info) {
            let (user, revision) = (known.user.clone(), known.revision.wrapping_add(1));
            *whose = Some(Arc::new(Present { client: known.client, user, info, revision }));
        }
    }

    /// Whose it is, once known.
    pub fn whose(&self) -> Option<Arc<Present>> {
        self.whose.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Who came to the room of the subscription `slot`, and who went.
    pub fn joins(&self, slot: u32, joins: Arc<Joins>) {
        self.put(|mail| {
            if mail.joins.len() == HINTS {
                mail.joins.pop_front();
            }
            mail.joins.push_back((slot, joins));
        });
    }

    /// A hint for the user.
    pub fn hint(&self, told: Told) {
        self.put(|mail| {
            if mail.hints.len() == HINTS {
                mail.hints.pop_front();
                mail.missed = true;
            }
            mail.hints.push_back(told);
        });
    }

    /// Hints for the user may have been lost.
    pub fn miss(&self) {
        self.put(|mail| mail.missed = true);
    }

    /// The product's backend ends the user's connections.
    pub fn say_farewell(&self, farewell: &Farewell) {
        // To be sent away for good is not taken back.
        self.put(|mail| match &mail.farewell {
            Some(Farewell { reconnect: false, .. }) => {}
            _ => mail.farewell = Some(farewell.clone()),
        });
    }

    /// The server is going away.
    pub fn shut_down(&self) {
        self.put(|mail| mail.shutdown = true);
    }

    /// Takes what has come in, or arranges to be woken.
    pub fn poll(&self, cx: &mut Context<'_>) -> Poll<Mail> {
        let take = || {
            let mut mail = self.mail.lock().unwrap_or_else(PoisonError::into_inner);
            (!mail.is_empty()).then(|| std::mem::take(&mut *mail))
        };
        if let Some(mail) = take() {
            return Poll::Ready(mail);
        }
        // Register first, then look again: nothing put in between is missed.
        self.waker.register(cx.waker());
        take().map_or(Poll::Pending, Poll::Ready)
    }
}
