//! A connection for LISTEN and NOTIFY, dialled as the store's are and outside of their pool.

use super::{
    super::StoreError,
    PostgresStore,
    connect::{self, Server},
    pooler,
};
use crate::crypto::login::Place;
use futures_util::{Stream, stream};
use hubbub_core::limits::STORE_DIAL;
use std::pin::Pin;
use tokio_postgres::{AsyncMessage, Client, Error};

/// What such a connection is told. It does nothing unless this is polled.
pub type Notifications = Pin<Box<dyn Stream<Item = Result<AsyncMessage, Error>> + Send>>;

/// Dials such connections.
#[derive(Clone)]
pub struct Listener(Server);

impl PostgresStore {
    /// For this server, without dialling.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn listener(at: impl Into<Place>) -> Result<Listener, StoreError> {
        let mut server = connect::server(at)?;
        server.config.application_name("hubbub bus");
        Ok(Listener(server))
    }
}

impl Listener {
    /// Dials to see whether it would be told anything.
    ///
    /// # Errors
    /// [`StoreError::Broken`] where a pooler in between would not let it, [`StoreError::Unavailable`] when nobody can be reached.
    pub async fn check(&self) -> Result<(), StoreError> {
        connect::within(STORE_DIAL, pooler::may_listen(&self.0)).await
    }

    /// Dials.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the server cannot be reached: worth trying again.
    pub async fn dial(&self) -> Result<(Client, Notifications), StoreError> {
        let (client, mut connection) = self.0.connect().await?;
        Ok((client, Box::pin(stream::poll_fn(move |context| connection.poll_message(context)))))
    }
}
