//! Signals of rooms, on their way to one client. A signal is told to who has read the log as far as it had come when the signal was
//! said: so it overtakes no entry, and who was removed before hears nothing of it, wherever the removal has been heard of.

use super::{Client, Transport};
use crate::gateway::outbox::Frame;
use hubbub_core::{
    limits,
    live::{item::Item, signal::RoomSignal},
    wire::push,
};
use std::{collections::VecDeque, sync::Arc, time::Instant};

/// Signals that wait until their readers have come as far, by subscription.
pub(super) type Held = VecDeque<(u32, Arc<RoomSignal>)>;

impl<T: Transport> Client<T> {
    /// Takes what has come in for its subscriptions.
    pub(super) fn take_signals(&mut self, signals: Held) {
        for (slot, signal) in signals {
            let Some(subscription) = self.subscriptions.get(&slot) else { continue };
            // Nobody is told what they say themselves.
            if self.connection.user().is_some_and(|user| **user == signal.saying.from) {
                continue;
            }
            match subscription.at() >= signal.saying.at {
                true if self.outbox.is_full() => self.lose_signal(&signal),
                true => self.outbox.push(push::of_hint(&signal.push, self.format()).clone()),
                false => self.hold_signal(slot, signal),
            }
        }
    }

    fn hold_signal(&mut self, slot: u32, signal: Arc<RoomSignal>) {
        if let Some(at) = self.signals.iter().position(|(_, earlier)| earlier.is_replaced_by(&signal)) {
            self.signals.remove(at);
        } else if self.signals.len() == limits::SIGNALS_WAITING
            && let Some((_, dropped)) = self.signals.pop_front()
        {
            self.lose_signal(&dropped);
        }
        self.signals.push_back((slot, signal));
    }

    /// What does not pass by itself is to be asked for.
    fn lose_signal(&mut self, signal: &RoomSignal) {
        if signal.until.is_none() {
            self.hints_were_lost();
        }
    }

    /// A subscription has gone on over these entries, or has ended: tells what has waited for it behind them.
    pub(super) fn release_signals(&mut self, slot: u32, items: &[Arc<Item>], frame: &mut Frame) {
        if self.signals.is_empty() {
            return;
        }
        let (now, format) = (Instant::now(), self.format());
        let subscriptions = &self.subscriptions;
        let at = subscriptions.get(&slot).map(|subscription| subscription.at());
        self.signals.retain(|(of, signal)| {
            let saying = &signal.saying;
            // A message ends what its author was about to say.
            let has_spoken = || items.iter().any(|item| item.seq > saying.at && item.is_message_of(&saying.from));
            if *of != slot {
                return !signal.is_over(now) && subscriptions.contains_key(of);
            }
            let Some(at) = at.filter(|_| !signal.is_over(now)) else { return false };
            if at < saying.at {
                return true;
            }
            if signal.until.is_none() || !has_spoken() {
                frame.add(push::of_hint(&signal.push, format).clone());
            }
            false
        });
    }
}
