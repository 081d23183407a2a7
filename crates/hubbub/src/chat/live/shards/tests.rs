//! Connections that were given to a shard.

use super::*;
use crate::chat::{
    Chat,
    live::{
        feeds::Feeds,
        line::{Follow, Outlet},
        room::Listening,
    },
};
use hubbub_core::{
    log::{
        encoded::EncodedEntry,
        entry::Entry,
        kinds::{Left, Message, Text, What},
    },
    model::{
        ids::{Key, RoomId, UserId},
        seq::Epoch,
        time::Timestamp,
    },
};
use std::{
    io,
    sync::atomic::AtomicUsize,
    task::{Context, Poll, Waker},
    time::Duration,
};
use uuid::Uuid;

const EPOCH: Epoch = Epoch { incarnation: 1, generation: 1 };
/// Where logs end at first.
const BEGIN: u64 = 40;

/// A socket with so much room.
#[derive(Debug)]
struct Pipe {
    room: AtomicUsize,
    /// How long a write takes.
    takes: Duration,
    writes: Mutex<Vec<Vec<u8>>>,
}

impl Outlet for Pipe {
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let begun = Instant::now();
        while begun.elapsed() < self.takes {
            std::hint::spin_loop();
        }
        let fits = self.room.load(Ordering::Relaxed).min(bytes.len());
        if fits == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.room.fetch_sub(fits, Ordering::Relaxed);
        self.writes.lock().unwrap().push(bytes[..fits].to_vec());
        Ok(fits)
    }
}

/// An instance whose shards run when a test waits.
struct House {
    feeds: Arc<Feeds>,
    _folder: tempfile::TempDir,
}

/// A connection that follows rooms, each by the subscription of its number.
struct Reader {
    inbox: Arc<Inbox>,
    pipe: Arc<Pipe>,
    rooms: Vec<Listening>,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let feeds = Chat::alone(&folder.path().join("chat.db")).feeds;
        Self { feeds, _folder: folder }
    }

    fn reader(&self, rooms: &[&str], room: usize) -> Reader {
        self.slow_reader(rooms, room, Duration::ZERO)
    }

    fn slow_reader(&self, rooms: &[&str], room: usize, takes: Duration) -> Reader {
        let inbox = Arc::<Inbox>::default();
        let pipe = Arc::new(Pipe { room: AtomicUsize::new(room), takes, writes: Mutex::default() });
        inbox.opens(pipe.clone(), Format::Json, &self.feeds.shards);
        let listen = |(slot, name): (usize, &&str)| {
            let listening = self.feeds.listen(&RoomId::parse(name).unwrap(), &inbox, slot as u32, false);
            listening.open(EPOCH, Seq::new(BEGIN));
            listening
        };
        let rooms = rooms.iter().enumerate().map(listen).collect();
        Reader { inbox, pipe, rooms }
    }

    fn hears(&self, room: &str, seq: u64, what: What) {
        let (id, key) = (Uuid::now_v7(), Key::parse(&format!("k{seq}")).unwrap());
        let (room, from) = (RoomId::parse(room).unwrap(), UserId::parse("ben").unwrap());
        let entry = Entry { room, seq: Seq::new(seq), id, from, at: Timestamp(0), key, what };
        self.feeds.hear_entry(EPOCH, &EncodedEntry::new(&entry));
    }

    fn hears_messages(&self, room: &str, seqs: std::ops::RangeInclusive<u64>) {
        for seq in seqs {
            self.hears(room, seq, What::Message(Message::new(Text::parse(&format!("n{seq}")).unwrap(), None, None)));
        }
    }
}

impl Reader {
    /// Looks at all rooms, as its task would, and gives the line.
    fn gives(&self) -> bool {
        self.rooms.iter().for_each(|of| of.look(|_| ()));
        let follow = |(slot, of): (usize, &Listening)| Follow {
            slot: slot as u32,
            moved: false,
            epoch: EPOCH,
            at: Seq::new(BEGIN),
            live: of.live.clone(),
        };
        self.inbox.give_line(self.rooms.iter().enumerate().map(follow))
    }

    fn writes(&self) -> Vec<Vec<u8>> {
        self.pipe.writes.lock().unwrap().clone()
    }

    /// Waits for so many writes.
    async fn is_written_to(&self, times: usize) -> Vec<Vec<u8>> {
        for _ in 0..1_000 {
            if self.writes().len() >= times {
                return self.writes();
            }
            tokio::task::yield_now().await;
        }
        panic!("{} of {times} writes", self.writes().len());
    }

    /// Waits until the line is given back.
    async fn is_given_back(&self) -> super::super::line::TakenBack {
        let mail = std::future::poll_fn(|cx| self.inbox.poll(cx));
        tokio::time::timeout(Duration::from_secs(10), mail).await.expect("the line comes back");
        self.inbox.take_line()
    }
}

/// The offsets of the entries in what was written.
fn offsets(written: &[u8]) -> Vec<u64> {
    let text = String::from_utf8_lossy(written).into_owned();
    text.split("\"offset\":").skip(1).filter_map(|rest| rest.split('}').next()?.parse().ok()).collect()
}

#[tokio::test]
async fn what_is_new_in_several_rooms_leaves_in_one_write_and_nothing_comes_twice() {
    let house = House::new();
    let ana = house.reader(&["hall", "yard"], usize::MAX);
    assert!(ana.gives());
    house.hears_messages("hall", 41..=43);
    house.hears_messages("yard", 41..=41);
    assert_eq!(ana.is_written_to(1).await.iter().map(|write| offsets(write)).collect::<Vec<_>>(), [[41, 42, 43, 41]]);
    house.hears_messages("yard", 42..=42);
    let writes = ana.is_written_to(2).await;
    assert_eq!(offsets(&writes[1]), [42]);
    // A whole frame of text each time.
    assert!(writes.iter().all(|write| write[0] == 0x81 && write.ends_with(b"}")));
    let back = ana.inbox.take_line();
    assert_eq!((back.ready, back.moved, back.rest), (vec![], vec![(0, Seq::new(43)), (1, Seq::new(42))], None));
}

