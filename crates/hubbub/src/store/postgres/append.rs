//! The group commit of messages: four statements, one write, one round trip.

use super::{
    super::{
        StoreError,
        columns::{self, number, seq},
    },
    PostgresStore,
};
use hubbub_core::{
    log::{
        entry::{Draft, Outcome, Place, Right},
        hash::BodyHash,
        kinds::{Message, What},
    },
    model::{
        access::{Refusal, Standing},
        ids::{Key, RoomId, UserId},
        json::Json,
        seq::{Epoch, Seq},
        time::Timestamp,
    },
};
use std::{
    collections::{BTreeSet, HashMap, hash_map},
    time::Instant,
};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

impl PostgresStore {
    pub(crate) async fn append_batch(&self, drafts: &[Draft]) -> Result<Vec<Outcome>, StoreError> {
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        if !self.long_way.is_for(drafts, Instant::now())
            && let Some(messages) = Messages::among(drafts)
            && let Some(outcomes) = self.append_messages(&messages).await?
        {
            return Ok(outcomes);
        }
        self.append_generally(drafts).await
    }

    /// `None`: nothing was written, and the drafts must be decided one after another.
    async fn append_messages(&self, messages: &Messages<'_>) -> Result<Option<Vec<Outcome>>, StoreError> {
        let lease = self.pool.get().await?;
        let (lock, number) =
            tokio::try_join!(lease.prepare_cached(&self.sql.lock), lease.prepare_cached(&self.sql.number_messages))?;
        let rooms: BTreeSet<&str> = messages.first.iter().map(|draft| draft.room.as_str()).collect();
        let rooms: Vec<&str> = rooms.into_iter().collect();
        let rows = messages.rows();
        // Polled together, they leave together. Each is followed by a Sync of its own: if one fails, those after it do too,
        // and COMMIT rolls back.
        let columns: [&(dyn ToSql + Sync); 8] =
            [&rows.rooms, &rows.authors, &rows.keys, &rows.ids, &rows.hashes, &rows.texts, &rows.data, &rows.replies];
        let (begun, locked, numbered, committed) = tokio::join!(
            biased;
            lease.batch_execute(lease.begin()),
            async { lease.query(&lock, &[&rooms]).await },
            lease.query(&number, &columns),
            lease.batch_execute("COMMIT"),
        );
        // The first error is the cause. Not to be reached without all four answers: see the lease.
        let done = begun.and(locked).and(numbered).and_then(|rows| committed.map(|()| rows));
        let rows = match done {
            Ok(rows) => rows,
            Err(error) => {
                let error = StoreError::from(error);
                if matches!(error, StoreError::Locked) {
                    lease.give_back();
                }
                return Err(error);
            }
        };
        lease.settle()?;
        if rows.iter().any(|row| row.get(11)) {
            self.due.notify_one();
        }
        for (row, draft) in rows.iter().zip(&messages.first) {
            match row.get(0) {
                "by settings" => self.long_way.note_room(&draft.room, Instant::now()),
                "by person" => self.long_way.note_person(&draft.room, &draft.from, Instant::now()),
                _ => {}
            }
        }
        messages.outcomes(&rows)
    }
}

/// A batch of messages in which each (room, author, key) is asked once.
struct Messages<'a> {
    drafts: &'a [Draft],
    /// The first draft of each key.
    first: Vec<&'a Draft>,
    /// For each draft, where in `first` its key is.
    of: Vec<usize>,
}

/// The drafts as arrays, one per column.
#[derive(Default)]
struct Arrays<'a> {
    rooms: Vec<&'a str>,
    authors: Vec<&'a str>,
    keys: Vec<&'a str>,
    ids: Vec<Uuid>,
    hashes: Vec<&'a [u8]>,
    texts: Vec<Option<&'a str>>,
    data: Vec<Option<&'a str>>,
    replies: Vec<Option<i64>>,
}

impl<'a> Messages<'a> {
    /// `None` if there is anything but messages of members, or what only deciding one after another can tell.
    fn among(drafts: &'a [Draft]) -> Option<Self> {
        let mut messages =
            Self { drafts, first: Vec::with_capacity(drafts.len()), of: Vec::with_capacity(drafts.len()) };
        let mut asked: HashMap<(&RoomId, &UserId, &Key), usize> = HashMap::with_capacity(drafts.len());
        for draft in drafts {
            let What::Message(message) = &draft.what else { return None };
            let is_plain = message.is_plain() && draft.not_yet.is_none();
            if !is_plain || draft.right == Right::Portal || draft.once.is_some() || draft.before.is_some() {
                return None;
            }
            match asked.entry((&draft.room, &draft.from, &draft.key)) {
                hash_map::Entry::Vacant(vacant) => {
                    messages.of.push(messages.first.len());
                    vacant.insert(messages.first.len());
                    messages.first.push(draft);
                }
                hash_map::Entry::Occupied(first) => {
                    // Two drafts of one key: if the first is refused, the second is judged for itself. Their senders stand
                    // alike, so the verdict is the same, unless one of them answers another entry.
                    let answers = |what: &What| matches!(what, What::Message(m) if m.reply_to.is_some());
                    if message.reply_to.is_some() || answers(&messages.first[*first.get()].what) {
                        return None;
                    }
                    messages.of.push(*first.get());
                }
            }
        }
        Some(messages)
    }

