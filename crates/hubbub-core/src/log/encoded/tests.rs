use super::*;
use crate::{
    log::{
        body::Columns,
        kinds::{
            Banned, Changed, Content, Deleted, DeletedMessage, Edited, Gone, Joined, Left, Message, Muted, Other,
            Pinned, Reacted, ReactionWord, Renamed, SessionState, Text,
        },
    },
    model::{
        access::Role,
        ids::{Key, UserId},
        json::Json,
        time::Timestamp,
    },
};

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn entry(what: What) -> Entry {
    Entry {
        room: RoomId::parse("general").unwrap(),
        seq: Seq::new(42),
        id: uuid::Uuid::from_u128(7),
        from: user(r#"ana ","key":"x""#),
        at: Timestamp(1_769_851_800_123),
        key: Key::parse("k\"1\\").unwrap(),
        what,
    }
}

fn every_kind() -> Vec<What> {
    let ben = || user("ben \"x\"");
    vec![
        What::Message(Message::new(
            Text::parse("line\nline \u{1f642}").unwrap(),
            Some(Json::trusted(r#"{"n":1.50}"#.into())),
            Some(Seq::new(41)),
        )),
        What::Message(Message::new(Text::parse("").unwrap(), None, None)),
        What::Joined(Joined { user: ben(), role: Role::Admin }),
        What::Left(Left { user: ben() }),
        What::Banned(Banned { user: ben() }),
        What::Renamed(Renamed { name: "Kitchen".into() }),
        What::State(SessionState::Open),
        What::State(SessionState::Waiting),
        What::State(SessionState::Closed),
        What::Message(Message {
            content: Content {
                mentions: [user("cem"), ben()].into(),
                mention_all: true,
                ..Content::text(Text::parse("hi").unwrap())
            },
            reply_to: Some(Seq::new(41)),
            thread: Some(Seq::new(40)),
            in_room: true,
        }),
        What::Joined(Joined { user: ben(), role: Role::Moderator }),
        What::Edited(Edited {
            target: Seq::new(41),
            content: Content { mentions: [user("cem")].into(), ..Content::text(Text::parse("ho").unwrap()) },
        }),
        What::Deleted(Deleted { target: Seq::new(41), of: None }),
        What::Deleted(Deleted {
            target: Seq::new(41),
            of: Some(
                DeletedMessage {
                    author: ben(),
                    thread: Some(Seq::new(40)),
                    in_room: true,
                    edits: vec![Seq::new(43), Seq::new(42)],
                }
                .into(),
            ),
        }),
        What::Reacted(reacted(true)),
        What::Reacted(reacted(false)),
        What::Pinned(Pinned { target: Seq::new(41), pinned: true }),
        What::Pinned(Pinned { target: Seq::new(41), pinned: false }),
        What::Muted(Muted { user: ben(), until: Some(Timestamp(1_769_851_800_123)) }),
        What::Muted(Muted { user: ben(), until: None }),
        What::Changed(Changed::new(
            &serde_json::from_str(r#"{"slow_mode":10,"edit_window":null,"members_may":{"pin":true}}"#).unwrap(),
        )),
    ]
}

fn reacted(added: bool) -> Reacted {
    Reacted { target: Seq::new(41), reaction: ReactionWord::parse("\u{1f44d}\u{1f3fd}").unwrap(), added }
}

const ENVELOPE: &str = r#""id":"00000000-0000-0000-0000-000000000007","room":"general","seq":42,"from":"ana \",\"key\":\"x\"","at":"2026-01-31T09:30:00.123Z","key":"k\"1\\""#;

#[test]
fn the_json_of_every_kind_is_this_and_never_changes() {
    let bodies = [
        r#"{"type":"message",E,"text":"line\nline 🙂","data":{"n":1.50},"reply_to":41}"#,
        r#"{"type":"message",E,"text":""}"#,
        r#"{"type":"joined",E,"user":"ben \"x\"","role":"admin"}"#,
        r#"{"type":"left",E,"user":"ben \"x\""}"#,
        r#"{"type":"banned",E,"user":"ben \"x\""}"#,
        r#"{"type":"renamed",E,"name":"Kitchen"}"#,
        r#"{"type":"opened",E}"#,
        r#"{"type":"waiting",E}"#,
        r#"{"type":"closed",E}"#,
        r#"{"type":"message",E,"text":"hi","reply_to":41,"thread":40,"in_room":true,"mentions":["cem","ben \"x\""],"mention_all":true}"#,
        r#"{"type":"joined",E,"user":"ben \"x\"","role":"moderator"}"#,
        r#"{"type":"edited",E,"text":"ho","target":41,"mentions":["cem"]}"#,
        r#"{"type":"deleted",E,"target":41}"#,
        r#"{"type":"deleted",E,"target":41,"author":"ben \"x\"","thread":40,"in_room":true,"edits":[43,42]}"#,
        r#"{"type":"reacted",E,"target":41,"reaction":"👍🏽"}"#,
        r#"{"type":"unreacted",E,"target":41,"reaction":"👍🏽"}"#,
        r#"{"type":"pinned",E,"target":41}"#,
        r#"{"type":"unpinned",E,"target":41}"#,
        r#"{"type":"muted",E,"user":"ben \"x\"","until":"2026-01-31T09:30:00.123Z"}"#,
        r#"{"type":"unmuted",E,"user":"ben \"x\""}"#,
        r#"{"type":"changed",E,"settings":{"slow_mode":10,"edit_window":null,"members_may":{"pin":true}}}"#,
    ];
    for (what, body) in every_kind().into_iter().zip(bodies) {
        assert_eq!(encode(&entry(what)), body.replacen('E', ENVELOPE, 1));
    }
}

#[test]
fn every_kind_survives_its_columns() {
    let words: Vec<_> = every_kind().iter().map(|what| what.word().to_owned()).collect();
    for word in What::WORDS.iter().copied().flatten() {
        assert!(words.iter().any(|tested| tested == word), "no test for {word}");
    }
    for what in every_kind() {
        let read = What::read(what.word(), Columns::of(&what), Effects::default()).unwrap();
        assert_eq!(read, what);
    }
}

#[test]
fn a_kind_that_is_not_known_is_written_as_its_own_version_writes_it() {
    let text = |text: &str| Some(text.to_owned().into());
    let columns = Columns {
        text: text("new\ntext"),
        data: text(r#"{"n":1.50}"#),
        target: Some(Seq::new(3)),
        subject: text("ben"),
        role: text("reader"),
        body: text(r#"{"until":5,"why":"spam"}"#),
        ..Columns::default()
    };
    let effects = Effects::default().removes(&user("ben"));
    let what = What::read("expelled", columns, effects.clone()).unwrap();
    assert!(matches!(&what, What::Other(Other { word, .. }) if &**word == "expelled"));
    assert_eq!(what.effects(), effects);
    let members =
        r#""text":"new\ntext","data":{"n":1.50},"target":3,"user":"ben","role":"reader","until":5,"why":"spam""#;
    assert_eq!(encode(&entry(what)), format!(r#"{{"type":"expelled",{ENVELOPE},{members}}}"#));
    let bare = What::read("expired", Columns { body: text("{}"), ..Columns::default() }, Effects::default()).unwrap();
    assert_eq!(encode(&entry(bare)), format!(r#"{{"type":"expired",{ENVELOPE}}}"#));
}

#[test]
fn of_a_blanked_entry_only_what_surrounds_the_content_is_left() {
    for what in every_kind() {
        let word = what.word().to_owned();
        let Columns { target, thread, in_room, .. } = Columns::of(&what);
        let gone = Gone { word: word.clone().into(), effects: Effects::default(), target, thread, in_room };
        let surroundings = match (&*word, target, thread) {
            ("message", Some(_), None) => r#","reply_to":41"#,
            ("message", Some(_), Some(_)) => r#","reply_to":41,"thread":40,"in_room":true"#,
            (_, Some(_), _) => r#","target":41"#,
            _ => "",
        };
        let expected = format!(r#"{{"type":"{word}",{ENVELOPE}{surroundings},"gone":true}}"#);
        assert_eq!(encode(&entry(What::Gone(gone))), expected);
        if !matches!(&what, What::Deleted(Deleted { of: Some(_), .. })) {
            assert_eq!(blanked(&encode(&entry(what))).unwrap(), expected);
        }
    }
    for strange in ["", "null", r#"{"type":"message"}"#, r#"{"type":"message","key":"unfinished"#] {
        assert_eq!(blanked(strange), None, "{strange}");
    }
}
