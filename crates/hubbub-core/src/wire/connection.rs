//! One client's side of the protocol, as a state machine: what may be said when, how much at a time, and when it ends.
//!
//! The shell feeds it commands, answers and the time, and does what the returned [`Action`] says.

use crate::{
    limits,
    log::{account::OverQuota, kinds::What, quota::Quota},
    model::{
        ids::{RoomId, UserId},
        rate::Rate,
        time::Timestamp,
    },
    wire::{
        command::{Command, History, Said, Subscribe},
        disconnect::Disconnect,
        error::{CommandError, Pace},
        reply::{Answer, Reply},
        rpc::{Call, Cost, RawData},
        wants::Wants,
    },
};
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// Who a token says somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user: UserId,
    /// What the product says about the user, as JSON.
    pub info: Option<crate::model::json::Json>,
    /// When the token expires, on the clock of `now`.
    pub expires: Option<Instant>,
    /// When it was issued, where it says so.
    pub issued: Option<Timestamp>,
}

/// Somebody who has said who they are. There is none before `connect`, and none but by a verdict on a token:
/// [`Connection::verified`] makes it, and whatever is asked comes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified(UserId);

impl std::ops::Deref for Identified {
    type Target = UserId;

    fn deref(&self) -> &UserId {
        &self.0
    }
}

impl From<Identified> for UserId {
    fn from(who: Identified) -> Self {
        who.0
    }
}

/// What an accepted token was for: its answer is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// `connect`.
    Connected(Identified),
    /// `refresh`.
    Refreshed(Identified),
}

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenError {
    /// It was good once: the SDK fetches a new one.
    Expired,
    /// Anything else; which, is nobody's business.
    Invalid,
    /// It cannot be judged now: the key is not to be had.
    Unknown,
    /// It is not good yet, by more than clocks may differ: some clock is wrong, and the SDK comes again.
    NotYet,
    /// It is good, and its user has too many connections.
    TooMany(OverQuota),
}

/// Why a send is refused before anybody is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsent {
    /// It is too long.
    Never(CommandError),
    /// It comes too soon.
    For {
        /// After this time there is room for one.
        wait: Duration,
        /// What is allowed.
        pace: Pace,
    },
}

/// What the shell is to do.
#[derive(Debug)]
pub enum Action {
    /// Nothing.
    Nothing,
    /// Write this.
    Reply(Reply),
    /// Close the socket.
    Close(Disconnect),
    /// Write a ping.
    Ping,
    /// Check a token and call [`Connection::verified`], within [`limits::VERIFY_WITHIN`].
    Verify {
        /// The command.
        id: u32,
        /// The JWT.
        token: String,
    },
    /// Take this subscription down, then write the reply.
    Unsubscribe(RoomId, Reply),
    /// Answer this, to whoever asks; call [`Connection::answered`] when done.
    Ask(Identified, u32, Ask),
}

/// What a chat has to answer.
#[derive(Debug)]
pub enum Ask {
    /// `subscribe`; then also call [`Connection::subscribed`].
    Subscribe(Subscribe),
    /// `publish`.
    Publish {
        /// The room.
        room: RoomId,
        /// What is said.
        data: RawData,
    },
    /// `history`.
    History(History),
    /// `presence`, or with `stats` `presence_stats`.
    Presence {
        /// The room.
        room: RoomId,
        /// Counts are enough.
        stats: bool,
    },
    /// `rpc`.
    Rpc(Call),
}

