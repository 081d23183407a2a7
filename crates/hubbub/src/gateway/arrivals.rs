//! Who may come in when many come at once, and whose turn it is to subscribe.
//!
//! A connection that was let in *arrives* until it has subscribed and caught up. There is room for so many who arrive;
//! beyond, an upgrade is refused before it costs anything. Of those, so many at a time have the *turn* to subscribe and be
//! caught up, which is what costs; the others wait, in the order they came. A turn is never held while the client is
//! waited for, so a slow network takes nobody's place.

use crate::{metrics::Metrics, strangers::Visitor};
use futures_util::future::BoxFuture;
use hubbub_core::limits;
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// See the module.
pub struct Arrivals {
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    /// Until when nobody is let in, because turns are long in coming.
    behind: Arc<Mutex<Option<Instant>>>,
    connections: Arc<AtomicUsize>,
    metrics: Arc<Metrics>,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// Too many arrive already.
    Arriving,
    /// There are as many connections as there may be.
    Connections(usize),
}

/// Somebody who was let in.
pub struct Admitted {
    connected: Connected,
    place: Place,
    /// The connection it came on, which is counted until it is known.
    visitor: Option<Arc<Visitor>>,
}

/// Counted among the connections until it is dropped.
pub(super) struct Connected(Arc<AtomicUsize>);

/// A place among those who arrive.
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    metrics: Arc<Metrics>,
    /// It is given up then, unless its turn is waited for.
    pub until: Instant,
}

/// A turn to subscribe and be caught up.
pub(super) struct Turn {
    _permit: Option<OwnedSemaphorePermit>,
    /// It is given up then.
    pub until: Instant,
}

impl Arrivals {
    /// Lets in at most [`limits::ARRIVING`] who arrive.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            places: Arc::new(Semaphore::new(limits::ARRIVING)),
            turns: Arc::new(Semaphore::new(limits::ARRIVAL_TURNS)),
            behind: Arc::default(),
            connections: Arc::default(),
            metrics,
        }
    }

    /// Lets somebody in, or says why not. There may be at most `most` connections, if given.
    ///
    /// # Errors
    /// What there is too much of.
    pub fn admit(&self, most: Option<usize>) -> Result<Admitted, Full> {
        self.try_admit(most).map_err(|full| self.refuse(full))
    }

    /// Somebody is not let in: counted.
    pub(super) fn refuse(&self, full: Full) -> Full {
        self.metrics.arrivals_refused.inc();
        full
    }

    fn try_admit(&self, most: Option<usize>) -> Result<Admitted, Full> {
        let connected = Connected::one_more(&self.connections);
        if let Some(most) = most
            && self.connections.load(Ordering::Relaxed) > most
        {
            return Err(Full::Connections(most));
        }
        if locked(&self.behind).is_some_and(|until| Instant::now() < until) {
            return Err(Full::Arriving);
        }
        let permit = self.places.clone().try_acquire_owned().map_err(|_| Full::Arriving)?;
        self.metrics.arriving.inc();
        let until = Instant::now() + limits::ARRIVING_WITHIN;
        let place = Place { _permit: permit, metrics: self.metrics.clone(), until };
        Ok(Admitted { connected, place, visitor: None })
    }

    /// A turn at once, if one is free and nobody waits.
    pub(super) fn try_turn(&self) -> Option<Turn> {
        self.turns.clone().try_acquire_owned().ok().map(|permit| Turn::begin(Some(permit)))
    }

    /// Waits for a turn, behind those who wait already.
    pub(super) fn turn(&self) -> BoxFuture<'static, Turn> {
        let (turns, behind, asked) = (self.turns.clone(), self.behind.clone(), Instant::now());
        Box::pin(async move {
            // The semaphore is never closed.
            let turn = Turn::begin(turns.acquire_owned().await.ok());
            if asked.elapsed() > limits::TURN_SOON {
                // A slower machine than the number of places is made for: those who are here come first.
                *locked(&behind) = Some(Instant::now() + limits::TURN_BEHIND);
            }
            turn
        })
    }
}

fn locked(behind: &Mutex<Option<Instant>>) -> MutexGuard<'_, Option<Instant>> {
    behind.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Admitted {
    /// The same, on this connection.
    pub(super) fn on(self, visitor: Option<Arc<Visitor>>) -> Self {
        visitor.iter().for_each(|visitor| visitor.stays());
        Self { visitor, ..self }
    }

    /// Held until it has gone, until it has arrived, and until it is known.
    pub(super) fn into_parts(self) -> (Connected, Place, Option<Arc<Visitor>>) {
        (self.connected, self.place, self.visitor)
    }
}

impl Turn {
    fn begin(permit: Option<OwnedSemaphorePermit>) -> Self {
        Self { _permit: permit, until: Instant::now() + limits::TURN_WITHIN }
    }
}

impl Connected {
    fn one_more(all: &Arc<AtomicUsize>) -> Self {
        all.fetch_add(1, Ordering::Relaxed);
        Self(all.clone())
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.metrics.arriving.dec();
    }
}

impl Full {
    /// When to come again, and why not now. Spread, so that not all come again together.
    pub fn words(self, chance: f64) -> (Duration, String) {
        let later = Duration::from_secs(1 + (chance * 4.0) as u64);
        match self {
            Self::Arriving => (later, "too many clients arrive at once: come again in a moment".into()),
            Self::Connections(most) => {
                (later, format!("this instance takes at most {most} connections: come again later"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn so_many_may_arrive_and_one_more_when_one_has() {
        let metrics = Arc::<Metrics>::default();
        let arrivals = Arrivals::new(metrics.clone());
        let mut admitted: Vec<_> = (0..limits::ARRIVING).map(|_| arrivals.admit(None).expect("a place")).collect();
        assert_eq!(arrivals.admit(None).err(), Some(Full::Arriving));
        assert_eq!((metrics.arriving.get(), metrics.arrivals_refused.get()), (limits::ARRIVING as i64, 1));
        drop(admitted.pop());
        assert!(arrivals.admit(None).is_ok());
    }

    #[tokio::test]
    async fn a_connection_counts_until_it_has_gone_and_not_only_while_it_arrives() {
        let arrivals = Arrivals::new(Arc::default());
        let (first, place, _) = arrivals.admit(Some(2)).expect("a place").into_parts();
        drop(place);
        let second = arrivals.admit(Some(2)).expect("a place");
        assert_eq!(arrivals.admit(Some(2)).err(), Some(Full::Connections(2)));
        drop(first);
        assert!(arrivals.admit(Some(2)).is_ok());
        drop(second);
    }

    fn look(turn: &mut BoxFuture<'static, Turn>) -> std::task::Poll<Turn> {
        turn.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
    }

    #[tokio::test]
    async fn turns_are_had_in_the_order_they_were_asked_for() {
        let arrivals = Arrivals::new(Arc::default());
        let mut turns: Vec<_> = (0..limits::ARRIVAL_TURNS).map(|_| arrivals.try_turn().expect("a turn")).collect();
        assert!(arrivals.try_turn().is_none());
        let mut first = arrivals.turn();
        let mut second = arrivals.turn();
        assert!(look(&mut first).is_pending() && look(&mut second).is_pending());
        turns.pop();
        assert!(arrivals.try_turn().is_none(), "somebody overtook those who wait");
        assert!(look(&mut second).is_pending());
        assert!(look(&mut first).is_ready());
    }
}
