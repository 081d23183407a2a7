//! What clients have sent and nobody has executed: all of it together is bounded.
//!
//! A short frame takes nothing. Before a longer one is read, room for the longest is taken, so that whoever has begun can finish;
//! once it is there, it keeps what it is long, until its last command has been taken. Where there is no room, sockets are not
//! read.

use bytes::Bytes;
use hubbub_core::limits;
use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Room is counted in these.
const UNIT: usize = 1024;

/// See the module.
#[derive(Debug, Clone)]
pub struct Intake(Arc<Semaphore>);

impl Default for Intake {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(limits::INTAKE_BYTES / UNIT)))
    }
}

fn units(bytes: usize) -> u32 {
    if bytes <= limits::FRAME_FREE_BYTES { 0 } else { u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX) }
}

impl Intake {
    /// Nothing of it, yet.
    pub fn share(&self) -> Share {
        Share { intake: self.clone(), waiting: None, held: None }
    }

    /// Room for so many bytes, at once or not at all.
    pub fn try_share(&self, bytes: usize) -> Option<Share> {
        let mut share = self.share();
        match units(bytes) {
            0 => {}
            units => share.held = Some(self.0.clone().try_acquire_many_owned(units).ok()?),
        }
        Some(share)
    }

    /// How many bytes there is room for.
    pub fn room(&self) -> usize {
        self.0.available_permits() * UNIT
    }
}

/// A part of the intake. Dropped, it is given back.
pub struct Share {
    intake: Intake,
    waiting: Option<Pin<Box<dyn Future<Output = Option<OwnedSemaphorePermit>> + Send + Sync>>>,
    held: Option<OwnedSemaphorePermit>,
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Share").field("held", &self.held).finish_non_exhaustive()
    }
}

impl Share {
    /// Waits for room for so many bytes, behind those who wait already. What is held is enough.
    pub fn poll_reserve(&mut self, bytes: usize, cx: &mut Context<'_>) -> Poll<()> {
        if self.held.is_some() || units(bytes) == 0 {
            return Poll::Ready(());
        }
        let intake = &self.intake.0;
        let waiting = self.waiting.get_or_insert_with(|| {
            let intake = intake.clone();
            Box::pin(async move { intake.acquire_many_owned(units(bytes)).await.ok() })
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
        } else if let Some(surplus) = held.num_permits().checked_sub(keep) {
            drop(held.split(surplus));
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

    #[test]
    fn long_frames_share_what_there_is_and_short_ones_take_nothing() {
        let intake = Intake::default();
        let long = limits::FRAME_BYTES;
        let mut shares: Vec<_> = std::iter::from_fn(|| intake.try_share(long)).collect();
        assert_eq!((shares.len(), intake.room()), (limits::INTAKE_BYTES / long, 0));
        assert!(intake.try_share(limits::FRAME_FREE_BYTES).is_some(), "short ones always find room");
        let mut waits = intake.share();
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
}
