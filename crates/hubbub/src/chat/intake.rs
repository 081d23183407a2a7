//! What clients have sent and nobody has executed: all of it together is bounded.
//!
//! A short frame takes nothing. Before a longer one is read, room for the longest is taken, so that whoever has begun can finish;
//! once it is there, it keeps what it is long, until its last command has been taken. Where there is no room, sockets are not
//! read. Nobody holds more than a part of it, so that whoever never finishes a frame keeps only themselves waiting.

use bytes::Bytes;
use hubbub_core::{
    limits,
    live::stream_id::StreamId,
    model::{ids::UserId, origin::Origin},
};
use std::{
    collections::HashMap,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, Weak},
    task::{Context, Poll},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Room is counted in these.
const UNIT: usize = 1024;
/// At so many, those who hold nothing any more are looked for.
const HOLDERS: usize = 1_024;

/// Of what there is for one, and of all.
type Permits = [OwnedSemaphorePermit; 2];

/// Who holds a part of it: at most [`limits::INTAKE_BYTES_OF_ONE`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Holder {
    /// All connections of an address that are not known yet; of no address where nobody counts them.
    Strangers(Option<Origin>),
    /// All connections of a user.
    User(UserId),
    /// A stream that is on another instance, where its user is known.
    Stream(StreamId),
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Intake {
    all: Arc<Semaphore>,
    /// Of those who hold or want something.
    of: Arc<Mutex<HashMap<Holder, Weak<Semaphore>>>>,
}

impl Default for Intake {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(limits::INTAKE_BYTES / UNIT)), of: Arc::default() }
    }
}

fn units(bytes: usize) -> u32 {
    if bytes <= limits::FRAME_FREE_BYTES { 0 } else { u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX) }
}

impl Intake {
    /// Nothing of it, yet.
    pub fn share(&self, holder: Holder) -> Share {
        Share { intake: self.clone(), holder, waiting: None, held: None }
    }

    /// Room for so many bytes, at once or not at all.
    pub fn try_share(&self, holder: Holder, bytes: usize) -> Option<Share> {
        let mut share = self.share(holder);
        match units(bytes) {
            0 => {}
            units => {
                let own = self.of(&share.holder).try_acquire_many_owned(units).ok()?;
                share.held = Some([own, self.all.clone().try_acquire_many_owned(units).ok()?]);
            }
        }
        Some(share)
    }

    /// How many bytes there is room for.
    pub fn room(&self) -> usize {
        self.all.available_permits() * UNIT
    }

    /// What there is for one.
    fn of(&self, holder: &Holder) -> Arc<Semaphore> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = of.get(holder).and_then(Weak::upgrade) {
            return own;
        }
        // No more of them hold something than there are shares.
        if of.len() >= HOLDERS {
            of.retain(|_, own| own.strong_count() > 0);
        }
        let own = Arc::new(Semaphore::new(limits::INTAKE_BYTES_OF_ONE / UNIT));
        of.insert(holder.clone(), Arc::downgrade(&own));
        own
    }
}

/// A part of the intake. Dropped, it is given back.
pub struct Share {
    intake: Intake,
    holder: Holder,
    waiting: Option<Pin<Box<dyn Future<Output = Option<Permits>> + Send + Sync>>>,
    held: Option<Permits>,
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Share").field("held", &self.held).finish_non_exhaustive()
    }
}

impl Share {
    /// What is taken from now on is this one's.
    pub fn belongs_to(&mut self, holder: Holder) {
        self.holder = holder;
    }

