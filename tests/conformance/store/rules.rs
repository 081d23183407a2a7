//! What rules remember and count beside the log: it is written as the core says, and is there after reopening.

use super::{ADMIN, MEMBER, Pen, answers, answers_in_thread, for_every_store, place, room, says, user};
use hubbub_core::{
    limits::{BLANKED_AT_ONCE, REACTIONS_OF_MESSAGE},
    log::{
        entry::{Before, Draft, Outcome, Proposal, Right},
        kinds::{Banned, Changed, Content, Deleted, Edited, Joined, Left, Reacted, ReactionWord, Renamed, Text, What},
        room::PageOf,
    },
    model::{
        access::{Refusal, Role, RoomKind, Standing},
        ids::Key,
        seq::Seq,
    },
};
use uuid::Uuid;

fn joined(name: &str, role: Role) -> What {
    What::Joined(Joined { user: user(name), role })
}

fn left(name: &str) -> What {
    What::Left(Left { user: user(name) })
}

fn settings(json: &str) -> What {
    What::Changed(Changed::new(&serde_json::from_str(json).expect("settings")))
}

fn edit(target: u64, text: &str) -> What {
    let content = Content::text(Text::parse(text).expect("a text"));
    What::Edited(Edited { target: Seq::new(target), content })
}

fn delete(target: u64) -> What {
    What::Deleted(Deleted { target: Seq::new(target), of: None })
}

/// A change of name and settings in one draft.
fn both(pen: &Pen, from: &str, key: &str, name: &str, json: &str) -> Draft {
    let renamed = What::Renamed(Renamed { name: name.into() });
    let key = Some(Key::parse(key).expect("a key"));
    let proposal = Proposal::new(room("general"), user(from), key, settings(json), Right::Own);
    Proposal { before: Some(renamed), ..proposal }.draft(&pen.0.identity().hash_key, Uuid::now_v7)
}

