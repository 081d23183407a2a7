//! What must hold of a world, whatever happened to it.

use crate::{
    client::{Ending, Session},
    shell::AGAIN,
    world::World,
};
use hubbub_core::{
    limits::{CATCH_UP_PAGE, SWEEP_EVERY, SWEEP_PATIENCE},
    model::ids::UserId,
};
use std::sync::Arc;

impl World {
    /// How long after the last fault everything has been delivered: an answer that was on its way when it ended, a sweep
    /// period, the patience, and the reads. An instance that hears of another epoch needs the questions about that too, and
    /// one that has to wait until another notices a loss needs a second period.
    pub fn patience(&self) -> u64 {
        let ms = |time: std::time::Duration| time.as_millis() as u64;
        let entries = self.store.now().log.len() as u64;
        let answer = 2 * self.slowest();
        let reads = 8 + 2 * (entries / CATCH_UP_PAGE as u64 + 2);
        let periods = if self.store.unnoticed { 2 } else { 1 };
        2 * self.weather.answer
            + ms(SWEEP_EVERY) * periods
            + ms(SWEEP_PATIENCE)
            + ms(AGAIN)
            + reads * answer
            + 2 * (entries + 20)
    }

    /// Panics with what does not hold.
    pub fn judge(&self) {
        let (head, epoch) = (self.store.now().head(), self.store.now().epoch);
        assert!(!self.store.unnoticed, "feeds know of more than the log has, and none has said so");
        for client in &self.clients {
            for session in &client.sessions {
                self.judge_session(&client.user, session);
            }
            if self.store.view(None, Some(&client.user)).member {
                assert_eq!(client.at(), Some(head), "{} is behind after {} ms", client.user, self.patience());
                let last = client.sessions.last().expect("a reader has a session");
                assert_eq!((last.epoch, last.ending), (epoch, Ending::Open), "{}", client.user);
            } else {
                assert_eq!(client.at(), None, "{} was removed and still reads", client.user);
            }
        }
        if self.weather.healthy {
            assert_eq!(self.reads, 0, "log reads of feeds on a healthy bus");
            let pages: u64 = self.clients.iter().flat_map(|c| &c.sessions).filter(|s| s.fresh).map(|s| s.pages).sum();
            assert_eq!(pages, 0, "pages read by readers who are not behind");
        }
    }

    /// A session has an exact piece of one history, and ends with its reader's removal if there is one.
    fn judge_session(&self, user: &UserId, session: &Session) {
        let truth = &self.store.truth(session.epoch).log;
        let mut at = session.start;
        for item in &session.got {
            assert_eq!(item.seq, at.next(), "{user} in {}: not the next one", session.epoch);
            at = item.seq;
            let real = truth.get(at.before().get() as usize);
            assert!(real.is_some_and(|real| Arc::ptr_eq(real, item)), "{user}: {at} is not of {}", session.epoch);
        }
        let removal = truth.iter().find(|item| item.seq > session.admitted && item.effects.removed() == Some(user));
        if let Some(removal) = removal {
            assert!(at <= removal.seq, "{user} was removed by {} and given {at}", removal.seq);
        }
        let ended_by_removal = removal.is_some_and(|removal| removal.seq == at && !session.got.is_empty());
        assert_eq!(session.ending == Ending::Removed, ended_by_removal, "{user} at {at}: {:?}", session.ending);
    }
}
