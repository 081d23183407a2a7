//! Telling, and being told. What is committed here goes into the own feeds by the same call that takes in what others
//! announce; then it is numbered and published, and whether that arrives matters to nothing but latency.

use crate::{
    bus::{Bus, BusEvent, Health},
    chat::{
        instances::Living,
        intake::{Intake, Received},
        live::{feeds::Feeds, sweep::Sweep},
        people::{People, activity::Activity, online::Online, typing::Typing},
        presence::Presence,
        revoked::Revoked,
        spent::SpentTokens,
        streams::{Handed, Streams},
    },
    metrics::Metrics,
    spans,
    store::Head,
};
use bytes::{BufMut, Bytes, BytesMut};
use hubbub_core::{
    limits,
    live::{
        lane::{FirstLine, Noticed, Says, Tally},
        receipt::{Became, PassedOn, Receipt},
        signal::{Audience, Signal},
        wake::Wake,
    },
    log::{
        encoded::EncodedEntry,
        entry::{Entry, Place},
    },
    model::{ids::RoomId, seq::Epoch},
    wire::push::Hint,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval, sleep_until},
};
use uuid::Uuid;

/// How often it is looked whether somebody has fallen silent.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Whom wakes are for.
pub struct Hearers {
    /// Readers of rooms.
    pub feeds: Arc<Feeds>,
    /// Devices of users.
    pub people: Arc<People>,
    /// Who types.
    pub typing: Arc<Typing>,
    /// Members of rooms that they need not follow.
    pub activity: Arc<Activity>,
    /// Who is connected.
    pub online: Arc<Online>,
    /// Connections whose commands come apart.
    pub streams: Arc<Streams>,
    /// Who is there.
    pub presence: Arc<Presence>,
    /// What may be taken in.
    pub intake: Intake,
    /// Tokens that are not taken again.
    pub spent: Arc<SpentTokens>,
    /// Users whose tokens are not taken any more.
    pub revoked: Arc<Revoked>,
}

impl Hearers {
    /// Something that others have said was lost: there may have been hints in it, for anybody.
    fn may_have_missed(&self) {
        self.people.may_have_missed();
        self.activity.may_have_missed();
    }
}

/// See the module.
pub struct Announcer {
    hearers: Hearers,
    bus: Arc<dyn Bus>,
    metrics: Arc<Metrics>,
    /// Names this life of this instance; the first word of each payload, by which it knows its own again.
    boot: Uuid,
    /// The same as text.
    life: String,
    /// Whether there are other instances to tell.
    has_others: bool,
    /// How many payloads there have been on each lane, whether or not they could be published. Each is locked while one is
    /// put on the bus, so that their order is that of their numbers.
    said: Vec<Mutex<u64>>,
}

impl Announcer {
    /// Announces into these feeds and on this bus.
    pub fn new(boot: Uuid, hearers: Hearers, bus: Arc<dyn Bus>, metrics: Arc<Metrics>) -> Self {
        let said = (0..limits::LANES).map(|_| Mutex::default()).collect();
        let has_others = *bus.health().borrow() != Health::Alone;
        Self { hearers, bus, metrics, boot, life: boot.to_string(), has_others, said }
    }

    /// Names this life of this instance.
    pub const fn boot(&self) -> Uuid {
        self.boot
    }

    /// The same as text.
    pub fn life(&self) -> &str {
        &self.life
    }

    /// Tells everybody, in order.
    pub fn announce(&self, wakes: &[Wake]) {
        wakes.iter().for_each(|wake| self.take(wake));
        self.publish(wakes);
    }

    /// Of a deletion that was committed before, by another instance or in an attempt whose answer was lost: nobody here is given any
    /// more what it has blanked. `place`: where it is; without it somebody else's deletion came first.
    pub fn hear_of_deletion(&self, room: &RoomId, place: Option<Place>) {
        match place {
            Some(Place { epoch, seq, .. }) => self.hearers.feeds.hear_of_deletion(room, epoch, seq),
            None => self.hearers.feeds.hear_of_gone(room),
        }
    }

    /// An entry was committed: what its author was typing is there.
    pub fn hear_written(&self, entry: &Entry) {
        self.hearers.typing.hear(entry);
    }

    /// A room was deleted, and this is what is left of it. Others ask the store what has become of it.
    pub fn announce_deleted_room(&self, room: &RoomId, left: Head) {
        self.hearers.feeds.hear_of_deleted_room(room);
        self.announce(&[Wake::Head { room: room.clone(), epoch: left.epoch, seq: left.seq }]);
    }

