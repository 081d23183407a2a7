//! The law of the fold, on random logs that the rules let through, against a model that does not fold.
#![allow(missing_docs, clippy::unwrap_used)]

use hubbub_core::{
    log::{
        batch::BatchReads,
        content::Content,
        entry::{Draft, Entry, Outcome},
        fold::{FoldedPage, Hung, PageKind, ReactionShown, Replies, Shown},
        hash::HashKey,
        kinds::{Deleted, Edited, Gone, Joined, Message, Muted, Pinned, Reacted, ReactionWord, Right, Text, What},
        ledger::{Ledger, Person, RoomState},
    },
    model::{
        access::{Role, RoomKind, Standing},
        ids::{Key, RoomId, UserId},
        seq::{Epoch, Seq},
        time::Timestamp,
    },
};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

mod vectors;

const PEOPLE: [&str; 4] = ["ana", "ben", "cem", "dan"];
const WORDS: [&str; 3] = ["+1", "🎉", "👍🏽"];

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn room() -> RoomId {
    RoomId::parse("general").unwrap()
}

/// A small generator of numbers that is the same everywhere (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }
}

/// A log that takes drafts by the rules, and knows what each of its entries said before anything was blanked.
struct Log {
    ledger: Ledger,
    entries: Vec<Entry>,
    blanked: Vec<(Seq, Seq)>,
}

impl Log {
    fn new() -> Self {
        let mut ledger = Ledger::default();
        let epoch = Epoch { incarnation: 1, generation: 1 };
        ledger.rooms.insert(room(), RoomState::new(RoomKind::Private, Seq::ZERO, epoch));
        for (name, role) in PEOPLE.into_iter().zip([Role::Admin, Role::Moderator, Role::Member, Role::Member]) {
            ledger.people.insert((room(), user(name)), Person::who(Standing::Member(role)));
        }
        ledger.facts.entry(room()).or_default().admins = (1, 4);
        Self { ledger, entries: Vec::new(), blanked: Vec::new() }
    }

    fn head(&self) -> Seq {
        self.entries.last().map_or(Seq::ZERO, |entry| entry.seq)
    }

    /// Whether it was taken.
    fn take(&mut self, from: &str, what: What) -> bool {
        let next = self.head().next();
        let at = Timestamp(1_769_851_800_000 + 1_000 * next.get().cast_signed());
        let n = self.entries.len() as u128 + 1;
        let draft = Draft {
            room: room(),
            id: Uuid::from_u128(n),
            from: user(from),
            key: Key::parse(&format!("k{n}")).unwrap(),
            hash: HashKey([0; 32]).hash(&what),
            what,
            right: Right::Own,
            once: None,
            before: None,
            not_yet: None,
        };
        let facts = self.ledger.facts.entry(room()).or_default();
        facts.targets.entry(next).or_insert(None);
        for ((_, seq), _) in BatchReads::of(std::slice::from_ref(&draft)).targets {
            facts.targets.entry(seq).or_insert(None);
        }
        let entry = match self.ledger.apply(&draft, at) {
            Outcome::Appended(place) => draft.into_entry(place),
            Outcome::Filled { place, what } => Entry { what: *what, ..draft.into_entry(*place) },
            _ => return false,
        };
        self.blanked.extend(entry.what.effects().blanked().iter().map(|seq| (*seq, entry.seq)));
        self.entries.push(entry);
        true
    }

    /// An entry as it is read at head `n`.
    fn read_at(&self, entry: &Entry, n: Seq) -> Entry {
        if !self.blanked.iter().any(|(seq, by)| *seq == entry.seq && *by <= n) {
            return entry.clone();
        }
        let columns = hubbub_core::log::body::Columns::of(&entry.what);
        let gone = Gone {
            word: entry.what.word().into(),
            effects: entry.what.effects(),
            target: columns.target,
            thread: columns.thread,
            in_room: columns.in_room,
        };
        Entry { what: What::Gone(gone), ..entry.clone() }
    }