/// Whoever is known stays who they are.
#[derive(Debug, PartialEq, Eq)]
enum Phase {
    New,
    /// The token of `connect` is being judged.
    Connecting,
    Known(Identified),
    /// Another token of somebody who is known is being judged.
    Refreshing(Identified),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subscription {
    Pending,
    Live,
}

/// See the module.
#[derive(Debug)]
pub struct Connection {
    phase: Phase,
    subscriptions: HashMap<RoomId, Subscription>,
    in_flight: usize,
    pages_in_flight: usize,
    recoveries_in_flight: usize,
    connect_by: Instant,
    /// Why the last `connect` was refused, if it may come again.
    refused: Option<CommandError>,
    ping_at: Instant,
    pong_by: Option<Instant>,
    expires: Option<Instant>,
    sends: Rate,
    /// What it has said it wants to be told.
    pub wants: Wants,
}

impl Connection {
    /// A socket that has just opened.
    pub fn new(now: Instant) -> Self {
        Self {
            phase: Phase::New,
            subscriptions: HashMap::new(),
            in_flight: 0,
            pages_in_flight: 0,
            recoveries_in_flight: 0,
            connect_by: now + limits::CONNECT_WITHIN,
            refused: None,
            ping_at: now + limits::PING_EVERY,
            pong_by: None,
            expires: None,
            sends: Rate::default(),
            wants: Wants::default(),
        }
    }

    /// Who this is, once known.
    pub const fn user(&self) -> Option<&Identified> {
        match &self.phase {
            Phase::New | Phase::Connecting => None,
            Phase::Known(who) | Phase::Refreshing(who) => Some(who),
        }
    }

    /// Whether a subscription to this room is being looked up.
    pub fn is_subscribing(&self, room: &RoomId) -> bool {
        self.subscriptions.get(room) == Some(&Subscription::Pending)
    }

    /// Whether this command may be taken now. If not, the socket is not read until something has been answered.
    pub fn may_take(&self, command: &Command) -> bool {
        if self.phase == Phase::Connecting || self.in_flight >= limits::IN_FLIGHT {
            return false;
        }
        match &command.said {
            // One token at a time; what else is said meanwhile is said by whom it was before.
            Ok(Said::Refresh { .. }) => !matches!(self.phase, Phase::Refreshing(_)),
            Ok(Said::Subscribe(subscribe)) => {
                self.subscriptions.get(&subscribe.room) != Some(&Subscription::Pending)
                    && (subscribe.recover.is_none() || self.recoveries_in_flight < limits::RECOVERIES_IN_FLIGHT)
            }
            Ok(Said::Unsubscribe(room)) => self.subscriptions.get(room) != Some(&Subscription::Pending),
            Ok(Said::History(_) | Said::Presence { .. }) => self.pages_in_flight < limits::PAGES_IN_FLIGHT,
            Ok(Said::Rpc(call)) => call.method.cost != Cost::Page || self.pages_in_flight < limits::PAGES_IN_FLIGHT,
            _ => true,
        }
    }

    /// Takes one command.
    pub fn receive(&mut self, command: Command) -> Action {
        let Command { id, said } = command;
        let who = match &self.phase {
            Phase::Known(who) | Phase::Refreshing(who) => who.clone(),
            Phase::New | Phase::Connecting => return self.receive_from_stranger(id, said),
        };
        match said {
            Err(error) => Action::Reply(Reply::error(id, error)),
            Ok(Said::Pong) => match self.pong_by.take() {
                Some(_) => Action::Nothing,
                None => Action::Close(Disconnect::bad_request("a pong without a ping")),
            },
            Ok(Said::Connect { .. }) => Action::Close(Disconnect::bad_request("connected already")),
            Ok(Said::Refresh { token }) => {
                self.phase = Phase::Refreshing(who);
                Action::Verify { id, token }
            }
            Ok(Said::Send) => Action::Nothing,
            Ok(Said::Subscribe(subscribe)) => {
                if self.subscriptions.contains_key(&subscribe.room) {
                    return Action::Reply(Reply::error(id, CommandError::ALREADY_SUBSCRIBED));
                }
                if self.subscriptions.len() >= limits::SUBSCRIPTIONS {
                    let error = CommandError::limit("subscriptions of one connection", limits::SUBSCRIPTIONS);
                    return Action::Reply(Reply::error(id, error));
                }
                self.subscriptions.insert(subscribe.room.clone(), Subscription::Pending);
                self.ask(who, id, Ask::Subscribe(subscribe))
            }
            Ok(Said::Unsubscribe(room)) => {
                self.subscriptions.remove(&room);
                Action::Unsubscribe(room, Reply::ok(id, Answer::Unsubscribe))
            }
            Ok(Said::Publish { room, data }) => self.ask(who, id, Ask::Publish { room, data }),
            Ok(Said::History(history)) => self.ask(who, id, Ask::History(history)),
            Ok(Said::Presence { room, stats }) => self.ask(who, id, Ask::Presence { room, stats }),
            Ok(Said::Rpc(call)) => self.ask(who, id, Ask::Rpc(call)),
        }
    }

