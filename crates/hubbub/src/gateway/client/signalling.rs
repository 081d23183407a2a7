//! Signals of rooms, on their way to one client. A signal is told to who has read the log as far as it had come when the signal was
//! said: so it overtakes no entry, and who was removed before hears nothing of it, wherever the removal has been heard of.
//!
//! All of them leave by one way, behind what else is written: whoever takes nothing for a while is told what holds then.

use super::{Client, Transport};
use crate::gateway::outbox::Frame;
use hubbub_core::{live::held::HeldSignals, wire::push};
use std::time::Instant;

impl<T: Transport> Client<T> {
    /// Takes what has come in for its subscriptions.
    pub(super) fn take_signals(&mut self, signals: HeldSignals) {
        for (slot, signal) in signals {
            let Some(subscription) = self.subscriptions.get(&slot) else { continue };
            let from = &signal.saying.from;
            // Nobody is told what they say themselves, nor of what a message has ended that they have been given.
            if self.connection.user().is_some_and(|user| **user == *from)
                || (signal.until.is_some() && subscription.has_passed_message_of(from, signal.heard_to))
            {
                continue;
            }
            // What does not pass by itself is to be asked for.
            if self.signals.hold(slot, signal).is_some_and(|dropped| dropped.until.is_none()) {
                self.hints_were_lost();
            }
        }
    }

    /// Tells what may be told now, as far as there is room.
    pub(super) fn release_signals(&mut self, frame: &mut Frame) {
        if self.signals.is_empty() {
            return;
        }
        let (format, subscriptions) = (self.format(), &self.subscriptions);
        let at = |slot| subscriptions.get(&slot).map(|subscription| subscription.at());
        self.signals.release(Instant::now(), at, |signal| {
            let has_room = frame.has_room();
            if has_room {
                frame.add(push::of_hint(&signal.push, format).clone());
            }
            has_room
        });
    }
}
