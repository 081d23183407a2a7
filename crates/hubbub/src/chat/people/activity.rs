//! Whoever asks for it is told that something has happened in any of their rooms, without following one: the shell around
//! [`hubbub_core::people::watch`].
//!
//! Rooms of users are read when they come, and again when something of the bus was lost; members of a room are read again where a
//! number is missing. Otherwise it lives on what wakes say.

mod held_back;

use crate::{
    chat::live::inbox::{Inbox, Told, ToldPush},
    log::Summary,
    metrics::Metrics,
    store::{Store, StoreError},
};
use hubbub_core::{
    limits,
    log::{
        encoded::EncodedEntry,
        kinds::{Kind, Message},
    },
    model::{
        ids::{RoomId, UserId},
        json::Json,
        seq::{Epoch, Seq},
    },
    people::watch::{Asked, EntryNews, HeadOf, News, Telling, UserNo, Watch},
};
use rand::seq::SliceRandom;
use serde::Deserialize;
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    sync::{Notify, Semaphore},
    time::sleep_until,
};

/// How soon something that could not be read is read again.
const AGAIN: Duration = Duration::from_millis(500);

static FAILED: Summary = Summary::new("rooms could not be read for hints of activity");

/// See the module.
pub struct Activity {
    state: Mutex<State>,
    /// Connections that are told.
    devices: AtomicUsize,
    /// There is something to be told or read.
    work: Notify,
    /// Something was lost.
    lost: Notify,
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct State {
    watch: Watch,
    devices: HashMap<UserNo, Vec<Device>>,
    /// Whose rooms are to be read, in turn.
    wanted: VecDeque<UserId>,
    /// The same, and those whose rooms are being read. True: once more.
    loading: HashMap<UserId, bool>,
    /// Rooms and users are read by turns.
    users_first: bool,
}

struct Device {
    inbox: Arc<Inbox>,
    /// It was told that it is told.
    knows: bool,
}

impl Device {
    /// From here on it is told of whatever happens.
    fn is_watching(&self) {
        let body = Arc::new(Json::trusted(r#"{"type":"watching"}"#.to_owned()));
        self.inbox.hint(Told { push: ToldPush::Said(body), of: None, admits: false });
    }
}

impl State {
    /// The rooms of a user are to be read.
    fn want(&mut self, user: &UserId) {
        match self.loading.get_mut(user) {
            Some(again) => *again = true,
            None => {
                self.loading.insert(user.clone(), false);
                self.wanted.push_back(user.clone());
            }
        }
    }
}

impl Activity {
    /// Nobody is told, yet. Must be called within a runtime.
    pub fn start(store: Arc<dyn Store>, metrics: Arc<Metrics>) -> Arc<Self> {
        let activity = Self {
            state: Mutex::default(),
            devices: AtomicUsize::new(0),
            work: Notify::new(),
            lost: Notify::new(),
            store,
            metrics,
        };
        let activity = Arc::new(activity);
        tokio::spawn(Self::tell(Arc::downgrade(&activity)));
        tokio::spawn(Self::ask_again(Arc::downgrade(&activity)));
        activity
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A device wants to be told.
    pub fn enter(&self, user: &UserId, inbox: &Arc<Inbox>) {
        self.devices.fetch_add(1, Ordering::Relaxed);
        let mut state = self.state();
        let is_loaded = state.watch.user(user).is_some() && !state.loading.contains_key(user);
        let no = state.watch.enter(user);
        let device = Device { inbox: inbox.clone(), knows: is_loaded };
        if is_loaded {
            device.is_watching();
        } else {
            state.want(user);
        }
        state.devices.entry(no).or_default().push(device);
        self.metrics.watching.inc();
        drop(state);
        self.work.notify_one();
    }

    /// It has gone.
    pub fn leave(&self, user: &UserId, inbox: &Arc<Inbox>) {
        let mut state = self.state();
        let Some(no) = state.watch.user(user) else { return };
        let Some(devices) = state.devices.get_mut(&no) else { return };
        let before = devices.len();
        devices.retain(|device| !Arc::ptr_eq(&device.inbox, inbox));
        let gone = before - devices.len();
        if devices.is_empty() {
            state.devices.remove(&no);
            state.watch.leave(user);
        }
        self.devices.fetch_sub(gone, Ordering::Relaxed);
        self.metrics.watching.dec_by(gone as i64);
    }

    /// An entry was written: here, or as others say.
    pub fn hear_entry(&self, epoch: Epoch, entry: &EncodedEntry) {
        if self.devices.load(Ordering::Relaxed) == 0 {
            return;
        }
        let (admitted, removed) = (entry.effects.admitted(), entry.effects.removed());
        let mut named = Named::default();
        let is_watched = self.state().watch.has(&entry.room);
        if is_watched {
            // Read while nobody waits for it.
            named = Named::of(&entry.json);
        } else if admitted.is_none() && removed.is_none() {
            return;
        }
        let Named { author, users, all } = &named;
        let news = EntryNews { admitted, removed, author: author.as_ref(), mentions: users, mentions_all: *all };
        self.hear(&mut self.state(), News { room: &entry.room, head: (epoch, entry.seq), entry: Some(news) });
    }

    /// A log reaches this far.
    pub fn hear_head(&self, room: &RoomId, epoch: Epoch, seq: Seq) {
        if self.devices.load(Ordering::Relaxed) > 0 {
            self.hear(&mut self.state(), News { room, head: (epoch, seq), entry: None });
        }
    }

    fn hear(&self, state: &mut State, news: News<'_>) {
        let before = (state.watch.next_telling(), state.watch.next_reading());
        state.watch.hear(news, Instant::now());
        if (state.watch.next_telling(), state.watch.next_reading()) != before {
            self.work.notify_one();
        }
    }

    /// Something that others have said was lost: who is in which rooms is read again, and then everybody is told.
    pub fn may_have_missed(&self) {
        self.lost.notify_one();
    }

    fn want_all(&self) {
        let mut all: Vec<UserId> = self.state().watch.users().cloned().collect();
        all.shuffle(&mut rand::rng());
        for some in all.chunks(limits::ACTIVITY_AT_ONCE) {
            let mut state = self.state();
            some.iter().for_each(|user| state.want(user));
        }
    }

    /// Has everybody's rooms read again after a loss, in an order that means nothing, as long as there is anybody to tell.
    async fn ask_again(activity: Weak<Self>) {
        loop {
            let Some(activity) = activity.upgrade() else { return };
            // Nobody is held by waiting.
            if tokio::time::timeout(limits::MISSED_EVERY, activity.lost.notified()).await.is_err() {
                continue;
            }
            activity.want_all();
            activity.work.notify_one();
            drop(activity);
            tokio::time::sleep(limits::MISSED_EVERY).await;
        }
    }

    /// Tells what is due, and reads what has to be read, as long as there is anybody to tell.
    async fn tell(activity: Weak<Self>) {
        let turns = Arc::new(Semaphore::new(limits::ACTIVITY_READS));
        loop {
            let Some(activity) = activity.upgrade() else { return };
            activity.tell_due().await;
            activity.read_due(&turns);
            let at_last = Instant::now() + limits::MISSED_EVERY;
            let (telling, reading) = {
                let state = activity.state();
                (state.watch.next_telling(), state.watch.next_reading().filter(|_| turns.available_permits() > 0))
            };
            let until = [telling, reading].into_iter().flatten().fold(at_last, Instant::min);
            tokio::select! {
                () = activity.work.notified() => {}
                () = sleep_until(until.into()) => {}
            }
        }
    }

    /// Tells the members of all rooms that are due, some at a time.
    async fn tell_due(&self) {
        loop {
            let Some(mut telling) = self.state().watch.begin_telling(Instant::now()) else { return };
            let news = said(&telling.room, "activity", "head", telling.head);
            let held_back = self.held_back(&telling).await;
            let mut mentions = HashMap::new();
            while self.tell_some(&mut telling, &news, &mut mentions, held_back.as_ref()) {
                // A room may have ten thousand members.
                tokio::task::yield_now().await;
            }
            self.metrics.activity.inc();
        }
    }

    /// Tells the next of them. False: there are no more. Who is removed meanwhile is not among the next.
    fn tell_some(
        &self,
        telling: &mut Telling,
        news: &Told,
        mentions: &mut HashMap<Seq, Told>,
        held_back: Option<&HashSet<(Seq, UserNo)>>,
    ) -> bool {
        let mut state = self.state();
        let State { watch, devices, .. } = &mut *state;
        let members = watch.next_members(telling, limits::ACTIVITY_AT_ONCE);
        for member in &members {
            let room = &telling.room;
            let mention = telling
                .mention(*member)
                .filter(|seq| held_back.is_some_and(|held| !held.contains(&(*seq, *member))))
                .map(|seq| &*mentions.entry(seq).or_insert_with(|| said(room, "mention", "seq", seq)));
            for device in devices.get(member).into_iter().flatten().filter(|device| device.knows) {
                for told in mention.into_iter().chain([news]) {
                    device.inbox.hint(told.clone());
                }
            }
        }
        !members.is_empty()
    }

    /// Begins to read whatever is due, as far as there are turns.
    fn read_due(self: &Arc<Self>, turns: &Arc<Semaphore>) {
        while let Ok(turn) = turns.clone().try_acquire_owned() {
            let next = {
                let mut state = self.state();
                state.users_first = !state.users_first;
                let user = if state.users_first { state.next_wanted() } else { None };
                let asked = if user.is_none() { state.watch.begin_read(Instant::now()) } else { None };
                match (user, asked) {
                    (Some(user), _) => Some(Reading::Rooms(user)),
                    (None, Some(asked)) => Some(Reading::Members(asked)),
                    (None, None) => state.next_wanted().map(Reading::Rooms),
                }
            };
            let Some(reading) = next else { return };
            let activity = self.clone();
            tokio::spawn(async move {
                match reading {
                    Reading::Members(asked) => activity.read_members(&asked).await,
                    Reading::Rooms(user) => activity.read_rooms(&user).await,
                }
                drop(turn);
                activity.work.notify_one();
            });
        }
    }

    async fn read_members(&self, asked: &Asked) {
        let found = self.members_of(&asked.room).await;
        let mut state = self.state();
        let now = Instant::now();
        match found {
            Ok(found) => {
                let found = found.as_ref().map(|(head, members)| (*head, &members[..]));
                state.watch.read(asked, found, now);
            }
            Err(error) => {
                FAILED.note(|| error.to_string());
                state.watch.read_failed(asked, now + AGAIN);
            }
        }
        self.metrics.activity_reads.inc();
    }

    async fn members_of(&self, room: &RoomId) -> Result<Option<(HeadOf, Vec<UserId>)>, StoreError> {
        let mut all: Vec<UserId> = Vec::new();
        let mut first: Option<HeadOf> = None;
        loop {
            let page = self.store.member_ids(room, all.last(), limits::ACTIVITY_PAGE).await?;
            let Some((head, members)) = page else { return Ok(None) };
            // What has happened since the first page was read is heard of.
            let head = *first.get_or_insert((head.epoch, head.seq));
            let is_last = members.len() < limits::ACTIVITY_PAGE;
            all.extend(members);
            if is_last {
                return Ok(Some((head, all)));
            }
        }
    }

    async fn read_rooms(&self, user: &UserId) {
        let found = self.rooms_of(user).await;
        self.metrics.activity_reads.inc();
        if let Err(error) = &found {
            FAILED.note(|| error.to_string());
            tokio::time::sleep(AGAIN).await;
        }
        self.take_rooms(user, found.ok());
    }

    /// Takes in what was read. `None`: it could not be.
    fn take_rooms(&self, user: &UserId, rooms: Option<Vec<(RoomId, HeadOf)>>) {
        let mut state = self.state();
        let again = state.loading.remove(user) == Some(true);
        let is_loaded = rooms.is_some_and(|rooms| state.watch.loaded(user, &rooms, Instant::now()));
        if !is_loaded {
            // It failed, or they have gone, or gone and come again.
            if state.watch.user(user).is_some() {
                state.want(user);
            }
            return;
        }
        if again {
            return state.want(user);
        }
        let Some(no) = state.watch.user(user) else { return };
        for device in state.devices.get_mut(&no).into_iter().flatten() {
            if std::mem::replace(&mut device.knows, true) {
                device.inbox.miss();
            } else {
                device.is_watching();
            }
        }
    }

    async fn rooms_of(&self, user: &UserId) -> Result<Vec<(RoomId, HeadOf)>, StoreError> {
        let mut all: Vec<(RoomId, HeadOf)> = Vec::new();
        loop {
            let after = all.last().map(|(room, _)| room.clone());
            let page = self.store.memberships(user, after.as_ref(), limits::ACTIVITY_PAGE).await?;
            let is_last = page.len() < limits::ACTIVITY_PAGE;
            all.extend(page.into_iter().map(|(room, head)| (room, (head.epoch, head.seq))));
            if is_last {
                return Ok(all);
            }
        }
    }
}

impl State {
    /// The next whose rooms are to be read: who has gone is passed over.
    fn next_wanted(&mut self) -> Option<UserId> {
        while let Some(user) = self.wanted.pop_front() {
            if self.watch.user(&user).is_some() {
                self.watch.begin_load(&user);
                self.loading.insert(user.clone(), false);
                return Some(user);
            }
            self.loading.remove(&user);
        }
        None
    }
}

/// What all members are told of a room.
fn said(room: &RoomId, kind: &str, name: &str, seq: Seq) -> Told {
    let body = format!(r#"{{"type":"{kind}","room":"{room}","{name}":{}}}"#, seq.get());
    let of = Some((room.clone(), seq));
    Told { push: ToldPush::Said(Arc::new(Json::trusted(body))), of, admits: false }
}

enum Reading {
    Members(Asked),
    Rooms(UserId),
}

/// Who is named in a message.
#[derive(Debug, Default)]
struct Named {
    author: Option<UserId>,
    users: Vec<UserId>,
    all: bool,
}

impl Named {
    /// Most entries name nobody, and are not read.
    fn of(json: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Said<'a> {
            #[serde(rename = "type", borrow)]
            word: Cow<'a, str>,
            #[serde(borrow)]
            from: Cow<'a, str>,
            #[serde(borrow, default)]
            mentions: HashSet<Cow<'a, str>>,
            #[serde(default)]
            mention_all: bool,
        }
        let text = std::str::from_utf8(json).unwrap_or_default();
        if !text.contains(r#""mention"#) {
            return Self::default();
        }
        match serde_json::from_str::<Said<'_>>(text) {
            Ok(said) if Message::WORDS.contains(&&*said.word) => {
                let users = said.mentions.iter().filter_map(|user| UserId::parse(user).ok()).collect();
                Self { author: UserId::parse(&said.from).ok(), users, all: said.mention_all }
            }
            _ => Self::default(),
        }
    }
}