    fn receive_from_stranger(&mut self, id: u32, said: Result<Said, CommandError>) -> Action {
        match (said, &self.refused) {
            (Ok(Said::Connect { token, wants }), _) => {
                self.wants = wants;
                self.phase = Phase::Connecting;
                Action::Verify { id, token }
            }
            // An SDK says the rest of what it wants behind `connect`, in the same frame, before it knows.
            (_, Some(_)) if id == 0 => Action::Nothing,
            (_, Some(why)) => Action::Reply(Reply::error(id, why.clone())),
            (_, None) => Action::Close(Disconnect::bad_request("the first command is connect")),
        }
    }

    fn ask(&mut self, who: Identified, id: u32, ask: Ask) -> Action {
        self.in_flight += 1;
        self.pages_in_flight += usize::from(ask.is_page());
        self.recoveries_in_flight += usize::from(ask.is_recovery());
        Action::Ask(who, id, ask)
    }

    /// The verdict on a token.
    ///
    /// # Errors
    /// What is to be done instead of answering.
    pub fn verified(&mut self, id: u32, verdict: Result<Identity, TokenError>) -> Result<Verified, Action> {
        let before = match std::mem::replace(&mut self.phase, Phase::New) {
            Phase::Known(who) | Phase::Refreshing(who) => Some(who),
            Phase::New | Phase::Connecting => None,
        };
        let known = before.as_ref().map(|who| who.0.clone());
        if let Some(who) = before {
            self.phase = Phase::Known(who);
        }
        let is_new = known.is_none();
        let mut refuse = |error: CommandError| {
            if is_new {
                self.refused = Some(error.clone());
            }
            Action::Reply(Reply::error(id, error))
        };
        match verdict {
            // An SDK takes a refusal of its `refresh` for final, unless it is temporary: it fetches another token then.
            Err(TokenError::Expired) if !is_new => {
                Err(refuse(CommandError { temporary: true, ..CommandError::TOKEN_EXPIRED }))
            }
            Err(TokenError::Expired) => Err(refuse(CommandError::TOKEN_EXPIRED)),
            Err(TokenError::Invalid) => Err(Action::Close(Disconnect::INVALID_TOKEN)),
            Err(TokenError::Unknown) => Err(refuse(CommandError::UNVERIFIED)),
            Err(TokenError::NotYet) => Err(refuse(CommandError::NOT_YET)),
            Err(TokenError::TooMany(over)) => Err(refuse(CommandError { temporary: true, ..over.into() })),
            // A connection does not change hands.
            Ok(identity) if known.is_some_and(|user| user != identity.user) => {
                Err(Action::Close(Disconnect::INVALID_TOKEN))
            }
            Ok(identity) => {
                let who = Identified(identity.user);
                self.phase = Phase::Known(who.clone());
                self.expires = identity.expires;
                self.refused = None;
                Ok(if is_new { Verified::Connected(who) } else { Verified::Refreshed(who) })
            }
        }
    }

