//! Pages of the log read a moment ago, for those who come after: a whole instance's readers resume at the same places.

use super::pages::SharedPage;
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
pub(crate) type PageKey = (RoomId, Seq);

/// See the module. Holds at most so many bytes, none longer than so long; the oldest go first.
#[derive(Debug)]
pub(crate) struct PageCache {
    /// By room, so that what concerns one costs no others: none is empty.
    kept: HashMap<RoomId, HashMap<Seq, Kept>>,
    /// What was put there, the oldest first; stale unless the number is still that of what is kept.
    order: VecDeque<(PageKey, u64)>,
    next: u64,
    bytes: usize,
    most: usize,
    longest: Duration,
}

#[derive(Debug)]
struct Kept {
    page: Arc<SharedPage>,
    bytes: usize,
    since: Instant,
    /// Nobody is given it from then on.
    until: Instant,
    number: u64,
}

/// What a page costs beside its entries.
const OVERHEAD: usize = 512;

impl PageCache {
    pub fn new(most: usize, longest: Duration) -> Self {
        Self { kept: HashMap::new(), order: VecDeque::new(), next: 0, bytes: 0, most, longest }
    }

    /// A page that carries a reader of this epoch on from `at`. Of its entries nothing was blanked since it was read, so it is as
    /// good as one read now; what it says of head and floor may be old, and whether a reader may read was asked before.
    pub fn get(&self, key: &PageKey, at: Seq, epoch: Epoch, now: Instant) -> Option<Arc<SharedPage>> {
        let kept = self.kept.get(&key.0)?.get(&key.1)?;
        let (first, last) = (kept.page.items.first()?, kept.page.items.last()?);
        let fits = kept.page.epoch == epoch && first.seq <= at.next() && last.seq > at;
        (fits && now < kept.until).then(|| kept.page.clone())
    }

    /// Keeps a page, in place of an older one.
    pub fn put(&mut self, key: PageKey, page: &Arc<SharedPage>, now: Instant) {
        let bytes = OVERHEAD + page.items.iter().map(|item| item.weight()).sum::<usize>();
        if page.items.is_empty() || bytes > self.most {
            return;
        }
        let number = self.next;
        self.next += 1;
        self.order.push_back((key.clone(), number));
        let kept = Kept { page: page.clone(), bytes, since: now, until: now + self.longest, number };
        if let Some(older) = self.kept.entry(key.0).or_default().insert(key.1, kept) {
            self.bytes -= older.bytes;
        }
        self.bytes += bytes;
        self.give_up(now);
    }

    /// Drops the pages of a room that hold one of these entries.
    pub fn blank(&mut self, room: &RoomId, seqs: &[Seq]) {
        let holds = |page: &SharedPage| {
            let (first, last) = (page.items.first().map(|item| item.seq), page.items.last().map(|item| item.seq));
            seqs.iter().any(|seq| first <= Some(*seq) && Some(*seq) <= last)
        };
        // What is left of it in `order` is stale, like that of a page that was replaced.
        self.drop_of(room, |kept| holds(&kept.page));
    }

    /// Drops those pages of a room.
    fn drop_of(&mut self, room: &RoomId, those: impl Fn(&Kept) -> bool) {
        let Some(pages) = self.kept.get_mut(room) else { return };
        self.bytes -= pages.extract_if(|_, kept| those(kept)).map(|(_, kept)| kept.bytes).sum::<usize>();
        if pages.is_empty() {
            self.kept.remove(room);
        }
    }

    /// Keeps the pages of a room no longer than until then.
    pub fn end(&mut self, room: &RoomId, until: Instant) {
        let pages = self.kept.get_mut(room).into_iter().flat_map(|pages| pages.values_mut());
        pages.for_each(|kept| kept.until = kept.until.min(until));
    }

    /// Gives up whatever is given to nobody any more.
    pub fn tidy(&mut self, now: Instant) {
        for pages in self.kept.values_mut() {
            self.bytes -= pages.extract_if(|_, kept| kept.until <= now).map(|(_, kept)| kept.bytes).sum::<usize>();
        }
        self.kept.retain(|_, pages| !pages.is_empty());
        self.give_up(now);
    }