    /// The page as of `n`, made anew from all entries up to it, without folding: the model.
    fn page(&self, kind: PageKind, me: &str, n: Seq) -> FoldedPage {
        let all: Vec<&Entry> = self.entries.iter().filter(|entry| entry.seq <= n).collect();
        let mut entries = BTreeMap::new();
        for entry in all.iter().filter(|entry| kind.shows(&entry.what)) {
            let shown = Shown { entry: self.read_at(entry, n), hung: self.hung(&all, entry, me, n) };
            entries.insert(entry.seq, now(shown, &all));
        }
        FoldedPage { kind, me: user(me), as_of: n, is_newest: true, entries }
    }

    fn hung(&self, all: &[&Entry], of: &Entry, me: &str, n: Seq) -> Hung {
        let mut hung = Hung::default();
        if !matches!(of.what, What::Message(_)) {
            return hung;
        }
        let replies = || {
            let in_thread = |entry: &&&Entry| matches!(&entry.what, What::Message(m) if m.thread == Some(of.seq));
            all.iter().filter(in_thread)
        };
        if let Some(last) = replies().next_back() {
            let count = replies().filter(|reply| !self.is_blank(reply.seq, n)).count() as u64;
            hung.replies = Some(Replies { count, last: last.seq, last_at: last.at, users: vec![] });
        }
        if self.is_blank(of.seq, n) {
            return hung;
        }
        let mut by: BTreeMap<&ReactionWord, BTreeSet<&UserId>> = BTreeMap::new();
        let mut first: BTreeMap<&ReactionWord, Seq> = BTreeMap::new();
        for entry in all {
            match &entry.what {
                What::Edited(edited) if edited.target == of.seq => hung.edited_at = Some(entry.at),
                What::Pinned(pinned) if pinned.target == of.seq => hung.pinned = pinned.pinned,
                What::Reacted(reacted) if reacted.target == of.seq => {
                    let who = by.entry(&reacted.reaction).or_default();
                    if reacted.added {
                        if who.is_empty() {
                            first.insert(&reacted.reaction, entry.seq);
                        }
                        who.insert(&entry.from);
                    } else {
                        who.remove(&entry.from);
                    }
                }
                _ => {}
            }
        }
        let mut reactions: Vec<_> = by.into_iter().filter(|(_, who)| !who.is_empty()).collect();
        reactions.sort_by_key(|(word, _)| first[word]);
        let shown = |(word, who): (&ReactionWord, BTreeSet<&UserId>)| ReactionShown {
            reaction: word.clone(),
            count: who.len() as u64,
            me: who.contains(&user(me)),
            users: vec![],
        };
        hung.reactions = reactions.into_iter().map(shown).collect();
        hung
    }

    fn is_blank(&self, seq: Seq, n: Seq) -> bool {
        self.blanked.iter().any(|(of, by)| *of == seq && *by <= n)
    }
}

/// A message with what its last edit says.
fn now(mut shown: Shown, all: &[&Entry]) -> Shown {
    let seq = shown.entry.seq;
    if let What::Message(message) = &mut shown.entry.what {
        let mut edits = all.iter().filter_map(|entry| match &entry.what {
            What::Edited(edited) if edited.target == seq => Some(&edited.content),
            _ => None,
        });
        message.content = edits.next_back().unwrap_or(&message.content).clone();
    }
    if let What::Gone(gone) = &mut shown.entry.what {
        gone.effects = hubbub_core::log::effects::Effects::default();
    }
    shown
}

/// What the law compares: everything but sample users.
fn compared(page: &FoldedPage) -> FoldedPage {
    let mut page = page.clone();
    for shown in page.entries.values_mut() {
        shown.hung.reactions.iter_mut().for_each(|reaction| reaction.users.clear());
        shown.hung.replies.iter_mut().for_each(|replies| replies.users.clear());
        if let What::Gone(gone) = &mut shown.entry.what {
            gone.effects = hubbub_core::log::effects::Effects::default();
        }
    }
    page
}

fn content(text: &str) -> Content {
    Content::text(Text::parse(text).unwrap())
}

