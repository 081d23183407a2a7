//! The connections of a store, and how none is used again in the middle of something.
//!
//! A dial goes on when whoever wanted it has given up: with a slow server the next finds the connection there.

use super::{
    super::StoreError,
    connect::{self, Server},
    epoch,
    session::Session,
    sql::Schema,
};
use crate::log::Summary;
use hubbub_core::limits::{POSTGRES_CONNECTIONS, STORE_DIAL};
use std::{
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

/// Transactions that ended with a warning.
static WARNED: Summary = Summary::new(
    "Postgres committed with a warning: whether it is kept is unknown. It is acknowledged to nobody, and run again",
);

/// At most [`POSTGRES_CONNECTIONS`] connections.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Shared>);

struct Shared {
    server: Server,
    schema: Schema,
    /// Whoever has a connection, or waits for one.
    turns: Arc<Semaphore>,
    state: Mutex<State>,
    /// There may be an idle one, or room to dial for one.
    arrived: Notify,
    /// One for each connection that there is.
    alive: Arc<()>,
}

#[derive(Default)]
struct State {
    idle: Vec<Pooled>,
    dialling: usize,
}

/// A connection that is counted.
struct Pooled {
    session: Session,
    _alive: Weak<()>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, session: Pooled) {
        self.state().idle.push(session);
        self.arrived.notify_one();
    }

    fn add(&self, session: Session) {
        self.put(Pooled { session, _alive: Arc::downgrade(&self.alive) });
    }

    fn take(&self) -> Option<Pooled> {
        let mut state = self.state();
        let taken = std::iter::from_fn(|| state.idle.pop()).find(|pooled| !pooled.session.is_closed());
        if !state.idle.is_empty() {
            // Two that come back at once may wake only one who waits.
            self.arrived.notify_one();
        }
        taken
    }

    /// Dials for the pool, if there is room for another connection. What is answered is only whether that failed.
    fn dial(self: &Arc<Self>) -> Option<oneshot::Receiver<Result<(), StoreError>>> {
        let mut state = self.state();
        if Arc::weak_count(&self.alive) + state.dialling >= POSTGRES_CONNECTIONS {
            return None;
        }
        state.dialling += 1;
        drop(state);
        let (tell, told) = oneshot::channel();
        let dialling = Dialling(self.clone());
        tokio::spawn(async move {
            let shared = &dialling.0;
            let dialled = connect::within(STORE_DIAL, async {
                let session = connect::dial(&shared.server).await?;
                epoch::compare_timeline(&session, &shared.schema).await?;
                Ok(session)
            });
            // Nobody may wait for it any more.
            let _ = tell.send(dialled.await.map(|session| shared.add(session)));
        });
        Some(told)
    }
}

/// A dial under way.
struct Dialling(Arc<Shared>);

impl Drop for Dialling {
    fn drop(&mut self) {
        self.0.state().dialling -= 1;
        self.0.arrived.notify_one();
    }
}

impl Pool {
    /// With one connection to begin with.
    pub fn new(server: Server, schema: &Schema, first: Session) -> Self {
        let shared = Shared {
            server,
            schema: schema.clone(),
            turns: Arc::new(Semaphore::new(POSTGRES_CONNECTIONS)),
            state: Mutex::default(),
            arrived: Notify::new(),
            alive: Arc::default(),
        };
        shared.add(first);
        Self(Arc::new(shared))
    }

    pub async fn get(&self) -> Result<Lease, StoreError> {
        let closed = || StoreError::Unavailable("closed".into());
        let turn = self.0.turns.clone().acquire_owned().await.map_err(|_| closed())?;
        let mut dial = None;
        loop {
            // Listen first, then look.
            let arrived = self.0.arrived.notified();
            if let Some(pooled) = self.0.take() {
                let warned = pooled.session.warnings().count();
                return Ok(Lease { pooled: Some(pooled), pool: self.0.clone(), settled: false, warned, _turn: turn });
            }
            if dial.is_none() {
                dial = self.0.dial();
            }
            let dialled = async {
                match &mut dial {
                    Some(told) => told.await.map_err(|_| closed())?,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                dialled = dialled => {
                    dial = None;
                    // Whatever a server says to a newcomer, a later one may be told otherwise.
                    dialled.map_err(|error| match error {
                        StoreError::Unavailable(why) | StoreError::Broken(why) => StoreError::Unavailable(why),
                        StoreError::Locked => StoreError::Unavailable("the epoch stayed locked".into()),
                    })?;
                }
                () = arrived => {}
            }
        }
    }
}

/// A connection on loan. Unless it is [settled](Self::settle) or [given back](Self::give_back) it is thrown away: after an error, a
/// timeout or a cancelled call nobody knows whether it is in a transaction.
pub(crate) struct Lease {
    pooled: Option<Pooled>,
    pool: Arc<Shared>,
    settled: bool,
    /// How many warnings its connection had before.
    warned: u64,
    _turn: OwnedSemaphorePermit,
}

impl Lease {
    /// Everything that was asked has been answered, and what was to be written is committed: the next may have the connection.
    /// To be called before anybody is told.
    ///
    /// # Errors
    /// Where the server warned of something on the way: what became of it is unknown, and doing it again settles it. Its own
    /// locks and its own commit then wait for whatever the first one did not wait for.
    pub fn settle(mut self) -> Result<(), StoreError> {
        self.settled = true;
        let warnings = self.warnings();
        if warnings.count() == self.warned {
            return Ok(());
        }
        let why = warnings.last();
        WARNED.note(|| why.clone());
        Err(StoreError::Unavailable(format!("it committed with a warning: {why}")))
    }

    /// Everything that was asked has been answered, and nothing was written: the next may have the connection.
    pub fn give_back(mut self) {
        self.settled = true;
    }
}

impl Deref for Lease {
    type Target = Session;

    #[expect(clippy::expect_used, reason = "it is there until the drop")]
    fn deref(&self) -> &Session {
        &self.pooled.as_ref().expect("it is there until the drop").session
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        match self.pooled.take() {
            Some(pooled) if self.settled => self.pool.put(pooled),
            dropped => {
                drop(dropped);
                // There is room for another.
                self.pool.arrived.notify_one();
            }
        }
    }
}
