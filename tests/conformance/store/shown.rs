//! What people read, as it is now: against the fold of the log, and against what is recomputed.

mod counted;
mod from_joined;
mod plans;

use super::{Home, Pen, for_every_store, place, room, says, user};
use hubbub::store::{ReactorsOf, ShownOf, ShownPage};
use hubbub_core::{
    limits::{PAGE_BYTES, REACTION_SAMPLE, TEXT_BYTES, THREAD_SAMPLE},
    log::{
        effects::Effects,
        entry::{Draft, Entry, Outcome},
        fold::{FoldedPage, PageKind, Shown},
        kinds::{
            Changed, Content, Deleted, Edited, Joined, Message, Muted, Pinned, Reacted, ReactionWord, Renamed, Text,
            What,
        },
        room::PageOf,
    },
    model::{
        access::{Role, RoomKind},
        ids::UserId,
        seq::Seq,
    },
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::collections::BTreeSet;

const N: fn(u64) -> Seq = Seq::new;

fn content(text: &str) -> Content {
    Content::text(Text::parse(text).expect("a text"))
}

fn replies(text: &str, root: u64, in_room: bool) -> What {
    What::Message(Message { content: content(text), reply_to: None, thread: Some(N(root)), in_room })
}

fn edit(target: u64, text: &str) -> What {
    What::Edited(Edited { target: N(target), content: content(text) })
}

fn delete(target: u64) -> What {
    What::Deleted(Deleted { target: N(target), of: None })
}

fn react(target: u64, word: &str, added: bool) -> What {
    What::Reacted(Reacted { target: N(target), reaction: ReactionWord::parse(word).expect("a reaction"), added })
}

fn pin(target: u64, pinned: bool) -> What {
    What::Pinned(Pinned { target: N(target), pinned })
}

fn settings(json: &str) -> What {
    What::Changed(Changed::new(&serde_json::from_str(json).expect("settings")))
}

impl Pen {
    async fn shows(&self, reader: Option<&str>, in_room: &str, of: ShownOf, limit: usize) -> ShownPage {
        let reader = reader.map(user);
        let found = self.0.shown(reader.as_ref(), &room(in_room), of, limit).await.expect("a page");
        let (view, page) = found.expect("a room");
        assert_eq!((view.room.head, view.room.floor), (page.head, page.floor), "one snapshot");
        page
    }

    async fn log(&self, in_room: &str) -> Vec<Entry> {
        let (mut log, mut after) = (Vec::new(), Seq::ZERO);
        loop {
            let page = self.0.page(&room(in_room), PageOf::After(after), 1000).await.expect("a page").expect("a room");
            let Some(last) = page.entries.last() else { return log };
            after = last.seq;
            log.extend(page.entries);
        }
    }
}

/// What the law compares: everything but sample users, which are looked at here.
fn compared(shown: &Shown) -> Shown {
    let mut shown = shown.clone();
    for reaction in &mut shown.hung.reactions {
        let named = reaction.users.iter().collect::<BTreeSet<_>>().len();
        assert_eq!(named as u64, reaction.count.min(REACTION_SAMPLE as u64), "{reaction:?}");
        reaction.users.clear();
    }
    if let Some(replies) = &mut shown.hung.replies {
        let named = replies.users.iter().collect::<BTreeSet<_>>().len();
        assert!(named == replies.users.len() && (1..=THREAD_SAMPLE).contains(&named), "{replies:?}");
        replies.users.clear();
    }
    if let What::Gone(gone) = &mut shown.entry.what {
        gone.effects = Effects::default();
    }
    shown
}

fn compared_all<'a>(all: impl IntoIterator<Item = &'a Shown>) -> Vec<Shown> {
    all.into_iter().map(compared).collect()
}

const PEOPLE: [(&str, Role); 4] =
    [("ana", Role::Admin), ("ben", Role::Moderator), ("cem", Role::Member), ("dan", Role::Member)];