    /// Tells everybody of entries that were committed, in order. Each is encoded here, once.
    pub fn announce_entries(&self, epoch: Epoch, entries: &[Entry]) {
        let wake = |entry| Wake::Entry { epoch, entry: EncodedEntry::new(entry) };
        self.announce(&entries.iter().map(wake).collect::<Vec<_>>());
    }

    /// Tells the other instances.
    pub fn publish(&self, wakes: &[Wake]) {
        if !self.has_others {
            return;
        }
        let mut lanes: BTreeMap<u16, BytesMut> = BTreeMap::new();
        for wake in wakes {
            let lines = lanes.entry(wake.lane(limits::LANES)).or_default();
            lines.put_u8(b'\n');
            wake.write(lines);
        }
        let _span = spans::publish(lanes.len()).entered();
        for (lane, lines) in lanes {
            let mut said = self.said(lane);
            *said += 1;
            let mut payload = BytesMut::from(FirstLine::number(&self.life, lane, *said).as_bytes());
            payload.unsplit(lines);
            self.bus.publish(lane, payload.freeze());
        }
    }

    fn said(&self, lane: u16) -> MutexGuard<'_, u64> {
        self.said[usize::from(lane)].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says how far the numbers have come, once a second and soon after something was announced, behind whatever that was.
    /// Nobody is told on a bus without others.
    pub async fn beat(self: Arc<Self>) {
        if !self.has_others {
            return;
        }
        let mut turns = interval(limits::BEAT_AFTER);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut last, mut at) = (String::new(), Instant::now());
        loop {
            turns.tick().await;
            let line = FirstLine::beat(&self.life, (0..limits::LANES).map(|lane| (lane, *self.said(lane))));
            if line != last || at.elapsed() >= limits::BEAT_EVERY {
                self.bus.publish(0, line.clone().into());
                (last, at) = (line, Instant::now());
            }
        }
    }

    /// Says that nothing more will be said. Others need not ask themselves then what this instance has not said.
    pub fn end(&self) {
        if self.has_others {
            let line = FirstLine::end(&self.life, (0..limits::LANES).map(|lane| (lane, *self.said(lane))));
            self.bus.publish(0, line.into());
        }
    }

    fn take(&self, wake: &Wake) {
        let Hearers { feeds, people, activity, online, streams, presence, spent, .. } = &self.hearers;
        match wake {
            Wake::Entry { epoch, entry } => {
                // First: who was removed is told nothing more once they were told that.
                activity.hear_entry(*epoch, entry);
                people.hear(entry);
                feeds.hear_entry(*epoch, entry);
            }
            Wake::Head { room, epoch, seq } => {
                activity.hear_head(room, *epoch, *seq);
                feeds.hear_head(room, *epoch, *seq);
            }
            Wake::Notify { user, event } => people.hint(user, &Hint::Event(event)),
            Wake::Forwarding { customer, forwarding } => people.hint(customer, &Hint::Forwarding(forwarding)),
            Wake::Disconnect { user, farewell } => people.say_farewell(user, farewell),
            Wake::Revoked(_) => self.hearers.revoked.look(),
            Wake::Spent(token) => spent.add(*token, Instant::now()),
            Wake::Commands(passed_on) => self.take_commands(passed_on),
            Wake::Receipt(receipt) if receipt.to == self.boot => streams.receive(*receipt),
            Wake::Receipt(_) => {}
            Wake::EndStream(stream) => streams.lose(*stream),
            Wake::Who(who) => presence.hear(who),
            Wake::Here(here) => presence.take(here),
            Wake::WhoIsOnline(question) => self.publish(online.hear(question).as_slice()),
            Wake::AreOnline(answer) => online.take(answer),
            Wake::Signal(Signal { audience: Audience::Room(saying), body }) => feeds.hear_signal(saying, body),
            Wake::Signal(Signal { audience: Audience::User(user), body }) => {
                people.hint(user, &Hint::Signal(body.as_str()));
            }
            Wake::Signal(Signal { audience: Audience::Member(room, user), .. }) => {
                people.hint(user, &Hint::Deleted(room));
            }
        }
    }

    /// Commands for a stream, which may be here.
    fn take_commands(&self, passed_on: &PassedOn) {
        let PassedOn { stream, nonce, frame, receipt } = passed_on;
        let Hearers { streams, intake, .. } = &self.hearers;
        let handed = match intake.try_share(streams.holder(*stream), frame.len()) {
            Some(share) => streams.hand_over(*stream, *nonce, Received { frame: frame.clone(), share }),
            None if streams.has(*stream) => {
                streams.lose(*stream);
                Handed::Lost
            }
            None => Handed::NotHere,
        };
        let is_ours = receipt.is_some_and(|wanted| wanted.owner == self.boot);
        let became = match handed {
            Handed::Over => Became::Taken,
            Handed::Lost => {
                self.metrics.commands_dropped.inc();
                Became::Refused
            }
            Handed::NotHere if is_ours => Became::Gone,
            Handed::NotHere => return,
        };
        if let Some(wanted) = receipt {
            self.publish(&[Wake::Receipt(Receipt { to: wanted.from, nonce: *nonce, became })]);
        }
    }

    /// Takes in what the bus brings, until it ends, and counts what it does not bring.
    pub async fn listen(
        self: Arc<Self>,
        mut events: mpsc::Receiver<BusEvent>,
        sweep: Sweep,
        mut living: watch::Receiver<Living>,
    ) {
        let metrics = &self.metrics;
        let (mut tally, mut openings) = (Tally::default(), None);
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let due = tally.due();
            tokio::select! {
                event = events.recv() => match event {
                    Some(BusEvent::Heard(payload)) => self.hear(&payload, &mut tally),
                    Some(BusEvent::Lost) => {
                        metrics.bus_lost.inc();
                        self.hearers.may_have_missed();
                        sweep.now();
                    }
                    None => return,
                },
                () = sleep_until(due.unwrap_or_else(Instant::now).into()), if due.is_some() => {}
                _ = looks.tick() => {
                    self.look(&mut tally, &mut living, &sweep);
                    self.look_for_imports(&mut openings, living.borrow().openings);
                }
            }
            if due.is_some() {
                for (lane, noticed) in tally.lost(Instant::now()) {
                    match noticed {
                        Noticed::Gap => metrics.lost_by_gap.inc(),
                        Noticed::Beat => metrics.lost_by_beat.inc(),
                        Noticed::First => metrics.lost_first.inc(),
                    };
                    sweep.lane(lane);
                    self.hearers.may_have_missed();
                }
            }
        }
    }

    fn hear(&self, payload: &Bytes, tally: &mut Tally) {
        let metrics = &self.metrics;
        let mut lines = payload.split(|byte| *byte == b'\n').map(|line| payload.slice_ref(line));
        let first = lines.next().unwrap_or_default();
        let first = FirstLine::parse(str::from_utf8(&first).unwrap_or_default());
        if first.boot == self.life {
            return;
        }
        if let Ok(boot) = Uuid::try_parse(first.boot) {
            // One that numbers nothing is of a version that keeps no lease.
            if first.says != Says::Nothing {
                self.hearers.presence.meet(&boot);
            }
            match first.says {
                Says::Nothing => {}
                Says::Number(lane, number) => tally.hear(boot, lane, number, Instant::now()),
                Says::Beat(said) => tally.beat(boot, &said, Instant::now()),
                Says::End(said) => tally.end(boot, &said, Instant::now()),
            }
        }
        for line in lines {
            match Wake::decode(&line) {
                Some(wake) => {
                    metrics.wakes.inc();
                    self.take(&wake);
                }
                None => {
                    metrics.strange_wakes.inc();
                }
            }
        }
    }

    /// Rooms that were imported are opened without a wake: to their members it is as if one had been lost.
    fn look_for_imports(&self, known: &mut Option<u64>, now: Option<u64>) {
        let Some(now) = now else { return };
        if known.replace(now).is_some_and(|known| known != now) {
            tracing::info!("imported rooms were opened; clients are told to ask for their rooms again");
            self.hearers.may_have_missed();
        }
    }

    /// Whether everybody who lives is heard: else heads are polled. What somebody has not said who died or was not heard, is not
    /// known to be missing.
    fn look(&self, tally: &mut Tally, living: &mut watch::Receiver<Living>, sweep: &Sweep) {
        let now = Instant::now();
        let mut may_have_missed = false;
        if living.has_changed().unwrap_or_default() {
            let living = living.borrow_and_update().clone();
            may_have_missed = tally.live(living.others(), now);
        }
        let silent = tally.silent(now);
        let before = self.metrics.silent.set(silent as i64);
        if may_have_missed || (silent as i64) < before {
            self.hearers.may_have_missed();
        }
        if (silent > 0) != (before > 0) {
            match silent {
                0 => tracing::info!(
                    "no instance is missing on the bus any more: the others are heard, or their leases have ended"
                ),
                _ => tracing::warn!(
                    silent,
                    "instances with a lease are not heard on the bus; the store is asked for news meanwhile. One that was killed counts until its lease ends, within {:?}",
                    limits::LEASE
                ),
            }
            sweep.silence(silent > 0);
        }
    }
}
