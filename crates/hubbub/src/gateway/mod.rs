//! Sockets: one task per client, around the pure [`hubbub_core::wire::connection`].

use crate::{chat::Chat, strangers::Visitor, token::Tokens};
use arrivals::{Admitted, Full};
use axum::{
    Router,
    routing::{get, post},
};
use hubbub_core::limits;
use roster::Roster;
use std::{num::NonZero, sync::Arc};

pub mod answer;
pub mod arrivals;
mod client;
pub mod drain;
pub mod methods;
mod outbox;
pub mod pauses;
pub mod roster;
pub mod socket;
pub mod tcp;
pub mod transport;
pub mod upgrade;

pub mod emulation;
pub mod stream;

/// Where all connections of clients begin.
pub const CONNECTIONS: &str = "/connection/";

/// Where clients connect to whom WebSockets do not get through; those go to [`upgrade::upgrade`].
pub fn router(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/connection/http_stream", post(emulation::http_stream))
        .route("/connection/sse", get(emulation::sse))
        .route("/emulation", post(emulation::emulation))
        .with_state(gateway)
}

/// What every client's task needs.
pub struct Gateway {
    /// What a client's requests are about.
    pub chat: Arc<Chat>,
    /// Who clients are.
    pub tokens: Arc<Tokens>,
    /// This instance's label, told to clients as `node`.
    pub label: String,
    /// Who is connected.
    pub roster: Roster,
    /// What clients may ask for.
    pub methods: methods::RpcTable,
    /// Who may come in.
    pub arrivals: arrivals::Arrivals,
}

impl Gateway {
    /// A gateway to this chat, with these methods.
    pub fn new(chat: Arc<Chat>, tokens: Arc<Tokens>, label: String, methods: methods::RpcTable) -> Self {
        let arrivals = arrivals::Arrivals::new(chat.metrics.clone());
        Self { chat, tokens, label, methods, roster: Roster::default(), arrivals }
    }

    /// Lets somebody in who came on this connection, or says why not.
    fn admit(&self, visitor: Option<Arc<Visitor>>) -> Result<Admitted, Full> {
        let most = self.chat.quota().max_connections.map(NonZero::get);
        if let (Some(most), Some(visitor)) = (most, &visitor) {
            // However few there may be, no address takes all of them before it has said who it is.
            if visitor.company() > (most / 4).max(limits::COMPANY) {
                return Err(self.arrivals.refuse(Full::Arriving));
            }
        }
        Ok(self.arrivals.admit(most)?.on(visitor))
    }

    /// Whether there is a chance to be let in: asked before anything of a client is read.
    fn is_open(&self) -> Result<(), Full> {
        self.arrivals.admit(self.chat.quota().max_connections.map(NonZero::get)).map(drop)
    }
}