fn random(dice: &mut StdRng, head: u64) -> What {
    let target = (head + 1).saturating_sub(dice.random_range(0..10));
    let few = head / 8 * 8 + dice.random_range(0..3);
    let text = format!("text {}", dice.random_range(0..4));
    match dice.random_range(0..15) {
        0..3 => says(&text),
        3..5 => replies(&text, target, dice.random_bool(0.5)),
        5..7 => {
            let mentions = if dice.random_bool(0.5) { vec![user("cem")] } else { vec![] };
            What::Edited(Edited { target: N(target), content: Content { mentions: mentions.into(), ..content(&text) } })
        }
        7 => delete(target),
        // Few targets, so that some of it is there already.
        8..11 => react(few, ["+1", "🎉"][dice.random_range(0..2_usize)], dice.random_ratio(1, 2)),
        11..13 => pin(few, dice.random_ratio(1, 2)),
        13 => What::Joined(Joined {
            user: user("cem"),
            role: [Role::Reader, Role::Member][dice.random_range(0..2_usize)],
        }),
        _ => match dice.random_range(0..3) {
            0 => What::Renamed(Renamed { name: text }),
            1 => settings(r#"{"members_may":{"pin":true}}"#),
            _ => What::Muted(Muted { user: user("dan"), until: None }),
        },
    }
}

/// Compares everything that a reader can ask for with the fold of the log, both as of the head.
async fn compare(pen: &Pen, in_room: &str, me: &str, dice: &mut StdRng, seed: u64) {
    let log = pen.log(in_room).await;
    let head = log.last().expect("entries").seq;
    let fold = |kind| {
        let mut page = FoldedPage::empty(kind, user(me));
        log.iter().for_each(|entry| page.apply(entry));
        compared_all(page.entries.values())
    };
    let roots: BTreeSet<Seq> = log
        .iter()
        .filter_map(|entry| match &entry.what {
            What::Message(message) => message.thread,
            What::Gone(gone) => gone.thread,
            _ => None,
        })
        .collect();
    let whole = fold(PageKind::Room);
    let mut everywhere = whole.clone();
    let shown = async |of, limit| {
        let page = pen.shows(Some(me), in_room, of, limit).await;
        assert_eq!(page.head, head);
        compared_all(&page.entries)
    };
    let why = format!("seed {seed}, {me} as of {head}");
    assert_eq!(shown(ShownOf::Room(PageOf::Newest), 1000).await, whole, "{why}");
    for root in roots {
        let thread = fold(PageKind::Thread(root));
        assert_eq!(shown(ShownOf::Thread(root, PageOf::Newest), 1000).await, thread, "{why}: thread {root}");
        let last = thread.len().saturating_sub(2);
        assert_eq!(shown(ShownOf::Thread(root, PageOf::Newest), 2).await, thread[last..], "{why}: thread {root}");
        everywhere
            .extend(thread.into_iter().filter(|shown| !whole.iter().any(|other| other.entry.seq == shown.entry.seq)));
    }
    everywhere.sort_by_key(|shown| shown.entry.seq);
    let pinned: Vec<_> = everywhere.iter().filter(|shown| shown.hung.pinned).cloned().collect();
    assert_eq!(shown(ShownOf::Pins(PageOf::Newest), 1000).await, pinned, "{why}: pins");

    let (at, limit) = (N(dice.random_range(0..head.get() + 3)), dice.random_range(1..8_usize));
    let below = whole.iter().filter(|shown| shown.entry.seq < at).count();
    let first = |limit: usize| whole[below.saturating_sub(limit)..below].to_vec();
    assert_eq!(shown(ShownOf::Room(PageOf::Before(at)), limit).await, first(limit), "{why}: {limit} before {at}");
    let from = |below: usize, limit: usize| whole[below..(below + limit).min(whole.len())].to_vec();
    let upto = whole.iter().filter(|shown| shown.entry.seq <= at).count();
    assert_eq!(shown(ShownOf::Room(PageOf::After(at)), limit).await, from(upto, limit), "{why}: {limit} after {at}");
    let around = [first(limit / 2), from(below, limit - limit / 2)].concat();
    assert_eq!(shown(ShownOf::Room(PageOf::Around(at)), limit).await, around, "{why}: {limit} around {at}");
    let one: Vec<_> = everywhere.iter().filter(|shown| shown.entry.seq == at && shown.is_message()).cloned().collect();
    assert_eq!(shown(ShownOf::One(at), 1).await, one, "{why}: {at}");
    let last = whole.iter().rfind(|shown| shown.is_message());
    let listed = pen.0.rooms_of(&user(me), None, 10, false).await.expect("rooms").items;
    let listed = listed.iter().find(|listed| listed.room.id == room(in_room)).expect("the room");
    assert_eq!(listed.last.as_ref().map(compared).as_ref(), last, "{why}: the last message");
}

for_every_store! {
    async fn a_page_shows_what_the_fold_of_the_log_says(home: &Home) {
        let pen = Pen(home.open().await);
        let mut words = BTreeSet::new();
        for seed in 0..4 {
            let mut dice = StdRng::seed_from_u64(seed);
            let name = format!("room-{seed}");
            pen.room(&name, RoomKind::Private, &PEOPLE).await;
            let mut head = 4;
            for turn in 0..40 {
                let drafts: Vec<Draft> = (0..dice.random_range(1..6))
                    .map(|n| {
                        let from = PEOPLE[dice.random_range(0..4_usize)].0;
                        pen.draft(&name, from, &format!("{turn}-{n}"), random(&mut dice, head))
                    })
                    .collect();
                for outcome in pen.0.append(&drafts).await.expect("outcomes") {
                    match outcome {
                        Outcome::Appended(place) => head = place.seq.get(),
                        Outcome::Filled { place, .. } => head = place.seq.get(),
                        _ => {}
                    }
                }
                compare(&pen, &name, ["ana", "cem"][turn % 2], &mut dice, seed).await;
            }
            words.extend(pen.log(&name).await.iter().map(|entry| entry.what.word().to_owned()));
        }
        for word in ["message", "edited", "deleted", "reacted", "unreacted", "pinned", "unpinned", "joined"] {
            assert!(words.contains(word), "no log has {word}");
        }
        recomputed(home).await;
    }

    async fn a_reaction_that_is_taken_back_and_added_again_in_one_batch_is_a_new_one(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        let said = place(&pen.append(pen.says("general", "ana", "m", "hi")).await).seq.get();
        let mut key = 0;
        let mut batch = async |changes: &[(&str, &str, bool)]| {
            let drafts: Vec<_> = changes
                .iter()
                .map(|(who, word, added)| {
                    key += 1;
                    pen.draft("general", who, &format!("k{key}"), react(said, word, *added))
                })
                .collect();
            let outcomes = pen.0.append(&drafts).await.expect("outcomes");
            assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Appended(_))), "{outcomes:?}");
        };
        batch(&[("ana", "+1", true), ("ben", "+1", true), ("ana", "🎉", true)]).await;
        batch(&[("ana", "+1", false), ("ana", "+1", true)]).await;
        recomputed(home).await;
        batch(&[("ana", "🎉", false), ("ana", "🎉", true), ("ana", "🎉", false), ("ben", "🎉", true), ("ana", "🎉", true)]).await;
        batch(&[("ben", "+1", false), ("ben", "+1", true), ("ben", "+1", false)]).await;
        recomputed(home).await;
        let mut dice = StdRng::seed_from_u64(1);
        compare(&pen, "general", "ben", &mut dice, 1).await;
    }

    async fn the_weight_of_a_page_is_of_what_it_shows(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        let heavy = "x".repeat(TEXT_BYTES);
        let mut batch: Vec<_> = (3..=32).map(|n| pen.says("general", "ben", &n.to_string(), "light")).collect();
        batch.extend((33..=62).map(|n| pen.says("general", "ben", &n.to_string(), &heavy)));
        batch.extend((3..=32).map(|n| pen.draft("general", "ben", &format!("e{n}"), edit(n, &heavy))));
        batch.extend((33..=62).map(|n| pen.draft("general", "ben", &format!("e{n}"), edit(n, "light"))));
        pen.0.append(&batch).await.expect("outcomes");
        let page = async |page, limit| {
            let page = pen.shows(Some("ana"), "general", ShownOf::Room(page), limit).await;
            page.entries.iter().map(|shown| shown.entry.seq.get()).collect::<Vec<_>>()
        };
        let most = PAGE_BYTES / (TEXT_BYTES + 192);
        assert_eq!(page(PageOf::After(N(2)), 30).await, (3..3 + most as u64).collect::<Vec<_>>());
        assert_eq!(page(PageOf::After(N(32)), 30).await, (33..=62).collect::<Vec<_>>());
        assert_eq!(page(PageOf::Before(N(33)), 30).await, (33 - most as u64..=32).collect::<Vec<_>>());
    }

    async fn whatever_hangs_on_a_message_it_is_one_entry_of_a_page(home: &Home) {
        let pen = Pen(home.open().await);
        let names: Vec<String> = (100..250).map(|n| format!("u{n}")).collect();
        let mut people: Vec<_> = names.iter().map(|name| (name.as_str(), Role::Member)).collect();
        people[0].1 = Role::Admin;
        pen.room("general", RoomKind::Private, &people).await;
        let said = place(&pen.append(pen.says("general", "u101", "m", "first")).await).seq.get();
        let mut drafts: Vec<_> = names
            .iter()
            .flat_map(|name| ["+1", "🎉"].map(|word| pen.draft("general", name, &format!("r{word}"), react(said, word, true))))
            .collect();
        drafts.extend((0..100).map(|n| pen.draft("general", "u101", &format!("e{n}"), edit(said, &format!("text {n}")))));
        drafts.extend((0..40).map(|n| pen.draft("general", &names[n], &format!("t{n}"), replies("so", said, false))));
        drafts.push(pen.draft("general", "u100", "p", pin(said, true)));
        drafts.push(pen.says("general", "u102", "next", "next"));
        for part in drafts.chunks(64) {
            pen.0.append(part).await.expect("outcomes");
        }
        let page = pen.shows(Some("u149"), "general", ShownOf::Room(PageOf::Newest), 2).await;
        let seqs: Vec<_> = page.entries.iter().map(|shown| shown.entry.seq.get()).collect();
        assert_eq!(seqs, [said, page.head.get()], "reactions, edits and replies fill no page");
        let shown = &page.entries[0];
        assert!(matches!(&shown.entry.what, What::Message(message) if message.content.text.as_str() == "text 99"));
        let reactions: Vec<_> = shown.hung.reactions.iter().map(|r| (r.reaction.as_str(), r.count, r.me, r.users.len())).collect();
        assert_eq!(reactions, [("+1", 150, true, 10), ("🎉", 150, true, 10)]);
        let thread = shown.hung.replies.as_ref().expect("a thread");
        let users: Vec<_> = thread.users.iter().map(UserId::as_str).collect();
        assert_eq!((thread.count, users), (40, vec!["u139", "u138", "u137", "u136", "u135"]));
        assert!(shown.hung.pinned && shown.hung.edited_at.is_some());

        let (mut found, mut of) = (Vec::new(), ReactorsOf::default());
        loop {
            let read = pen.0.reactors(None, &room("general"), N(said), &of, 70).await.expect("reactors");
            let (view, reactors) = read.expect("a room");
            assert!(reactors.is_message && view.room.head == page.head);
            found.extend(reactors.part.items.iter().map(|one| (one.reaction.to_string(), one.user.to_string())));
            let last = reactors.part.items.last().expect("somebody");
            of.after = Some((last.reaction.clone(), last.user.clone()));
            if !reactors.part.more {
                break;
            }
        }
        let every = |word: &'static str| names.iter().map(move |name| (word.to_owned(), name.clone()));
        assert_eq!(found, every("+1").chain(every("🎉")).collect::<Vec<_>>());
        let of = ReactorsOf { reaction: Some("🎉".into()), after: Some(("🎉".into(), user("u240"))) };
        let read = pen.0.reactors(Some(&user("u101")), &room("general"), N(said), &of, 100).await.expect("reactors");
        let (_, reactors) = read.expect("a room");
        assert_eq!((reactors.part.items.len(), reactors.part.more), (9, false));
        let alone = ReactorsOf { reaction: Some("+1".into()), after: None };
        let read = pen.0.reactors(None, &room("general"), N(said), &alone, 150).await.expect("reactors");
        assert_eq!(read.map(|(_, all)| (all.part.items.len(), all.part.more)), Some((150, false)));

        let gone = pen.append(pen.draft("general", "u100", "d", delete(said))).await;
        assert!(matches!(gone, Outcome::Filled { .. }), "{gone:?}");
        let page = pen.shows(Some("u149"), "general", ShownOf::One(N(said)), 1).await;
        let (shown, json) = (&page.entries[0], page.entries[0].json());
        assert!(shown.is_gone() && shown.hung.reactions.is_empty() && !shown.hung.pinned, "{json}");
        assert!(shown.hung.edited_at.is_none() && !json.contains("text") && json.contains("\"replies\""), "{json}");
        let read = pen.0.reactors(None, &room("general"), N(said), &ReactorsOf::default(), 10).await.expect("reactors");
        assert_eq!(read.map(|(_, all)| (all.is_message, all.part.items.len())), Some((true, 0)));
        for other in [1, said + 1, 100_000] {
            let read = pen.0.reactors(None, &room("general"), N(other), &ReactorsOf::default(), 10).await;
            assert!(!read.expect("reactors").expect("a room").1.is_message, "{other}");
        }
        assert!(pen.0.reactors(None, &room("nowhere"), N(1), &ReactorsOf::default(), 1).await.expect("none").is_none());
        assert!(pen.0.shown(None, &room("nowhere"), ShownOf::One(N(1)), 1).await.expect("none").is_none());
    }
}

