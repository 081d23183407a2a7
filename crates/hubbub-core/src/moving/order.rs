//! The lines of a file in their order: what each of them is to become.

use super::line::{EntryLine, Line, RoomLine, UserLine};
use crate::{
    limits::{IMPORT_KEYS, IMPORT_LINE_BYTES},
    log::{content::Content, encoded::encode, entry::Entry, kinds::What},
    model::{
        access::RoomKind,
        ids::{Invalid, Key, RoomId, UserId},
        seq::Seq,
        time::Timestamp,
    },
};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
};
use uuid::Uuid;

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1.
    pub line: u64,
    /// What, for people: begins with the member.
    pub problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

/// What a line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it is empty.
    Nothing,
    /// A room, which is closed until the end.
    Room(RoomLine),
    /// What is kept of a user.
    User(UserLine),
    /// An entry.
    Entry(Ordered),
}

/// An entry with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ordered {
    /// The line, from 1.
    pub line: u64,
    /// The number it will have in its room.
    pub seq: Seq,
    /// Its id: the line's own, or one made of the time and of what makes it happen once.
    pub id: Uuid,
    /// What makes it happen once: the line's own, or one made of its content.
    pub key: Key,
    /// The line.
    pub entry: EntryLine,
}

/// What is known of the lines so far: of each room so much, of an entry a bit and, of the first ones, a hash of its key.
#[derive(Debug)]
pub struct Order {
    now: Timestamp,
    lines: u64,
    /// Lines that could not be read: their numbers are missed further on, which is no fault of its own.
    unread: u64,
    /// Whether all could be read.
    is_whole: bool,
    rooms: HashMap<RoomId, Place>,
    /// Hashes of the keys that lines have, each of its room and author: the first of them, so many that two are one by chance in less
    /// than one file of a million. The store knows the rest.
    keys: HashSet<u64>,
}

/// Where a room's lines stand.
#[derive(Debug)]
struct Place {
    /// The line of the room itself.
    line: u64,
    is_session: bool,
    last: Seq,
    at: Timestamp,
    /// Of a direct room: who is to join yet.
    awaited: Option<Awaited>,
    /// The first line without content of each message that is not deleted yet, be it the message's own or that of an edit of it.
    gone: HashMap<Seq, u64>,
    /// Entries without a key at the time of the last, by the key made of their content, and how often each came. Entries that are
    /// alike have the same time, and nothing comes between those of another time.
    alike: HashMap<[u8; 16], u32>,
    /// A bit for each entry: whether it is known to be no message, so that nobody answers, edits or reacts to it.
    others: Vec<u64>,
}

/// Whose lines `joined` a direct room needs still: who is not a member reads nothing there, and nobody can be added later.
#[derive(Debug)]
enum Awaited {
    /// These people's.
    These(BTreeSet<UserId>),
    /// Anybody's: its people are not known.
    Anybody,
}

impl Awaited {
    /// What an entry leaves of it.
    fn after(self, what: &What) -> Option<Self> {
        match (self, what) {
            (Self::Anybody, What::Joined(_)) => None,
            (Self::These(mut people), What::Joined(joined)) => {
                people.remove(&joined.user);
                (!people.is_empty()).then_some(Self::These(people))
            }
            (awaited, _) => Some(awaited),
        }
    }

    fn problem(&self, room: &RoomId) -> String {
        let who = match self {
            Self::Anybody => "nobody has".to_owned(),
            Self::These(people) => {
                let names: Vec<&str> = people.iter().map(UserId::as_str).collect();
                format!("{} {}", names.join(", "), if names.len() == 1 { "has" } else { "have" })
            }
        };
        let not = if matches!(self, Self::Anybody) { "" } else { "not " };
        format!("direct: {who} {not}joined {room}; a direct room needs a line `joined` for each of its people")
    }
}

impl Order {
    /// Before the first line. `now`: nothing may have happened later, for people write on from here.
    pub fn new(now: Timestamp) -> Self {
        Self { now, lines: 0, unread: 0, is_whole: true, rooms: HashMap::new(), keys: HashSet::new() }
    }

    /// How many lines there were.
    pub const fn lines(&self) -> u64 {
        self.lines
    }

    /// How many rooms there were.
    pub fn rooms(&self) -> usize {
        self.rooms.len()
    }