#[tokio::test]
async fn those_in_the_same_place_get_the_same_bytes_and_others_what_they_lack() {
    let house = House::new();
    let readers: Vec<_> = (0..3).map(|_| house.reader(&["hall"], usize::MAX)).collect();
    assert!(readers[0].gives() && readers[1].gives());
    house.hears_messages("hall", 41..=42);
    assert_eq!(readers[0].is_written_to(1).await, readers[1].is_written_to(1).await);
    assert_eq!(offsets(&readers[0].writes()[0]), [41, 42]);
    // The third was not given: its task is told, and the shard writes nothing.
    assert!(!readers[2].gives(), "something has come in");
    assert!(readers[2].writes().is_empty());
    assert!(
        matches!(readers[2].inbox.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(mail) if mail.slots == [0])
    );
    assert!(readers[2].gives());
    house.hears_messages("hall", 43..=43);
    assert_eq!(offsets(&readers[2].is_written_to(1).await[0]), [41, 42, 43]);
    assert_eq!(offsets(&readers[0].is_written_to(2).await[1]), [43]);
}

#[tokio::test]
async fn a_socket_that_takes_a_part_goes_back_with_the_rest() {
    let house = House::new();
    let ana = house.reader(&["hall"], 50);
    assert!(ana.gives());
    house.hears_messages("hall", 41..=41);
    let back = ana.is_given_back().await;
    assert_eq!((back.ready, back.moved), (vec![], vec![(0, Seq::new(41))]));
    let whole = [ana.writes().concat(), back.rest.unwrap().to_vec()].concat();
    assert_eq!(offsets(&whole), [41]);
    // What comes now is for the task: it would be written in the middle of a frame.
    ana.pipe.room.store(usize::MAX, Ordering::Relaxed);
    house.hears_messages("hall", 42..=42);
    assert!(matches!(ana.inbox.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(mail) if mail.slots == [0]));
    assert_eq!(ana.writes().len(), 1);
}

#[tokio::test]
async fn a_socket_that_takes_nothing_goes_back_as_it_was() {
    let house = House::new();
    let (ana, ben) = (house.reader(&["hall"], 0), house.reader(&["hall"], usize::MAX));
    assert!(ana.gives() && ben.gives());
    house.hears_messages("hall", 41..=41);
    assert_eq!(offsets(&ben.is_written_to(1).await[0]), [41], "nobody waits for somebody else");
    let back = ana.is_given_back().await;
    assert_eq!((back.ready, back.moved, back.rest), (vec![0], vec![], None));
}

#[tokio::test]
async fn ends_and_gaps_and_other_histories_are_for_the_task() {
    for what in
        ["a removal", "a deleted room", "another epoch", "more than the ring has", "an entry that is to be blanked"]
    {
        let house = House::new();
        let ana = house.reader(&["hall"], usize::MAX);
        assert!(ana.gives());
        let (room, now) = (RoomId::parse("hall").unwrap(), Instant::now());
        let live = &ana.rooms[0].live;
        match what {
            "a removal" => house.hears("hall", 41, What::Left(Left { user: UserId::parse("cara").unwrap() })),
            "a deleted room" => house.feeds.hear_of_deleted_room(&room),
            "another epoch" => {
                let mut feed = hubbub_core::live::feed::Feed::new();
                feed.open(Epoch { generation: 2, ..EPOCH }, Seq::new(3), now);
                live.state().feed = feed;
                live.readers().wake(&house.feeds.shards);
            }
            "more than the ring has" => {
                house.hears_messages("hall", 41..=45);
                live.state().feed.trim(0);
            }
            _ => {
                house.hears_messages("hall", 41..=41);
                live.state().feed.expect_blanking(Seq::new(41), Seq::new(50));
            }
        }
        let back = ana.is_given_back().await;
        assert_eq!((back.ready, back.moved, back.rest), (vec![0], vec![], None), "{what}");
        assert!(ana.writes().is_empty(), "{what}");
    }
}

#[tokio::test]
async fn who_has_gone_is_not_written_to() {
    let house = House::new();
    let ana = house.reader(&["hall"], usize::MAX);
    assert!(ana.gives());
    house.hears_messages("hall", 41..=41);
    ana.inbox.closes();
    let ben = house.reader(&["hall"], usize::MAX);
    assert!(!ana.gives() && ben.gives());
    house.hears_messages("hall", 42..=42);
    assert_eq!(offsets(&ben.is_written_to(1).await[0]), [41, 42]);
    assert!(ana.writes().is_empty());
}

#[tokio::test]
async fn whatever_else_there_is_has_its_turn_while_a_large_room_is_written_to() {
    let house = House::new();
    let readers: Vec<_> = (0..400).map(|_| house.slow_reader(&["hall"], usize::MAX, limits::SHARD_TURN / 8)).collect();
    assert!(readers.iter().all(Reader::gives));
    house.hears_messages("hall", 41..=41);
    let mut turns = 0;
    while readers.iter().any(|reader| reader.writes().is_empty()) {
        tokio::task::yield_now().await;
        turns += 1;
    }
    // Fifty turns' worth of writing, in as many shards as there are cores.
    assert!(turns >= 10, "{turns} turns");
}
