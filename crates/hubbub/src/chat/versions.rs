//! Two versions side by side: what is new is taken only while every instance that lives knows it, and clients are told what is on.

use super::{ChatError, instances::Living, people::People};
use crate::{metrics::Metrics, store::Store};
use hubbub_core::{
    limits,
    log::{
        entry::Draft,
        features::{Features, NotYet},
    },
    model::ids::RoomId,
    wire::push::Hint,
};
use std::{
    sync::{Arc, Weak},
    time::Instant,
};
use tokio::sync::watch;

/// What every instance that lives knows.
#[derive(Debug, Clone)]
pub struct KnownToAll(watch::Receiver<Living>);

impl KnownToAll {
    /// As far as these leases say.
    pub(super) const fn by(living: watch::Receiver<Living>) -> Self {
        Self(living)
    }

    /// What is on now.
    pub fn now(&self) -> Features {
        self.0.borrow().features(Instant::now())
    }

    /// Says of drafts what they need and somebody does not know. The store looks at their keys first: what was taken before is
    /// answered as ever.
    pub(super) fn mark(&self, drafts: &mut [Draft]) {
        let mut on = None;
        for draft in drafts {
            let needed = draft.all().map(Features::of).fold(Features::NONE, Features::and);
            draft.not_yet = match needed.is_empty() {
                true => None,
                false => needed.without(*on.get_or_insert_with(|| self.now())).iter().next(),
            };
        }
    }

    /// Whether a room may be made of these drafts: whatever is in them is known to all, or the room is there already.
    pub(super) async fn may_found(
        &self,
        store: &dyn Store,
        room: &RoomId,
        first: &mut [Draft],
    ) -> Result<(), ChatError> {
        self.mark(first);
        match first.iter().find_map(|draft| draft.not_yet) {
            Some(feature) if store.heads(std::slice::from_ref(room)).await?.iter().all(Option::is_none) => {
                Err(NotYet(feature).into())
            }
            _ => Ok(()),
        }
    }

    /// Tells clients here, the operator and whoever reads the metrics when others are on than before.
    pub(super) async fn tell(mut self, people: Weak<People>, metrics: Arc<Metrics>) {
        let mut told = None;
        // An error: nobody renews leases any more, or ever has.
        while self.0.changed().await.is_ok() {
            let living = self.0.borrow_and_update().clone();
            if living.at.is_none() || told == Some(living.features) {
                continue;
            }
            let off = Features::all().without(living.features);
            metrics.features_off.set(off.iter().count() as i64);
            let lacking: Vec<_> = living.boots.values().filter(|lease| !off.without(lease.knows).is_empty()).collect();
            match lacking.first() {
                Some(first) => tracing::warn!(
                    instances = lacking.len(),
                    one = %first.boot,
                    features = %off,
                    "instances of an older version run: what they do not know is off until they have gone. One that was killed counts until its lease ends, within {:?}",
                    limits::LEASE
                ),
                None if told.is_some() => {
                    tracing::info!(features = %living.features, "every instance that runs knows all of these")
                }
                None => {}
            }
            // The first time nobody has been told otherwise.
            if told.replace(living.features).is_some() {
                People::tell_all(&people, &Hint::Features(living.features)).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Lease;
    use hubbub_core::log::features::Feature;
    use uuid::Uuid;

    fn living(knows: &[Features], age: Option<u64>) -> Living {
        let lease = |knows: &Features| {
            let boot = Uuid::new_v4();
            (boot, Lease { boot, bus: true, knows: *knows })
        };
        let ago = |seconds| Instant::now().checked_sub(std::time::Duration::from_secs(seconds)).expect("a while ago");
        Living::of(knows.iter().map(lease).collect(), age.map(ago), Uuid::nil())
    }

    #[test]
    fn what_is_on_is_what_every_living_instance_knows() {
        let all = Features::all();
        let some: Features = [Feature::Edits, Feature::Pins].into_iter().collect();
        for (knows, on) in [
            (&[all][..], all),
            (&[all, all, all], all),
            (&[all, some], some),
            (&[some, Feature::Pins.into(), all], Feature::Pins.into()),
            (&[all, Features::NONE], Features::NONE),
        ] {
            assert_eq!(living(knows, Some(0)).features(Instant::now()), on, "{knows:?}");
        }
    }

    #[test]
    fn nothing_is_on_while_it_cannot_be_told_who_lives() {
        assert_eq!(living(&[Features::all()], None).features(Instant::now()), Features::NONE, "not asked yet");
        let long = limits::LEASE.as_secs() + 1;
        assert_eq!(living(&[Features::all()], Some(long)).features(Instant::now()), Features::NONE, "long ago");
        assert_eq!(Living::alone(Uuid::nil()).features(Instant::now()), Features::all(), "there are no others");
    }
}
