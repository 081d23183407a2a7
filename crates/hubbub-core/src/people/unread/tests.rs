use super::*;
use crate::{
    log::kinds::{DeletedMessage, Joined, Text},
    model::{access::Role, ids::Key},
};
use uuid::Uuid;

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn content(mentions: &[&str], all: bool) -> Content {
    let text = Text::parse("hi").unwrap();
    Content { mentions: mentions.iter().map(|name| user(name)).collect(), mention_all: all, ..Content::text(text) }
}

fn says(content: Content, thread: Option<u64>, in_room: bool) -> What {
    What::Message(Message { content, reply_to: None, thread: thread.map(Seq::new), in_room })
}

fn plain() -> What {
    says(content(&[], false), None, false)
}

fn line() -> What {
    What::Joined(Joined { user: user("zoe"), role: Role::Member })
}

fn log(all: Vec<(&str, What)>) -> Vec<Entry> {
    let entry = |(n, (from, what)): (usize, (&str, What))| Entry {
        room: RoomId::parse("general").unwrap(),
        seq: Seq::new(n as u64 + 1),
        id: Uuid::from_u128(n as u128),
        from: user(from),
        at: Timestamp(n as i64),
        key: Key::parse(&format!("k{n}")).unwrap(),
        what,
    };
    all.into_iter().enumerate().map(entry).collect()
}

/// Unread and mentions of ben; `+` where there may be more.
fn of(all: Vec<(&str, What)>, read: u64, joined: u64) -> String {
    let unread = unread_of(&log(all), &user("ben"), Seq::new(read), Seq::new(joined));
    assert_eq!(unread.read, Seq::new(read));
    let told = |counted: Counted| format!("{}{}", counted.count, if counted.more { "+" } else { "" });
    format!("{}, {}", told(unread.unread), told(unread.mentions))
}

#[test]
fn what_others_have_said_since_is_unread() {
    let all = || {
        vec![
            ("ana", plain()),
            ("ana", says(content(&["ben"], false), None, false)),
            ("cem", line()),
            ("ana", says(content(&["cem"], false), None, false)),
            ("ana", says(content(&[], true), Some(1), false)),
            ("ana", says(content(&["ben"], true), Some(1), true)),
        ]
    };
    assert_eq!(of(all(), 0, 0), "4, 3");
    assert_eq!(of(all(), 2, 0), "2, 2");
    assert_eq!(of(all(), 0, 3), "2, 2", "what was said before one came was not for one");
    assert_eq!(of(all(), 6, 3), "0, 0");
    assert_eq!(of(all(), 99, 0), "0, 0");
}

#[test]
fn who_sends_has_read() {
    let mut all = vec![("ana", says(content(&["ben"], false), None, false)), ("ben", plain()), ("ana", plain())];
    assert_eq!(of(all.clone(), 0, 0), "1, 0");
    // Not within a thread, where nobody sees the room.
    all.push(("ben", says(content(&[], true), Some(1), false)));
    all.push(("ana", says(content(&["ben"], false), Some(1), false)));
    assert_eq!(of(all.clone(), 0, 0), "1, 1");
    all.push(("ben", says(content(&[], false), Some(1), true)));
    assert_eq!(of(all.clone(), 0, 0), "0, 0");
    // Also where it is gone by now.
    all[5].1 = What::Gone(Gone {
        word: "message".into(),
        effects: Default::default(),
        target: None,
        thread: Some(Seq::new(1)),
        in_room: true,
    });
    all.push(("ana", plain()));
    assert_eq!(of(all, 0, 0), "1, 0");
}

#[test]
fn edits_and_deletions_count_as_they_are_now() {
    let edit = |mentions: &[&str]| What::Edited(Edited { target: Seq::new(1), content: content(mentions, false) });
    let delete = |author| {
        let of = DeletedMessage { author: user(author), thread: None, in_room: false, edits: vec![] };
        What::Deleted(Deleted { target: Seq::new(1), of: Some(of.into()) })
    };
    let mut all = vec![("ana", plain())];
    assert_eq!(of(all.clone(), 0, 0), "1, 0");
    all.push(("ana", edit(&["ben", "cem"])));
    assert_eq!(of(all.clone(), 0, 0), "1, 1");
    assert_eq!(of(all.clone(), 1, 0), "0, 0", "the message is read, whatever it says by now");
    all.push(("ana", edit(&["cem"])));
    assert_eq!(of(all.clone(), 0, 0), "1, 0");
    all.push(("hubbub:api", edit(&["ben"])));
    assert_eq!(of(all.clone(), 0, 0), "1, 1");
    all.push(("ana", delete("ana")));
    assert_eq!(of(all, 0, 0), "0, 0");
}

#[test]
fn it_is_counted_to_999_and_no_more_than_a_thousand_entries_are_looked_at() {
    let many = |from: &'static str, n: usize| (0..n).map(move |_| (from, says(content(&["ben"], false), None, false)));
    for (n, counted) in [(998, "998"), (999, "999"), (1_000, "999+"), (1_500, "999+")] {
        assert_eq!(of(many("ana", n).collect(), 0, 0), format!("{counted}, {counted}"));
    }
    // Lines are looked at, too, and are no messages.
    let lines = |n: usize| (0..n).map(|_| ("cem", line()));
    assert_eq!(of(many("ana", 3).chain(lines(996)).collect(), 0, 0), "3, 3");
    assert_eq!(of(many("ana", 3).chain(lines(997)).collect(), 0, 0), "3+, 3+");
    assert_eq!(of(many("ana", 3).chain(lines(997)).collect(), 1, 0), "2, 2");
    // An own message is found where it is near, and not further back.
    assert_eq!(of(many("ana", 2).chain(many("ben", 1)).chain(lines(999)).collect(), 0, 0), "0, 0");
    assert_eq!(of(many("ana", 2).chain(many("ben", 1)).chain(lines(1_000)).collect(), 0, 0), "0+, 2+");
}