    fn rows(&self) -> Arrays<'a> {
        let mut arrays = Arrays::default();
        for draft in &self.first {
            arrays.rooms.push(draft.room.as_str());
            arrays.authors.push(draft.from.as_str());
            arrays.keys.push(draft.key.as_str());
            arrays.ids.push(draft.id);
            arrays.hashes.push(&draft.hash.0);
            if let What::Message(Message { content, reply_to, .. }) = &draft.what {
                arrays.texts.push(Some(content.text.as_str()));
                arrays.data.push(content.data.as_ref().map(Json::as_str));
                arrays.replies.push(reply_to.map(number));
            }
        }
        arrays
    }

    fn outcomes(&self, rows: &[Row]) -> Result<Option<Vec<Outcome>>, StoreError> {
        if rows.len() != self.first.len() {
            return Err(StoreError::Broken(format!("{} answers to {} drafts", rows.len(), self.first.len())));
        }
        let verdicts = rows.iter().map(Verdict::read).collect::<Result<Option<Vec<_>>, _>>()?;
        Ok(verdicts.map(|verdicts| {
            let mut answered = vec![false; verdicts.len()];
            let each = self.drafts.iter().zip(&self.of);
            each.map(|(draft, &n)| {
                let is_first = !std::mem::replace(&mut answered[n], true);
                verdicts[n].outcome(draft, self.first[n], is_first)
            })
            .collect()
        }))
    }
}

/// What became of a key.
enum Verdict {
    Appended { seq: Seq, epoch: Epoch, at: Timestamp },
    Known { id: Uuid, seq: Seq, epoch: Epoch, at: Timestamp, hash: Option<BodyHash> },
    Refused(Refusal),
}

impl Verdict {
    /// `None`: it depends on other drafts.
    fn read(row: &Row) -> Result<Option<Self>, StoreError> {
        let verdict: &str = row.get(0);
        if verdict == "unknown" {
            return Ok(Some(Self::Refused(Refusal::UnknownRoom)));
        }
        let epoch =
            Epoch { incarnation: columns::epoch_part(row.get(4))?, generation: columns::epoch_part(row.get(3))? };
        Ok(Some(match verdict {
            "known" => Self::Known {
                id: row.get(5),
                seq: seq(row.get(6)),
                epoch,
                at: Timestamp(row.get(7)),
                hash: columns::hash(row.get(8))?,
            },
            "stranger" => {
                let standing = Standing::read(row.get(2), None);
                Self::Refused(columns::kind(row.get(1))?.may_read(standing).err().unwrap_or(Refusal::NotMember))
            }
            "deleted" => Self::Refused(Refusal::RoomDeleted),
            "closed" => Self::Refused(Refusal::SessionClosed),
            "no target" => Self::Refused(Refusal::NoSuchMessage("reply_to")),
            "below floor" => Self::Refused(Refusal::BelowFloor("reply_to")),
            "depends" | "by settings" | "by person" => return Ok(None),
            "fresh" => match row.get::<_, Option<i64>>(9) {
                None => return Ok(None),
                Some(number) if seq(number).get() != number.cast_unsigned() => Self::Refused(Refusal::LogFull),
                Some(number) => Self::Appended { seq: seq(number), epoch, at: Timestamp(row.get(10)) },
            },
            other => return Err(StoreError::Broken(format!("the verdict `{other}`"))),
        }))
    }

    fn outcome(&self, draft: &Draft, first: &Draft, is_first: bool) -> Outcome {
        match *self {
            Self::Appended { seq, epoch, at } => {
                let place = Place { id: first.id, seq, epoch, at };
                match (is_first, draft.hash == first.hash) {
                    (true, _) => Outcome::Appended(place),
                    (false, true) => Outcome::Known(place),
                    (false, false) => Outcome::Conflict { id: first.id, seq },
                }
            }
            Self::Known { id, seq, epoch, at, hash } => {
                if hash.is_none_or(|hash| hash == draft.hash) {
                    Outcome::Known(Place { id, seq, epoch, at })
                } else {
                    Outcome::Conflict { id, seq }
                }
            }
            Self::Refused(ref refusal) => Outcome::Refused(refusal.clone()),
        }
    }
}
