//! Signals in the feed of a room.

use super::*;
use crate::chat::{Chat, live::inbox::Mail};
use hubbub_core::{
    log::{
        entry::Entry,
        kinds::{Message, Renamed, Text, What},
    },
    model::{
        ids::{Key, UserId},
        time::Timestamp,
    },
    wire::wants::Wants,
};
use std::task::{Context, Poll, Waker};
use uuid::Uuid;

const EPOCH: Epoch = Epoch { incarnation: 1, generation: 1 };

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn room() -> RoomId {
    RoomId::parse("hall").unwrap()
}

fn message() -> What {
    What::Message(Message::new(Text::parse("hi").unwrap(), None, None))
}

fn typing(from: &str, at: u64) -> Saying {
    let (epoch, at, lasts) = (EPOCH, Seq::new(at), Some(limits::TYPING_FOR));
    Saying { room: room(), epoch, at, from: user(from), kind: "typing".into(), lasts }
}

struct Hall {
    feeds: Arc<Feeds>,
    _folder: tempfile::TempDir,
}

impl Hall {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let feeds = Chat::alone(&folder.path().join("chat.db")).feeds;
        Self { feeds, _folder: folder }
    }

    /// A reader who stands at 40, where the log ends.
    fn reader(&self, signals: bool) -> (Arc<Inbox>, Listening) {
        let inbox = Arc::<Inbox>::default();
        let present = Present { client: Uuid::new_v4(), user: user("reader"), info: None, revision: 0 };
        inbox.belongs_to(present, Wants { signals, activity: false });
        let listening = self.feeds.listen(&room(), &inbox, 0, false);
        listening.open(EPOCH, Seq::new(40));
        (inbox, listening)
    }

    fn hears(&self, seq: u64, from: &str, what: What) {
        let (id, at, key) = (Uuid::now_v7(), Timestamp(0), Key::parse(&format!("k{seq}")).unwrap());
        let entry = Entry { room: room(), seq: Seq::new(seq), id, from: user(from), at, key, what };
        self.feeds.hear_entry(EPOCH, &EncodedEntry::new(&entry));
    }

    fn says(&self, saying: &Saying) {
        self.feeds.hear_signal(saying, &Json::trusted(r#"{"type":"typing"}"#.into()));
    }

    /// How many of so many people are seen to type, and how long it took to say it.
    fn are_seen(&self, people: usize) -> (u64, Duration) {
        let (before, began) = (self.feeds.metrics.signals.get(), Instant::now());
        (0..people).for_each(|n| self.says(&typing(&format!("u{n}"), 40)));
        (self.feeds.metrics.signals.get() - before, began.elapsed())
    }
}

/// Who is seen to type, and up to where it is known that they have not written since.
fn seen(inbox: &Inbox) -> Vec<(String, u64)> {
    let mail = match inbox.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(mail) => mail,
        Poll::Pending => Mail::default(),
    };
    mail.signals.into_iter().map(|(_, signal)| (signal.saying.from.to_string(), signal.heard_to.get())).collect()
}

#[tokio::test]
async fn who_has_written_since_is_not_seen_to_type() {
    let hall = Hall::new();
    let (inbox, reader) = hall.reader(true);
    hall.hears(41, "ana", message());
    hall.hears(42, "ben", What::Renamed(Renamed { name: "Bath".into() }));
    hall.says(&typing("ana", 40));
    assert_eq!(seen(&inbox), []);
    hall.says(&typing("ana", 41));
    hall.says(&typing("ben", 40));
    // What does not pass by itself is no matter of messages.
    let mark = Saying { lasts: None, kind: "read".into(), ..typing("ana", 40) };
    hall.says(&mark);
    assert_eq!(seen(&inbox), [("ana".into(), 42), ("ben".into(), 42), ("ana".into(), 42)]);
    // In another epoch numbers count something else.
    hall.says(&Saying { epoch: Epoch { generation: 2, ..EPOCH }, ..typing("ben", 40) });
    // What is not known here may be a message.
    assert!(!reader.has_heard_from(&user("ben"), Seq::new(40), Seq::new(42)));
    assert!(reader.has_heard_from(&user("ana"), Seq::new(40), Seq::new(42)));
    assert!(reader.has_heard_from(&user("ben"), Seq::new(40), Seq::new(43)), "a page has taken its reader further");
    assert_eq!(seen(&inbox), []);
}

#[tokio::test]
async fn so_many_are_seen_to_type_and_the_fewer_the_larger_the_hall() {
    let hall = Hall::new();
    let most = |readers: usize, took: Duration| {
        let per_second = f64::from(signal::per_second(readers).get());
        1 + (per_second * (1.0 + took.as_secs_f64())) as u64
    };
    let (one, reader) = hall.reader(true);
    let others: Vec<_> = (0..4_000).map(|_| hall.reader(false)).collect();
    let (told, took) = hall.are_seen(200);
    assert!((20..=most(1, took)).contains(&told), "{told} with one who wants to know");
    assert_eq!(seen(&one).len() as u64, told);
    assert!(others.iter().all(|(inbox, _)| seen(inbox).is_empty()));
    drop((others, reader));

    // The room is forgotten with its last reader.
    let (told, _) = hall.are_seen(200);
    assert_eq!(told, 0, "nobody is there");
    let mut many: Vec<_> = (0..4_000).map(|_| hall.reader(true)).collect();
    let (told, took) = hall.are_seen(200);
    assert!((5..=most(4_000, took)).contains(&told), "{told} with 4000");
    // Marks of others pass nobody by.
    let marks: Vec<_> = (0..50).map(|n| Saying { lasts: None, ..typing(&format!("m{n}"), 40) }).collect();
    many.truncate(100);
    many.iter().for_each(|(inbox, _)| drop(seen(inbox)));
    marks.iter().for_each(|mark| hall.says(mark));
    assert!(many.iter().all(|(inbox, _)| seen(inbox).len() == 50));
    // Most have gone: the rate is that of those who are left.
    let live = hall.feeds.of(&room()).unwrap();
    let hearers = live.readers().hearers();
    assert_eq!(hearers, 100);
}
