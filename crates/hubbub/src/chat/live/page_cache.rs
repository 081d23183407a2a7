//! Pages of the log read a moment ago, for those who come after: a whole instance's readers resume at the same places.

use super::pages::Stretch;
use hubbub_core::model::{
    ids::RoomId,
    seq::{Epoch, Seq},
};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

/// A room, and the seq after which a page of its log begins.
pub(crate) type Place = (RoomId, Seq);

/// See the module. Holds at most so many bytes, none longer than so long; the oldest go first.
#[derive(Debug)]
pub(crate) struct Shelf {
    kept: HashMap<Place, Kept>,
    /// What was put there, the oldest first; stale unless the number is still that of what is kept.
    order: VecDeque<(Place, u64)>,
    next: u64,
    bytes: usize,
    most: usize,
    longest: Duration,
}

#[derive(Debug)]
struct Kept {
    stretch: Arc<Stretch>,
    bytes: usize,
    since: Instant,
    number: u64,
}

/// What a page costs beside its entries.
const OVERHEAD: usize = 512;

impl Shelf {
    pub fn new(most: usize, longest: Duration) -> Self {
        Self { kept: HashMap::new(), order: VecDeque::new(), next: 0, bytes: 0, most, longest }
    }

    /// A page that carries a reader of this epoch on from `at`. Entries do not change, so it is as good as one read now; what
    /// it says of head and floor may be old, and whether a reader may read was asked before.
    pub fn get(&self, place: &Place, at: Seq, epoch: Epoch, now: Instant) -> Option<Arc<Stretch>> {
        let kept = self.kept.get(place)?;
        let (first, last) = (kept.stretch.items.first()?, kept.stretch.items.last()?);
        let fits = kept.stretch.epoch == epoch && first.seq <= at.next() && last.seq > at;
        (fits && now < kept.since + self.longest).then(|| kept.stretch.clone())
    }

    /// Keeps a page, in place of an older one.
    pub fn put(&mut self, place: Place, stretch: &Arc<Stretch>, now: Instant) {
        let bytes = OVERHEAD + stretch.items.iter().map(|item| item.weight()).sum::<usize>();
        if stretch.items.is_empty() || bytes > self.most {
            return;
        }
        let number = self.next;
        self.next += 1;
        self.order.push_back((place.clone(), number));
        let kept = Kept { stretch: stretch.clone(), bytes, since: now, number };
        if let Some(older) = self.kept.insert(place, kept) {
            self.bytes -= older.bytes;
        }
        self.bytes += bytes;
        self.give_up(now);
    }

    /// Gives up what has been kept for too long, and the oldest of what is too much.
    pub fn give_up(&mut self, now: Instant) {
        while let Some((place, number)) = self.order.front() {
            if let Some(kept) = self.kept.get(place).filter(|kept| kept.number == *number) {
                if self.bytes <= self.most && now < kept.since + self.longest {
                    return;
                }
                self.bytes -= kept.bytes;
                self.kept.remove(place);
            }
            self.order.pop_front();
        }
    }

    /// What is held.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_core::{
        live::feed::Item,
        log::entry::{Entry, Message, Text, Timestamp, What},
        model::ids::{Key, UserId},
    };

    const EPOCH: Epoch = Epoch { incarnation: 1, generation: 1 };
    const LONGEST: Duration = Duration::from_secs(30);

    fn room(name: &str) -> RoomId {
        RoomId::parse(name).unwrap()
    }

    fn stretch(seqs: std::ops::RangeInclusive<u64>) -> Arc<Stretch> {
        let item = |seq| {
            let text = Text::parse("hello").unwrap();
            Item::new(&Entry {
                room: room("general"),
                seq: Seq::new(seq),
                id: uuid::Uuid::from_u128(seq.into()),
                from: UserId::parse("ana").unwrap(),
                at: Timestamp(0),
                key: Key::parse("k").unwrap(),
                what: What::Message(Message { text, data: None, reply_to: None }),
            })
        };
        let head = Seq::new(*seqs.end());
        Arc::new(Stretch { epoch: EPOCH, floor: Seq::new(1), head, items: seqs.map(item).collect() })
    }

    #[test]
    fn a_page_serves_who_it_carries_on_in_its_own_epoch_and_for_a_while() {
        let (now, mut shelf) = (Instant::now(), Shelf::new(1 << 20, LONGEST));
        let place = (room("general"), Seq::new(128));
        shelf.put(place.clone(), &stretch(129..=140), now);
        let other = Epoch { incarnation: 2, ..EPOCH };
        for (at, epoch, later, serves) in [
            (128, EPOCH, 0, true),
            (139, EPOCH, 29, true),
            (140, EPOCH, 0, false),
            (127, EPOCH, 0, false),
            (130, other, 0, false),
            (130, EPOCH, 30, false),
        ] {
            let got = shelf.get(&place, Seq::new(at), epoch, now + Duration::from_secs(later));
            assert_eq!(got.is_some(), serves, "{at} {epoch} after {later} s");
        }
        assert!(shelf.get(&(room("other"), Seq::new(128)), Seq::new(130), EPOCH, now).is_none());
        shelf.put(place.clone(), &stretch(129..=141), now);
        assert!(shelf.get(&place, Seq::new(140), EPOCH, now).is_some(), "the newer one took its place");
    }

    #[test]
    fn the_shelf_never_holds_more_than_its_budget_nor_for_longer_than_it_may() {
        let (now, page) = (Instant::now(), stretch(1..=128));
        let one = OVERHEAD + page.items.iter().map(|item| item.weight()).sum::<usize>();
        let mut shelf = Shelf::new(4 * one, LONGEST);
        for n in 0..1_000_u64 {
            let place = (room(&format!("r{}", n % 300)), Seq::ZERO);
            shelf.put(place, &page, now + Duration::from_millis(n));
            assert!(shelf.bytes() <= 4 * one && shelf.kept.len() <= 4 && shelf.order.len() <= 5, "{n}: {shelf:?}");
        }
        let place = |n: u64| (room(&format!("r{}", n % 300)), Seq::ZERO);
        for (n, held) in [(999, true), (996, true), (995, false)] {
            assert_eq!(shelf.get(&place(n), Seq::ZERO, EPOCH, now).is_some(), held, "{n}");
        }
        for _ in 0..1_000 {
            shelf.put(place(999), &page, now + Duration::from_secs(1));
        }
        shelf.give_up(now + LONGEST + Duration::from_secs(2));
        assert_eq!((shelf.bytes(), shelf.kept.len(), shelf.order.len()), (0, 0, 0));
        let mut tiny = Shelf::new(one - 1, LONGEST);
        tiny.put(place(1), &page, now);
        assert_eq!(tiny.bytes(), 0, "what is heavier than all of it is not kept");
    }
}
