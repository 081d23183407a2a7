//! A connection for LISTEN and NOTIFY, dialled as the store's are and outside of their pool.

use super::{
    super::StoreError,
    PostgresStore,
    connect::{self, Server},
};
use crate::crypto::login::Place;
use futures_util::{Stream, stream};
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
    /// Dials.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the server cannot be reached: worth trying again.
    pub async fn dial(&self) -> Result<(Client, Notifications), StoreError> {
        let (client, mut connection) = self.0.connect().await?;
        Ok((client, Box::pin(stream::poll_fn(move |context| connection.poll_message(context)))))
    }
}