    /// Whether an entry to be written is short enough, and not too soon after those before it: of this connection, and by what `user`
    /// says of all of this user's. If not, it is refused, and takes nothing of what may be sent.
    pub fn may_send(
        &mut self,
        what: &What,
        quota: &Quota,
        now: Instant,
        user: impl FnOnce() -> Result<(), Duration>,
    ) -> Result<(), Unsent> {
        quota.check_entry(what).map_err(|invalid| Unsent::Never(invalid.into()))?;
        let mut sends = self.sends;
        if let Some(per_second) = quota.sends_per_second {
            let pace = Pace::Connection(per_second);
            sends.take(per_second, now).map_err(|wait| Unsent::For { wait, pace })?;
        }
        let pace = Pace::User(quota.user.entries_per_second);
        user().map_err(|wait| Unsent::For { wait, pace })?;
        self.sends = sends;
        Ok(())
    }

    /// An [`Ask`] has its answer.
    pub fn answered(&mut self, page: bool) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.pages_in_flight = self.pages_in_flight.saturating_sub(usize::from(page));
    }

    /// A subscription stands, or was refused; `recovery` says whether recovery was asked for.
    pub fn subscribed(&mut self, room: &RoomId, recovery: bool, stands: bool) {
        self.recoveries_in_flight = self.recoveries_in_flight.saturating_sub(usize::from(recovery));
        if stands {
            self.subscriptions.insert(room.clone(), Subscription::Live);
        } else {
            self.subscriptions.remove(room);
        }
    }

    /// The server ended a subscription.
    pub fn unsubscribed(&mut self, room: &RoomId) {
        self.subscriptions.remove(room);
    }

    /// When [`Connection::tick`] is to be called next.
    pub fn deadline(&self) -> Instant {
        let phase = match self.user() {
            Some(_) => self.expires.map_or(self.ping_at, |at| self.ping_at.min(at + limits::REFRESH_GRACE)),
            None => self.stale_at(),
        };
        self.pong_by.map_or(phase, |by| by.min(phase))
    }

    /// Who has said `connect` in time waits for the verdict on the token.
    fn stale_at(&self) -> Instant {
        match self.phase {
            Phase::Connecting => self.connect_by + 2 * limits::VERIFY_WITHIN,
            _ => self.connect_by,
        }
    }

    /// A ping has been written: its answer is due.
    pub fn pinged(&mut self, now: Instant) {
        self.pong_by = Some(now + limits::PONG_WITHIN);
    }

    /// The socket is not being read, so that an answer that has come could not be seen.
    pub fn excuse(&mut self, now: Instant) {
        self.pong_by = self.pong_by.map(|_| now + limits::PONG_WITHIN);
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant) -> Action {
        if self.user().is_none() {
            // After 3502 an SDK does not come back: only who has said nothing is told so.
            let why = match &self.refused {
                None => Disconnect::STALE,
                Some(CommandError { code: 109, .. }) => Disconnect::EXPIRED,
                Some(_) => Disconnect::SERVER_ERROR,
            };
            return if now >= self.stale_at() { Action::Close(why) } else { Action::Nothing };
        }
        if self.expires.is_some_and(|at| now >= at + limits::REFRESH_GRACE) {
            return Action::Close(Disconnect::EXPIRED);
        }
        if self.pong_by.is_some_and(|by| now >= by) {
            return Action::Close(Disconnect::NO_PONG);
        }
        if now >= self.ping_at {
            self.ping_at = now + limits::PING_EVERY;
            return if self.pong_by.is_none() { Action::Ping } else { Action::Nothing };
        }
        Action::Nothing
    }
}

impl Ask {
    /// Whether the answer comes with a first page of a recovery.
    pub const fn is_recovery(&self) -> bool {
        matches!(self, Self::Subscribe(Subscribe { recover: Some(_), .. }))
    }

    /// Whether the answer is a page.
    pub const fn is_page(&self) -> bool {
        match self {
            Self::History(_) | Self::Presence { .. } => true,
            Self::Rpc(call) => matches!(call.method.cost, Cost::Page),
            Self::Subscribe(_) | Self::Publish { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests;
