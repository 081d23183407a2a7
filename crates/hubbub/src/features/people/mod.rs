//! What people decide for themselves: how a room is shown to them ([`methods::set_preferences`]), whom they take no direct messages from
//! ([`methods::block`]), and what they report ([`methods::report`]).
//!
//! None of it is an entry of a log: it is nobody's but theirs, and a report its moderators'. What is kept: [`store`], in each database
//! ([`postgres`], [`sqlite`]) beside the logs.

use crate::{chat::Chat, log::Summary};
use hubbub_core::{
    limits::REPORT_TOLD,
    live::{
        signal::{Audience, Signal},
        wake::Wake,
    },
    model::json::Json,
};
use std::sync::Arc;
use store::{PeopleStore, Report};

pub mod invites;
pub mod methods;
pub mod postgres;
pub mod sqlite;
pub mod store;

/// What an instance does for people beside their rooms.
pub struct Choices {
    /// The chat whose people they are.
    pub chat: Arc<Chat>,
    /// What is kept of them.
    pub store: Arc<dyn PeopleStore>,
}

/// Reports whose moderators could not be told.
static UNTOLD: Summary = Summary::new("moderators were not told of reports");

impl Choices {
    /// Tells devices of something that is not kept: whoever does not hear it asks.
    fn tell(&self, signal: Signal) {
        self.chat.announcer.announce(&[Wake::Signal(signal)]);
    }

    /// Tells some moderators of a room that there is a report.
    async fn tell_moderators(&self, report: &Report) {
        let body = format!(r#"{{"type":"reported","room":"{}","report":{}}}"#, report.room, report.number);
        let signal = |user| Wake::Signal(Signal { audience: Audience::User(user), body: Json::trusted(body.clone()) });
        match self.store.moderators(&report.room, REPORT_TOLD).await {
            Ok(them) => self.chat.announcer.announce(&them.into_iter().map(signal).collect::<Vec<_>>()),
            Err(error) => UNTOLD.note(|| error.to_string()),
        }
    }
}