    /// Gives up what has been kept for too long, and the oldest of what is too much.
    pub fn give_up(&mut self, now: Instant) {
        while let Some((key, number)) = self.order.front() {
            let (room, number) = (key.0.clone(), *number);
            if let Some(kept) =
                self.kept.get(&room).and_then(|pages| pages.get(&key.1)).filter(|kept| kept.number == number)
            {
                if self.bytes <= self.most && now < kept.since + self.longest {
                    return;
                }
                self.drop_of(&room, |kept| kept.number == number);
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
        live::item::{Item, SharedPush},
        log::effects::Effects,
    };

    const EPOCH: Epoch = Epoch { incarnation: 1, generation: 1 };
    const LONGEST: Duration = Duration::from_secs(30);

    fn room(name: &str) -> RoomId {
        RoomId::parse(name).unwrap()
    }

    fn page(seqs: std::ops::RangeInclusive<u64>) -> Arc<SharedPage> {
        let item = |seq| Item::new(Seq::new(seq), Effects::default(), SharedPush::new("hello".into(), 0..5));
        let head = Seq::new(*seqs.end());
        Arc::new(SharedPage { epoch: EPOCH, floor: Seq::new(1), head, items: seqs.map(item).collect() })
    }

    #[test]
    fn a_page_serves_who_it_carries_on_in_its_own_epoch_and_for_a_while() {
        let (now, mut cache) = (Instant::now(), PageCache::new(1 << 20, LONGEST));
        let key = (room("general"), Seq::new(128));
        cache.put(key.clone(), &page(129..=140), now);
        let other = Epoch { incarnation: 2, ..EPOCH };
        for (at, epoch, later, serves) in [
            (128, EPOCH, 0, true),
            (139, EPOCH, 29, true),
            (140, EPOCH, 0, false),
            (127, EPOCH, 0, false),
            (130, other, 0, false),
            (130, EPOCH, 30, false),
        ] {
            let got = cache.get(&key, Seq::new(at), epoch, now + Duration::from_secs(later));
            assert_eq!(got.is_some(), serves, "{at} {epoch} after {later} s");
        }
        assert!(cache.get(&(room("other"), Seq::new(128)), Seq::new(130), EPOCH, now).is_none());
        cache.put(key.clone(), &page(129..=141), now);
        assert!(cache.get(&key, Seq::new(140), EPOCH, now).is_some(), "the newer one took its place");
    }

    #[test]
    fn the_cache_never_holds_more_than_its_budget_nor_for_longer_than_it_may() {
        let (now, page) = (Instant::now(), page(1..=128));
        let one = OVERHEAD + page.items.iter().map(|item| item.weight()).sum::<usize>();
        let mut cache = PageCache::new(4 * one, LONGEST);
        for n in 0..1_000_u64 {
            let key = (room(&format!("r{}", n % 300)), Seq::ZERO);
            cache.put(key, &page, now + Duration::from_millis(n));
            assert!(cache.bytes() <= 4 * one && cache.kept.len() <= 4 && cache.order.len() <= 5, "{n}: {cache:?}");
        }
        let key = |n: u64| (room(&format!("r{}", n % 300)), Seq::ZERO);
        for (n, held) in [(999, true), (996, true), (995, false)] {
            assert_eq!(cache.get(&key(n), Seq::ZERO, EPOCH, now).is_some(), held, "{n}");
        }
        for _ in 0..1_000 {
            cache.put(key(999), &page, now + Duration::from_secs(1));
        }
        cache.give_up(now + LONGEST + Duration::from_secs(2));
        assert_eq!((cache.bytes(), cache.kept.len(), cache.order.len()), (0, 0, 0));
        let mut tiny = PageCache::new(one - 1, LONGEST);
        tiny.put(key(1), &page, now);
        assert_eq!(tiny.bytes(), 0, "what is heavier than all of it is not kept");
    }

    #[test]
    fn a_page_that_holds_what_was_blanked_is_given_to_nobody() {
        let now = Instant::now();
        let mut cache = PageCache::new(1 << 20, LONGEST);
        let key = |name: &str, after: u64| (room(name), Seq::new(after));
        for (name, seqs) in [("general", 1..=128), ("general", 129..=140), ("other", 1..=128)] {
            cache.put(key(name, seqs.start() - 1), &page(seqs), now);
        }
        let before = cache.bytes();
        cache.blank(&room("general"), &[Seq::new(500), Seq::new(128)]);
        let has = |name: &str, at: u64| cache.get(&key(name, at), Seq::new(at), EPOCH, now).is_some();
        assert_eq!((has("general", 0), has("general", 128), has("other", 0)), (false, true, true));
        assert!(cache.bytes() < before);
        cache.give_up(now + LONGEST);
        assert_eq!(cache.bytes(), 0);
    }

    #[test]
    fn pages_of_a_room_that_nobody_follows_are_kept_for_a_moment_only() {
        let now = Instant::now();
        let mut cache = PageCache::new(1 << 20, LONGEST);
        let key = |name: &str| (room(name), Seq::ZERO);
        for name in ["general", "other"] {
            cache.put(key(name), &page(1..=128), now);
        }
        let second = Duration::from_secs(1);
        cache.end(&room("general"), now + 2 * second);
        cache.end(&room("general"), now + 9 * second);
        let has = |cache: &PageCache, name: &str, after: u32| {
            cache.get(&key(name), Seq::ZERO, EPOCH, now + after * second).is_some()
        };
        assert!(has(&cache, "general", 1) && !has(&cache, "general", 2) && has(&cache, "other", 9));
        let before = cache.bytes();
        cache.tidy(now + 2 * second);
        assert_eq!(cache.bytes(), before / 2);
        cache.put(key("general"), &page(1..=128), now + 3 * second);
        assert!(has(&cache, "general", 9), "it is followed again");
    }
}
