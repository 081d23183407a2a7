//! How a connection is told that something waits for it.
//!
//! An inbox holds no messages: it names the subscriptions that have something new, each at most once. What it does hold
//! (hints for the user, joins and leaves) is ephemeral and bounded; the oldest go first.

use super::{
    line::{Follow, Line, Outlet, TakenBack, Way},
    shards::{Served, Shards, Writer},
};
use futures_util::task::AtomicWaker;
use hubbub_core::{
    limits,
    live::{held::HeldSignals, item::SharedPush, presence::Present, signal::RoomSignal},
    model::{farewell::Farewell, ids::RoomId, json::Json, seq::Seq, time::Timestamp},
    wire::{Format, push::Joins, wants::Wants},
};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    task::{Context, Poll},
};

/// Hints kept for a connection that does not read.
pub const HINTS: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub struct Inbox {
    state: Mutex<State>,
    waker: AtomicWaker,
    /// Whose it is, once known, as its last token says.
    whose: Mutex<Option<Arc<Present>>>,
    /// It is told signals, too.
    hears_signals: AtomicBool,
    /// It is told what happens in its user's rooms, and what was missed after their rooms were read again.
    hears_activity: AtomicBool,
    /// When its token was issued, in milliseconds since 1970; 0: nobody knows.
    issued: AtomicI64,
}

#[derive(Debug, Default)]
struct State {
    mail: Mail,
    line: Line,
}

/// Who will look at what is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Woken {
    /// The client's task.
    Task,
    /// The shard; with its number where it has to be told.
    Shard(Option<usize>),
}

/// A hint for the user.
#[derive(Debug, Clone)]
pub struct Told {
    /// What is told.
    pub push: ToldPush,
    /// The entry that it follows from, if from any.
    pub of: Option<(RoomId, Seq)>,
    /// It says that a room may be followed.
    pub admits: bool,
}

/// What is told, in which form.
#[derive(Debug, Clone)]
pub enum ToldPush {
    /// Framed for all devices of the user.
    Framed(Arc<SharedPush>),
    /// The same for many users: each frames it.
    Said(Arc<Json>),
}

/// What has come in.
#[derive(Debug, Default)]
pub struct Mail {
    /// Subscriptions (by the connection's own numbers) with something new.
    pub slots: Vec<u32>,
    /// Pushes for the user, shared by all devices.
    pub hints: VecDeque<Told>,
    /// So many of those were framed for one user.
    framed: usize,
    /// Some of those may have been lost.
    pub missed: bool,
    /// Who came to the room of a subscription, and who went.
    pub joins: VecDeque<(u32, Arc<Joins>)>,
    /// What is said in the room of a subscription and kept nowhere.
    pub signals: HeldSignals,
    /// The product's backend ends the user's connections: close.
    pub farewell: Option<Farewell>,
    /// The server is going away: close.
    pub shutdown: bool,
    /// The shard gives the line back: there is more for its subscriptions, or a frame to be finished.
    given_back: bool,
}

impl Mail {
    fn is_empty(&self) -> bool {
        self.slots.is_empty()
            && self.hints.is_empty()
            && !self.missed
            && self.joins.is_empty()
            && self.signals.is_empty()
            && self.farewell.is_none()
            && !self.shutdown
            && !self.given_back
    }
}