    /// Takes the next line.
    ///
    /// # Errors
    /// What is wrong with it. The lines behind it may be asked for all the same: to find all faults at once.
    pub fn take(&mut self, text: &str) -> Result<Step, Fault> {
        self.lines += 1;
        let line = self.lines;
        if text.len() <= IMPORT_LINE_BYTES && text.trim().is_empty() {
            return Ok(Step::Nothing);
        }
        let step = match Line::parse(text) {
            Ok(Line::User(user)) => Ok(Step::User(user)),
            Ok(Line::Room(room)) => self.room(line, room).map(Step::Room),
            Ok(Line::Entry(entry)) => self.entry(line, *entry).map(Step::Entry),
            Err(invalid) => {
                self.unread += 1;
                self.is_whole = false;
                Err(invalid)
            }
        };
        step.map_err(|invalid| Fault { line, problem: invalid.to_string() })
    }

    /// What is wrong with what there was, once all lines were taken: by line. Nothing where a line could not be read, which may be the
    /// one that is missing.
    pub fn end(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (room, place) in self.rooms.iter().filter(|_| self.is_whole) {
            if let Some(awaited) = &place.awaited {
                faults.push(Fault { line: place.line, problem: awaited.problem(room) });
            }
            for (message, line) in &place.gone {
                let problem = format!("gone: no line `deleted` behind it has the target {message}");
                faults.push(Fault { line: *line, problem });
            }
        }
        faults.sort_by(|a, b| (a.line, &a.problem).cmp(&(b.line, &b.problem)));
        faults
    }

    fn room(&mut self, line: u64, room: RoomLine) -> Result<RoomLine, Invalid> {
        if let Some(first) = self.rooms.get(&room.id) {
            return Err(Invalid::new("room", format!("{} stands in line {} already", room.id, first.line)));
        }
        if room.at.is_some_and(|at| at > self.now) {
            return Err(later("at", room.at.unwrap_or_default(), self.now));
        }
        let is_session = room.session.is_some();
        let awaited = (room.kind == RoomKind::Direct).then(|| match room.people.is_empty() {
            true => Awaited::Anybody,
            false => Awaited::These(room.people.clone()),
        });
        let place = Place {
            line,
            is_session,
            last: Seq::ZERO,
            at: Timestamp::default(),
            awaited,
            gone: HashMap::new(),
            alike: HashMap::new(),
            others: Vec::new(),
        };
        self.rooms.insert(room.id.clone(), place);
        Ok(room)
    }

    fn entry(&mut self, line: u64, entry: EntryLine) -> Result<Ordered, Invalid> {
        let place = self.rooms.get_mut(&entry.room).ok_or_else(|| {
            Invalid::new("room", format!("no line before this one says what kind of room {} is", entry.room))
        })?;
        let mut seq = place.last.next();
        let given = entry.seq.unwrap_or(seq);
        let missed = given.get().saturating_sub(seq.get());
        if missed <= self.unread {
            self.unread -= missed;
            seq = seq.max(given);
        }
        // Also where it is wrong: what is behind it is judged by its own numbers.
        place.last = given.max(seq);
        place.awaited = place.awaited.take().and_then(|awaited| awaited.after(&entry.what));
        place.note_gone(line, place.last, &entry.what);
        if given != seq {
            let problem =
                format!("{given}, and the next entry of {} is {seq}: lines are missing, or not in order", entry.room);
            return Err(Invalid::new("seq", problem));
        }
        // Behind a wrong number all numbers may be, and nothing is as long as those say.
        if seq.get() <= line {
            place.note_kind(seq, &entry.what);
        }
        if entry.at < place.at {
            let problem = format!("{} is before {} of the entry before it in {}", entry.at, place.at, entry.room);
            return Err(Invalid::new("at", problem));
        }
        if entry.at > self.now {
            return Err(later("at", entry.at, self.now));
        }
        if entry.from.portal().is_some() && !place.is_session {
            let problem =
                "the prefix portal: is reserved for agents of portals in support sessions, and this room is none";
            return Err(Invalid::new("from", problem));
        }
        if matches!(entry.what, What::State(_)) && !place.is_session {
            return Err(Invalid::new(
                "type",
                "only a support session is opened and closed; its room's line has session",
            ));
        }
        for (field, named) in references(&entry.what) {
            if named == Seq::ZERO || named >= seq {
                return Err(Invalid::new(field, format!("{named} is no entry before this one, which is {seq}")));
            }
            if place.is_other(named) {
                return Err(Invalid::new(field, format!("entry {named} of {} is no message", entry.room)));
            }
        }
        if entry.at > place.at {
            place.alike.clear();
            place.at = entry.at;
        }
        let key = match &entry.key {
            Some(key) => {
                let mut hash = DefaultHasher::new();
                (&entry.room, &entry.from, key).hash(&mut hash);
                let hash = hash.finish();
                if self.keys.contains(&hash) {
                    let problem =
                        format!("{key} is that of a line before this one, by {} in {}", entry.from, entry.room);
                    return Err(Invalid::new("key", problem));
                }
                if self.keys.len() < IMPORT_KEYS {
                    self.keys.insert(hash);
                }
                key.clone()
            }
            None => place.key_of(&entry)?,
        };
        let id = entry.id.unwrap_or_else(|| id_of(&entry.room, &entry.from, &key, entry.at));
        Ok(Ordered { line, seq, id, key, entry })
    }
}