for_every_store! {
    async fn who_left_as_a_reader_comes_back_as_one_also_after_reopening(home: &Home) {
        let pen = Pen(home.open().await);
        let members = [("ana", Role::Admin), ("rea", Role::Reader), ("ron", Role::Reader), ("ben", Role::Member)];
        pen.room("hall", RoomKind::Open, &members).await;
        let out = [
            ("rea", left("rea")),
            ("ana", What::Banned(Banned { user: user("ron") })),
            ("ana", left("ron")),
            ("ben", left("ben")),
        ];
        for (n, (from, what)) in out.into_iter().enumerate() {
            place(&pen.append(pen.draft("hall", from, &format!("l{n}"), what)).await);
        }
        drop(pen);
        let pen = Pen(home.open().await);
        let stands = async |name: &str| {
            pen.0.look_up(&[(room("hall"), user(name))]).await.expect("views")[0].clone().expect("a room").standing
        };
        let mut key = 0;
        let mut does = async |right: Right, from: &str, what: What| {
            key += 1;
            pen.append(Draft { right, ..pen.draft("hall", from, &format!("k{key}"), what) }).await
        };
        assert_eq!(stands("rea").await, Standing::Stranger);
        for (name, right) in [("rea", Right::Joining), ("ron", Right::Own)] {
            let outcome = does(right, name, joined(name, Role::Member)).await;
            assert!(matches!(&outcome, Outcome::Filled { what, .. } if **what == joined(name, Role::Reader)), "{outcome:?}");
            assert_eq!(stands(name).await, Standing::Member(Role::Reader), "{name}");
            assert_eq!(does(Right::Own, name, says("hi")).await, Outcome::Refused(Refusal::ReadOnly));
        }
        let log = pen.0.page(&room("hall"), PageOf::Newest, 1).await.expect("a page").expect("a room");
        assert_eq!(log.entries[0].what, joined("ron", Role::Reader), "the log says so");
        does(Right::Joining, "ben", joined("ben", Role::Member)).await;
        assert_eq!(stands("ben").await, MEMBER);
        // An admin may have them write, and then they are as everybody.
        does(Right::Own, "ana", joined("rea", Role::Member)).await;
        does(Right::Own, "rea", left("rea")).await;
        does(Right::Joining, "rea", joined("rea", Role::Member)).await;
        assert_eq!(stands("rea").await, MEMBER);
        place(&does(Right::Own, "rea", says("hi")).await);
        // And the backend, also while they are out.
        does(Right::Own, "ron", left("ron")).await;
        does(Right::Backend, "hubbub:api", joined("ron", Role::Member)).await;
        assert_eq!(stands("ron").await, MEMBER);
        assert_eq!(stands("ana").await, ADMIN);
    }

    async fn a_name_and_settings_are_one_change(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        let view = async || pen.0.look_up(&[(room("general"), user("ana"))]).await.expect("views")[0].clone().expect("a room").room;
        let change = both(&pen, "ana", "k", "Kitchen", r#"{"edit_window":60}"#);
        let refused = both(&pen, "ben", "k", "Bath", r#"{"edit_window":60}"#);
        assert_eq!(pen.append(refused).await, Outcome::Refused(Refusal::NotAdmin));
        let outcome = pen.append(change.clone()).await;
        let Outcome::Both { before, place } = outcome else { panic!("{outcome:?}") };
        assert_eq!((before.seq, place.seq), (Seq::new(3), Seq::new(4)));
        let now = view().await;
        assert_eq!((now.name.as_str(), now.head, now.settings.edit_window), ("Kitchen", Seq::new(4), Some(60)));
        let log = pen.0.page(&room("general"), PageOf::After(Seq::new(2)), 10).await.expect("a page").expect("a room");
        let first = change.before.as_deref().expect("a first");
        let expected = [(before.id, first.key(), first.what.clone()), (place.id, change.key.clone(), change.what.clone())];
        let entries: Vec<_> = log.entries.into_iter().map(|entry| (entry.id, entry.key, entry.what)).collect();
        assert_eq!(entries, expected);
        // Again, with other ids and the same key.
        let again = both(&pen, "ana", "k", "Kitchen", r#"{"edit_window":60}"#);
        assert_eq!(pen.append(again).await, Outcome::Known(*place));
        for other in [
            both(&pen, "ana", "k", "Bath", r#"{"edit_window":60}"#),
            both(&pen, "ana", "k", "Kitchen", r#"{"edit_window":61}"#),
            pen.draft("general", "ana", "k", settings(r#"{"edit_window":60}"#)),
            pen.draft("general", "ana", "k", What::Renamed(Renamed { name: "Kitchen".into() })),
        ] {
            assert!(matches!(pen.append(other).await, Outcome::Conflict { seq, .. } if seq == place.seq));
        }
        assert_eq!(view().await.head, Seq::new(4));
        let outcome = pen.append(both(&pen, "ana", "l", "Bath", r#"{"edit_window":60}"#)).await;
        assert!(matches!(&outcome, Outcome::Filled { what, .. } if matches!(**what, What::Renamed(_))), "{outcome:?}");
        assert_eq!((view().await.name.as_str(), view().await.head), ("Bath", Seq::new(5)));
        let Before { id, .. } = *first;
        assert_eq!(id, before.id);
    }

    async fn settings_of_a_newer_version_are_kept(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        let newer = r#"{"retention":{"days":90},"frozen":true,"history_from":"month","members_may":{"call":true}}"#;
        home.change(&format!("UPDATE rooms SET settings = '{newer}'")).await;
        assert_eq!(pen.append(pen.says("general", "ben", "a", "hi")).await, Outcome::Refused(Refusal::Frozen));
        place(&pen.append(pen.draft("general", "ana", "b", settings(r#"{"frozen":false,"members_may":{"pin":true}}"#))).await);
        for part in [r#""retention":{"days":90}"#, r#""history_from":"month""#, r#""call":true"#, r#""pin":true"#] {
            let there = format!("FROM rooms WHERE settings LIKE '%{part}%'");
            assert_eq!(home.numbers(["count(*)"], &there).await, [[Some(1)]], "{part}");
        }
        place(&pen.append(pen.says("general", "ben", "c", "hi")).await);
    }

    async fn what_is_below_where_somebody_reads_from_is_named_by_nobody(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        place(&pen.append(pen.says("general", "ana", "a", "before")).await);
        place(&pen.append(pen.draft("general", "ana", "b", settings(r#"{"history_from":"joined"}"#))).await);
        place(&pen.append(pen.draft("general", "ana", "c", joined("cem", Role::Member))).await);
        let below = |field| Outcome::Refused(Refusal::BelowFloor(field));
        let reacted = |target| {
            let reaction = ReactionWord::parse("+1").expect("a reaction");
            What::Reacted(Reacted { target: Seq::new(target), reaction, added: true })
        };
        // A message, and what is none: nobody learns which is which.
        for target in [3, 2] {
            let drafts = [
                pen.draft("general", "cem", &format!("d{target}"), answers("re", Some(target))),
                pen.draft("general", "cem", &format!("e{target}"), answers_in_thread("re", target)),
                pen.draft("general", "cem", &format!("f{target}"), reacted(target)),
            ];
            assert_eq!(pen.append(drafts[0].clone()).await, below("reply_to"), "of messages only");
            let outcomes = pen.0.append(&drafts).await.expect("outcomes");
            assert_eq!(outcomes, [below("reply_to"), below("thread"), below("target")], "{target}");
        }
        let own = place(&pen.append(pen.says("general", "cem", "g", "mine")).await).seq.get();
        place(&pen.append(pen.draft("general", "cem", "h", left("cem"))).await);
        place(&pen.append(pen.draft("general", "ana", "i", joined("cem", Role::Member))).await);
        place(&pen.append(pen.draft("general", "cem", "j", answers("as I said", Some(own)))).await);
        place(&pen.append(pen.draft("general", "ana", "k", answers("re", Some(3)))).await);
    }

    async fn a_batch_blanks_so_much_and_the_rest_waits_for_the_next(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        pen.room("other", RoomKind::Private, &[("ben", Role::Member)]).await;
        let edits = BLANKED_AT_ONCE * 2 / 5;
        let mut drafts: Vec<_> = ["a", "b", "c"].map(|key| pen.says("general", "ben", key, "first")).into();
        drafts.extend((0..3 * edits).map(|n| pen.draft("general", "ben", &format!("e{n}"), edit(3 + n as u64 % 3, &format!("text {n}")))));
        for part in drafts.chunks(250) {
            pen.0.append(part).await.expect("outcomes");
        }
        let batch = [
            // In another order than that of their numbers.
            pen.draft("general", "ben", "d5", delete(5)),
            pen.draft("general", "ben", "d3", delete(3)),
            pen.draft("general", "ben", "d4", delete(4)),
            pen.says("general", "ben", "behind", "behind it"),
            pen.says("other", "ben", "elsewhere", "elsewhere"),
        ];
        let outcomes = pen.0.append(&batch).await.expect("outcomes");
        assert!(matches!(&outcomes[..2], [Outcome::Filled { .. }, Outcome::Filled { .. }]), "{outcomes:?}");
        assert_eq!(outcomes[2..4], [Outcome::PutOff, Outcome::PutOff]);
        place(&outcomes[4]);
        let gone = async || home.numbers(["count(*)"], "FROM entries WHERE gone IS NOT NULL").await[0][0];
        assert_eq!(gone().await, Some(2 * (edits as i64 + 1)));
        let outcomes = pen.0.append(&batch).await.expect("outcomes");
        assert!(matches!(outcomes[..4], [Outcome::Known(_), Outcome::Known(_), Outcome::Filled { .. }, Outcome::Appended(_)]), "{outcomes:?}");
        assert_eq!(gone().await, Some(3 * (edits as i64 + 1)));
        let left = "FROM entries WHERE kind IN ('message', 'edited') AND text LIKE 'text%'";
        assert_eq!(home.numbers(["count(*)"], left).await, [[Some(0)]]);
        // Of what is gone already there is nothing to blank.
        let again: Vec<_> = (3..6).map(|n| pen.draft("general", "ben", &format!("again {n}"), delete(n))).collect();
        assert_eq!(pen.0.append(&again).await.expect("outcomes"), [Outcome::Unchanged, Outcome::Unchanged, Outcome::Unchanged]);
    }

    async fn so_many_different_reactions_are_on_a_message_whatever_stands_in_one_batch(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        place(&pen.append(pen.says("general", "ana", "a", "like it?")).await);
        let mut key = 0;
        let mut reacts = |from: &str, word: &str, added: bool| {
            key += 1;
            let reaction = ReactionWord::parse(word).expect("a reaction");
            pen.draft("general", from, &format!("k{key}"), What::Reacted(Reacted { target: Seq::new(3), reaction, added }))
        };
        // Two are missing; the first is there twice.
        let mut all: Vec<_> = (0..REACTIONS_OF_MESSAGE - 2).map(|n| reacts("ana", &format!("w{n}"), true)).collect();
        all.push(reacts("ben", "w0", true));
        pen.0.append(&all).await.expect("outcomes").iter().for_each(|outcome| _ = place(outcome));
        let what = "different reactions on this message";
        let full = Outcome::Refused(Refusal::TooMany { field: "reaction", what, limit: REACTIONS_OF_MESSAGE });
        let batch = [
            reacts("ana", "new 1", true),
            reacts("ben", "new 1", true),
            reacts("ben", "new 2", true),
            reacts("ana", "new 3", true),
            reacts("ben", "w1", true),
            // Still there, by the other.
            reacts("ana", "w0", false),
            reacts("ana", "new 4", true),
            reacts("ben", "w0", false),
            reacts("ana", "new 5", true),
            reacts("ana", "w0", true),
        ];
        let outcomes = pen.0.append(&batch).await.expect("outcomes");
        let refused: Vec<usize> = (0..batch.len()).filter(|n| outcomes[*n] == full).collect();
        assert_eq!(refused, [3, 6, 9], "{outcomes:?}");
        let taken = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Appended(_))).count();
        assert_eq!(taken, batch.len() - refused.len(), "{outcomes:?}");
        let different = async || home.numbers(["count(*)", "sum(count)"], "FROM reaction_counts").await[0];
        let limit = REACTIONS_OF_MESSAGE as i64;
        assert_eq!(different().await, [Some(limit), Some(limit + 2)]);
        assert_eq!(pen.append(reacts("ben", "new 6", true)).await, full, "in a batch of its own");
        place(&pen.append(reacts("ana", "w5", false)).await);
        place(&pen.append(reacts("ben", "new 6", true)).await);
        assert_eq!(pen.append(reacts("ben", "new 7", true)).await, full);
        assert_eq!(different().await[0], Some(limit));
    }
}