fn random(dice: &mut Dice, head: Seq) -> What {
    let target = Seq::new((head.get() + 1).saturating_sub(dice.below(9)));
    let text = format!("text {}", dice.below(4));
    match dice.below(14) {
        0..3 => What::Message(Message { content: content(&text), reply_to: None, thread: None, in_room: false }),
        3..5 => What::Message(Message {
            content: content(&text),
            reply_to: (dice.below(2) == 0).then_some(target),
            thread: Some(target),
            in_room: dice.below(2) == 0,
        }),
        5 => {
            let mentions = if dice.below(2) == 0 { vec![user("cem")] } else { vec![] };
            What::Edited(Edited { target, content: Content { mentions: mentions.into(), ..content(&text) } })
        }
        6 => What::Deleted(Deleted { target, of: None }),
        7..10 => What::Reacted(Reacted {
            target,
            reaction: ReactionWord::parse(dice.of(&WORDS)).unwrap(),
            added: dice.below(3) > 0,
        }),
        10..13 => What::Pinned(Pinned { target, pinned: dice.below(2) > 0 }),
        _ => match dice.below(2) {
            0 => What::Joined(Joined { user: user("cem"), role: dice.of(&[Role::Reader, Role::Member]) }),
            _ => What::Muted(Muted { user: user("dan"), until: None }),
        },
    }
}

fn random_log(seed: u64, entries: usize) -> Log {
    let (mut log, mut dice) = (Log::new(), Dice(0x9e37_79b9_7f4a_7c15 ^ (seed + 1)));
    while log.entries.len() < entries {
        let (from, what) = (dice.of(&PEOPLE), random(&mut dice, log.head()));
        log.take(from, what);
    }
    log
}

fn kinds(log: &Log) -> Vec<PageKind> {
    let roots: BTreeSet<Seq> = log
        .entries
        .iter()
        .filter_map(|entry| if let What::Message(message) = &entry.what { message.thread } else { None })
        .collect();
    std::iter::once(PageKind::Room).chain(roots.into_iter().map(PageKind::Thread)).collect()
}

#[test]
fn a_page_and_the_entries_after_it_make_the_page_of_a_later_moment() {
    let mut words = BTreeSet::new();
    for seed in 0..60 {
        let log = random_log(seed, 40);
        words.extend(log.entries.iter().map(|entry| entry.what.word().to_owned()));
        let n = log.head();
        for kind in kinds(&log) {
            for k in 0..=n.get() {
                let mut page = log.page(kind, "ana", Seq::new(k));
                for entry in log.entries.iter().filter(|entry| entry.seq > Seq::new(k)) {
                    page.apply(&log.read_at(entry, n));
                }
                assert_eq!(compared(&page), compared(&log.page(kind, "ana", n)), "seed {seed}, {kind:?}, as of {k}");
            }
        }
    }
    for word in ["message", "edited", "deleted", "reacted", "unreacted", "pinned", "unpinned", "joined"] {
        assert!(words.contains(word), "no random log has {word}");
    }
}

#[test]
fn a_message_is_seen_gone_early_and_never_late() {
    for seed in 0..20 {
        let log = random_log(seed, 40);
        let n = log.head();
        let mut page = FoldedPage::empty(PageKind::Room, user("ben"));
        for entry in &log.entries {
            page.apply(&log.read_at(entry, n));
            for (gone, by) in log.blanked.iter().filter(|(_, by)| *by <= entry.seq) {
                let late = page.entries.get(gone).is_some_and(|shown| shown.is_message() && !shown.is_gone());
                assert!(!late, "seed {seed}: {gone} is shown after {by}");
            }
        }
    }
}

#[test]
fn entries_that_a_page_has_already_change_nothing() {
    let log = random_log(7, 40);
    let whole = log.page(PageKind::Room, "ana", log.head());
    let mut again = whole.clone();
    log.entries.iter().for_each(|entry| again.apply(entry));
    assert_eq!(again, whole);
}

#[test]
fn an_older_page_is_kept_up_to_date_and_gets_nothing_new() {
    let log = random_log(3, 40);
    let (k, n) = (Seq::new(15), log.head());
    let mut page = FoldedPage { is_newest: false, ..log.page(PageKind::Room, "ana", k) };
    log.entries.iter().for_each(|entry| page.apply(&log.read_at(entry, n)));
    let mut expected = log.page(PageKind::Room, "ana", n);
    expected.entries.retain(|seq, _| *seq <= k);
    assert_eq!(compared(&page).entries, compared(&expected).entries);
}