    /// Waits for room for so many bytes, behind those who wait already. What is held is enough.
    pub fn poll_reserve(&mut self, bytes: usize, cx: &mut Context<'_>) -> Poll<()> {
        if self.held.is_some() || units(bytes) == 0 {
            return Poll::Ready(());
        }
        let (intake, holder) = (&self.intake, &self.holder);
        let waiting = self.waiting.get_or_insert_with(|| {
            let (own, all) = (intake.of(holder), intake.all.clone());
            Box::pin(async move {
                // The own first: who has used it up does not stand in the way of others.
                let own = own.acquire_many_owned(units(bytes)).await.ok()?;
                Some([own, all.acquire_many_owned(units(bytes)).await.ok()?])
            })
        });
        waiting.as_mut().poll(cx).map(|held| {
            self.held = held;
            self.waiting = None;
        })
    }

    /// Whether there is room for more than a short frame.
    pub const fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// Gives back what is more than for so many bytes.
    pub fn shrink_to(&mut self, bytes: usize) {
        let Some(held) = &mut self.held else { return };
        let keep = units(bytes) as usize;
        if keep == 0 {
            self.held = None;
        } else {
            for permit in held {
                drop(permit.num_permits().checked_sub(keep).and_then(|surplus| permit.split(surplus)));
            }
        }
    }

    /// Gives everything back.
    pub fn release(&mut self) {
        self.held = None;
    }
}

/// A frame with its part of the intake.
#[derive(Debug)]
pub struct Received {
    /// A frame of commands.
    pub frame: Bytes,
    /// Held until they are executed.
    pub share: Share,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    fn user(name: &str) -> Holder {
        Holder::User(UserId::parse(name).unwrap())
    }

    #[test]
    fn long_frames_share_what_there_is_and_short_ones_take_nothing() {
        let intake = Intake::default();
        let long = limits::FRAME_BYTES;
        let some = |number: u32| user(&format!("u{}", number / 8));
        let mut shares: Vec<_> = (0..).map_while(|number| intake.try_share(some(number), long)).collect();
        assert_eq!((shares.len(), intake.room()), (limits::INTAKE_BYTES / long, 0));
        assert!(intake.try_share(user("ana"), limits::FRAME_FREE_BYTES).is_some(), "short ones always find room");
        let mut waits = intake.share(user("ana"));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(waits.poll_reserve(long, &mut cx).is_pending());
        shares[0].shrink_to(long / 2);
        assert!(waits.poll_reserve(long, &mut cx).is_pending(), "half of it is not enough");
        shares[0].release();
        assert!(waits.poll_reserve(long, &mut cx).is_ready());
        waits.shrink_to(100);
        drop(shares);
        assert_eq!(intake.room(), limits::INTAKE_BYTES);
    }

    #[test]
    fn whoever_holds_their_part_waits_and_others_do_not() {
        let intake = Intake::default();
        let long = limits::FRAME_BYTES;
        let mut cx = Context::from_waker(Waker::noop());
        let origin = |last| Holder::Strangers(Some(std::net::IpAddr::from([10, 0, 0, last]).into()));
        for eve in [user("eve"), origin(1), Holder::Strangers(None), Holder::Stream(StreamId::new(uuid::Uuid::nil()))] {
            let mut held: Vec<_> = std::iter::from_fn(|| intake.try_share(eve.clone(), long)).collect();
            assert_eq!(held.len(), limits::INTAKE_BYTES_OF_ONE / long);
            let mut more: Vec<_> = (0..1_000).map(|_| intake.share(eve.clone())).collect();
            assert!(more.iter_mut().all(|share| share.poll_reserve(long, &mut cx).is_pending()));
            for other in [user("ana"), origin(2)] {
                assert!(intake.share(other).poll_reserve(long, &mut cx).is_ready());
            }
            more[0].belongs_to(user("ana"));
            held.pop();
            assert!(more[0].poll_reserve(long, &mut cx).is_ready(), "it waited as it was");
        }
        assert_eq!(intake.room(), limits::INTAKE_BYTES);
        for n in 0..3 * HOLDERS {
            drop(intake.try_share(user(&format!("u{n}")), long));
        }
        assert!(intake.of.lock().unwrap().len() <= HOLDERS);
    }
}