/// What is counted beside the log is what can be counted anew.
async fn recomputed(home: &Home) {
    let wrong = [
        "FROM reaction_counts c WHERE c.count <> (SELECT count(*) FROM reactions r
            WHERE r.room = c.room AND r.target = c.target AND r.reaction = c.reaction)",
        "FROM reactions r JOIN entries e ON e.room = r.room AND e.seq = r.target WHERE e.gone IS NULL AND NOT EXISTS (
            SELECT 1 FROM reaction_counts c WHERE c.room = r.room AND c.target = r.target AND c.reaction = r.reaction)",
        "FROM reactions r WHERE r.seq <> (SELECT max(e.seq) FROM entries e WHERE e.room = r.room AND e.kind = 'reacted'
            AND e.target = r.target AND e.author = r.user_id AND e.body = '{\"reaction\":\"' || r.reaction || '\"}')",
        "FROM threads t WHERE t.replies <> (SELECT count(*) FROM entries e
            WHERE e.room = t.room AND e.thread = t.root AND e.gone IS NULL)",
        "FROM threads t WHERE t.last <> (SELECT max(e.seq) FROM entries e WHERE e.room = t.room AND e.thread = t.root)",
        "FROM pins p JOIN entries e ON e.room = p.room AND e.seq = p.target WHERE e.gone IS NOT NULL",
        "FROM entries e WHERE e.gone IS NOT NULL AND (e.text IS NOT NULL OR e.data IS NOT NULL OR e.hash IS NOT NULL)",
    ];
    for wrong in wrong {
        assert_eq!(home.numbers(["count(*)"], wrong).await, [[Some(0)]], "{wrong}");
    }
    assert!(home.numbers(["count(*)"], "FROM reactions").await[0][0] > Some(0));
}