/// In which word an entry's bit is, and the bit.
fn bit_of(seq: Seq) -> (usize, u64) {
    ((seq.get() / 64) as usize, 1 << (seq.get() % 64))
}

fn later(field: &'static str, at: Timestamp, now: Timestamp) -> Invalid {
    Invalid::new(field, format!("{at} is later than now, {now}"))
}

impl Place {
    /// What was missed is not known to be anything.
    fn note_kind(&mut self, seq: Seq, what: &What) {
        if matches!(what, What::Message(_)) {
            return;
        }
        let (word, bit) = bit_of(seq);
        if self.others.len() <= word {
            self.others.resize(word + 1, 0);
        }
        self.others[word] |= bit;
    }

    fn is_other(&self, seq: Seq) -> bool {
        let (word, bit) = bit_of(seq);
        self.others.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// Notes content that is gone until there is the deletion that took it.
    fn note_gone(&mut self, line: u64, seq: Seq, what: &What) {
        match what {
            What::Message(message) if message.content == Content::gone() => {
                self.gone.entry(seq).or_insert(line);
            }
            What::Edited(edited) if edited.content == Content::gone() => {
                self.gone.entry(edited.target).or_insert(line);
            }
            What::Deleted(deleted) => {
                self.gone.remove(&deleted.target);
            }
            _ => {}
        }
    }

    /// A key from content: the n-th entry that says the same at the same time has the same key each time the file is read.
    fn key_of(&mut self, entry: &EntryLine) -> Result<Key, Invalid> {
        let content = Entry {
            room: entry.room.clone(),
            seq: Seq::ZERO,
            id: Uuid::nil(),
            from: entry.from.clone(),
            at: entry.at,
            key: Key::parse("none")?,
            what: entry.what.clone(),
        };
        let mut digest = [0; 16];
        digest.copy_from_slice(&Sha256::digest(encode(&content))[..16]);
        let before = self.alike.entry(digest).or_default();
        let nth = std::mem::replace(before, *before + 1);
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Key::parse(&if nth == 0 { format!("import.{digest}") } else { format!("import.{digest}.{nth}") })
    }
}

/// An id of version 7 at the time of the entry, the same each time.
fn id_of(room: &RoomId, from: &UserId, key: &Key, at: Timestamp) -> Uuid {
    let mut hash = Sha256::new_with_prefix(b"id of an imported entry");
    for part in [room.as_str(), from.as_str(), key.as_str()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut rest = [0; 10];
    rest.copy_from_slice(&hash.finalize()[..10]);
    uuid::Builder::from_unix_timestamp_millis(at.0.unsigned_abs(), &rest).into_uuid()
}

/// The entries that an entry is about, and what they are named by.
fn references(what: &What) -> impl Iterator<Item = (&'static str, Seq)> {
    let named = match what {
        What::Message(message) => {
            [message.reply_to.map(|seq| ("reply_to", seq)), message.thread.map(|seq| ("thread", seq))]
        }
        What::Edited(edited) => [Some(("target", edited.target)), None],
        What::Deleted(deleted) => [Some(("target", deleted.target)), None],
        What::Reacted(reacted) => [Some(("target", reacted.target)), None],
        What::Pinned(pinned) => [Some(("target", pinned.target)), None],
        _ => [None, None],
    };
    named.into_iter().flatten()
}
