//! How sessions and what became of their webhooks look, over `rpc` and over REST alike.

use super::view;
use crate::{
    delivery::{attempt::Attempt, stored_cursor::Delivery},
    log::room::Part,
    model::time::Timestamp,
    portal::session::{DeadLetter, Quarantined, Session},
};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// A session, as its customer sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionView {
    /// Its id: that of the room.
    id: String,
    /// Its portal.
    portal: String,
    /// Its customer.
    customer: String,
    /// For people.
    name: String,
    /// open, waiting or closed.
    state: &'static str,
    /// The portal's own id of the conversation, once it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    external: Option<String>,
    /// The last seq.
    head: u64,
    /// What the numbers count in.
    epoch: String,
    /// The last seq that the portal has, that was not for it, or that is in `failed`.
    forwarded: u64,
    /// The portal has not taken what comes after `forwarded` at the first try; it is tried again.
    delayed: bool,
    /// The numbers that were given up on and not delivered since.
    failed: Vec<u64>,
}

impl SessionView {
    /// A session.
    pub fn new(session: &Session) -> Self {
        let (room, delivery) = (&session.room, &session.delivery);
        Self {
            id: room.id.to_string(),
            portal: session.portal.to_string(),
            customer: session.customer.to_string(),
            name: room.name.clone(),
            state: session.state.state(),
            external: session.external.clone(),
            head: room.head.get(),
            epoch: room.epoch.to_string(),
            forwarded: delivery.position.get(),
            delayed: delivery.blocked || !delivery.attempts.is_empty(),
            failed: delivery.failed.iter().map(|seq| seq.get()).collect(),
        }
    }
}

/// A session, as an operator sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryView {
    /// What its customer sees.
    #[serde(flatten)]
    session: SessionView,
    /// Since when the oldest entry waits for the portal; absent while nothing waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_since: Option<String>,
    /// When the next attempt is due, or the one under way must have ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<String>,
    /// Attempts that count against the next entry.
    counted: u32,
    /// It stands still at a dead letter.
    blocked: bool,
    /// The attempts of the next entry, the newest last.
    attempts: Vec<AttemptView>,
}

impl DeliveryView {
    /// A session.
    pub fn new(session: &Session) -> Self {
        let Delivery { waiting_since, due_at, counted, blocked, attempts, .. } = &session.delivery;
        Self {
            session: SessionView::new(session),
            waiting_since: waiting_since.map(|at| at.to_string()),
            due_at: due_at.map(|at| at.to_string()),
            counted: *counted,
            blocked: *blocked,
            attempts: attempts.iter().map(AttemptView::new).collect(),
        }
    }
}

/// One POST and what came of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttemptView {
    /// When it began.
    at: String,
    /// How long it took, in milliseconds.
    took_ms: u64,
    /// The status of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Which instance made it.
    instance: String,
}

impl AttemptView {
    fn new(attempt: &Attempt) -> Self {
        Self {
            at: Timestamp(attempt.at).to_string(),
            took_ms: attempt.took,
            status: attempt.status,
            error: attempt.error.clone(),
            instance: attempt.instance.clone(),
        }
    }
}

/// Some of many.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartView<T> {
    /// In order.
    pub items: Vec<T>,
    /// Ask for those `after` this one; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> PartView<T> {
    /// A part of a list, each item shown, and named for who asks for what comes after it.
    pub fn new<I>(part: &Part<I>, show: impl Fn(&I) -> T, name: impl Fn(&I) -> String) -> Self {
        Self { items: part.items.iter().map(show).collect(), next: view::next(part, name) }
    }
}

/// An entry that was given up on.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeadLetterView {
    /// Its number.
    number: u64,
    /// The portal that did not take it.
    portal: String,
    /// The session.
    session: String,
    /// The entry's number there.
    seq: u64,
    /// When it was given up on.
    at: String,
    /// Why.
    why: String,
    /// dead, replaying or delivered.
    state: &'static str,
    /// When the portal took it after all.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_at: Option<String>,
    /// Its attempts, the newest last.
    attempts: Vec<AttemptView>,
    /// The entry.
    #[schema(value_type = Object)]
    entry: Box<RawValue>,
}

impl DeadLetterView {
    /// A dead letter.
    pub fn new(letter: &DeadLetter) -> Self {
        Self {
            number: letter.number,
            portal: letter.portal.to_string(),
            session: letter.entry.room.to_string(),
            seq: letter.entry.seq.get(),
            at: letter.at.to_string(),
            why: letter.why.clone(),
            state: match (letter.delivered_at, letter.replaying) {
                (Some(_), _) => "delivered",
                (None, true) => "replaying",
                (None, false) => "dead",
            },
            delivered_at: letter.delivered_at.map(|at| at.to_string()),
            attempts: letter.attempts.iter().map(AttemptView::new).collect(),
            entry: view::entry(&letter.entry),
        }
    }
}

/// An event for a session that was not known.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuarantinedView {
    /// Its number.
    number: u64,
    /// The portal.
    portal: String,
    /// When it came.
    at: String,
    /// The session it named.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    /// The portal's own id of the conversation that it named.
    #[serde(skip_serializing_if = "Option::is_none")]
    external: Option<String>,
    /// Who wrote.
    from: String,
    /// What was written.
    text: String,
    /// What tells repeats of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<String>,
}

impl QuarantinedView {
    /// An event.
    pub fn new(kept: &Quarantined) -> Self {
        Self {
            number: kept.number,
            portal: kept.portal.to_string(),
            at: kept.at.to_string(),
            session: kept.session.clone(),
            external: kept.external.clone(),
            from: kept.from.to_string(),
            text: kept.text.clone(),
            event: kept.event.clone(),
        }
    }
}