impl Inbox {
    fn put(&self, change: impl FnOnce(&mut Mail)) {
        change(&mut self.state().mail);
        self.waker.wake();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A subscription has something new. Where the client's task will look, the caller sees to it that a slot is named once until
    /// it is served.
    pub(super) fn wake(&self, slot: u32) -> Woken {
        let mut state = self.state();
        if let Some(shard) = state.line.is_news_for_shard(slot) {
            return Woken::Shard(shard);
        }
        state.mail.slots.push(slot);
        drop(state);
        self.waker.wake();
        Woken::Task
    }

    /// The connection may be written to by a shard, too.
    pub fn opens(&self, outlet: Arc<dyn Outlet>, format: Format, shards: &Shards) {
        self.state().line.opens(Way { outlet, format, shard: shards.next() });
    }

    /// The connection is over.
    pub fn closes(&self) {
        self.state().line.closes();
    }

    /// All subscriptions have had everything, and nothing else is to be written: the shard has the line from now on. `false`: it
    /// cannot, or something has come in.
    pub fn give_line(&self, follows: impl Iterator<Item = Follow>) -> bool {
        let State { mail, line } = &mut *self.state();
        mail.is_empty() && line.give(follows)
    }

    /// The client's task has the line from now on.
    pub fn take_line(&self) -> TakenBack {
        self.state().line.take_back()
    }

    /// A subscription has ended.
    pub fn forgets(&self, slot: u32) {
        self.state().line.forgets(slot);
    }

    /// The shard writes what is new.
    pub(super) fn serve(&self, writer: &mut Writer) {
        let mut state = self.state();
        let State { mail, line } = &mut *state;
        line.queued = false;
        if writer.serve(line) == Served::NotWholly {
            mail.given_back = true;
            line.returns();
            drop(state);
            self.waker.wake();
        }
    }

    /// The connection has said who it is.
    pub fn belongs_to(&self, present: Present, wants: Wants) {
        self.hears_signals.store(wants.signals, Ordering::Relaxed);
        self.hears_activity.store(wants.activity, Ordering::Relaxed);
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

    /// Its token was issued then, or nobody knows when.
    pub fn was_issued(&self, at: Option<Timestamp>) {
        self.issued.store(at.map_or(0, |at| at.0.max(0)), Ordering::SeqCst);
    }

    /// When its token was issued; 1970 where nobody knows.
    pub fn issued(&self) -> Timestamp {
        Timestamp(self.issued.load(Ordering::SeqCst))
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

    /// Whether it is told signals. Known before it follows any room.
    pub fn hears_signals(&self) -> bool {
        self.hears_signals.load(Ordering::Relaxed)
    }

    /// Whether it is told what happens in its user's rooms.
    pub fn hears_activity(&self) -> bool {
        self.hears_activity.load(Ordering::Relaxed)
    }

    /// Somebody says something in the room of the subscription `slot`. It takes the place of what they said before.
    pub fn signal(&self, slot: u32, signal: Arc<RoomSignal>) {
        self.put(|mail| {
            let dropped = mail.signals.hold(slot, signal);
            mail.missed |= dropped.is_some_and(|dropped| dropped.until.is_none());
        });
    }

    /// A hint for the user.
    pub fn hint(&self, told: Told) {
        self.put(|mail| {
            let is_framed = |told: &Told| matches!(told.push, ToldPush::Framed(_));
            let framed = is_framed(&told);
            let (waiting, limit) = match framed {
                true => (mail.framed, HINTS),
                false => (mail.hints.len() - mail.framed, limits::ACTIVITY_WAITING),
            };
            if waiting >= limit {
                mail.missed = true;
                match mail.hints.iter().position(is_framed) {
                    Some(oldest) if framed => drop(mail.hints.remove(oldest)),
                    // Whoever missed some asks for all of it.
                    _ => return,
                }
            } else if framed {
                mail.framed += 1;
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
            let mail = &mut self.state().mail;
            (!mail.is_empty()).then(|| std::mem::take(mail))
        };
        if let Some(mail) = take() {
            return Poll::Ready(mail);
        }
        // Register first, then look again: nothing put in between is missed.
        self.waker.register(cx.waker());
        take().map_or(Poll::Pending, Poll::Ready)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_core::{
        live::signal::Saying,
        model::{ids::UserId, seq::Epoch},
        wire::push,
    };
    use std::time::{Duration, Instant};

    fn signal(from: usize, lasts: Option<Duration>) -> Arc<RoomSignal> {
        let room = RoomId::parse("general").unwrap();
        let push = push::signal(&room, &Json::trusted("{}".into()));
        let from = UserId::parse(&format!("u{from}")).unwrap();
        let epoch = Epoch { incarnation: 1, generation: 1 };
        let saying = Saying { room, epoch, at: Seq::new(1), from, kind: "typing".into(), lasts };
        Arc::new(RoomSignal { saying, heard_to: Seq::new(1), until: lasts.map(|lasts| Instant::now() + lasts), push })
    }

    fn mail(inbox: &Inbox) -> Mail {
        match inbox.poll(&mut Context::from_waker(std::task::Waker::noop())) {
            Poll::Ready(mail) => mail,
            Poll::Pending => Mail::default(),
        }
    }

    #[test]
    fn so_many_hints_wait_and_beyond_it_is_known_that_some_were_missed() {
        let (inbox, body) = (Inbox::default(), Arc::new(Json::trusted("{}".into())));
        let told = |push| Told { push, of: None, admits: false };
        let ana = UserId::parse("ana").unwrap();
        let framed = Arc::new(push::hint(&ana, &push::Hint::Missed));
        for n in 0..limits::ACTIVITY_WAITING {
            inbox.hint(told(ToldPush::Said(body.clone())));
            if n < HINTS {
                inbox.hint(told(ToldPush::Framed(framed.clone())));
            }
        }
        let all = mail(&inbox);
        assert_eq!((all.hints.len(), all.missed), (limits::ACTIVITY_WAITING + HINTS, false));
        for push in [ToldPush::Said(body), ToldPush::Framed(framed)] {
            for _ in 0..2 * limits::ACTIVITY_WAITING {
                inbox.hint(told(push.clone()));
            }
            let most = if matches!(push, ToldPush::Said(_)) { limits::ACTIVITY_WAITING } else { HINTS };
            let all = mail(&inbox);
            assert_eq!((all.hints.len(), all.missed), (most, true));
        }
    }

    #[test]
    fn of_one_persons_signals_the_newest_waits_and_of_all_so_many() {
        let (inbox, passing) = (Inbox::default(), Some(limits::TYPING_FOR));
        for n in 0..10_000 {
            inbox.signal(0, signal(n % 3, passing));
        }
        assert_eq!(mail(&inbox).signals.len(), 3);
        for n in 0..10_000 {
            inbox.signal(0, signal(n, passing));
        }
        let of_many = mail(&inbox);
        assert_eq!((of_many.signals.len(), of_many.missed), (limits::SIGNALS_WAITING, false));
        for n in 0..=limits::SIGNALS_WAITING {
            inbox.signal(0, signal(n, None));
        }
        assert!(mail(&inbox).missed, "what does not pass by itself is to be asked for");
    }
}
