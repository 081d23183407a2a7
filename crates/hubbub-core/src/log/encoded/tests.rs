use super::*;
use crate::{
    log::kinds::{Banned, Gone, Joined, Left, Message, Other, Renamed, SessionState, Text},
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
        What::Message(Message {
            text: Text::parse("line\nline \u{1f642}").unwrap(),
            data: Some(Json::trusted(r#"{"n":1.50}"#.into())),
            reply_to: Some(Seq::new(41)),
        }),
        What::Message(Message { text: Text::parse("").unwrap(), data: None, reply_to: None }),
        What::Joined(Joined { user: ben(), role: Role::Admin }),
        What::Left(Left { user: ben() }),
        What::Banned(Banned { user: ben() }),
        What::Renamed(Renamed { name: "Kitchen".into() }),
        What::State(SessionState::Open),
        What::State(SessionState::Waiting),
        What::State(SessionState::Closed),
    ]
}

const ENVELOPE: &str = r#""id":"00000000-0000-0000-0000-000000000007","room":"general","seq":42,"from":"ana \",\"key\":\"x\"","at":"2026-01-31T09:30:00.123Z","key":"k\"1\\""#;

#[test]
fn the_json_of_every_kind_is_what_the_first_version_wrote() {
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
    };
    let effects = Effects::default().removes(&user("ben"));
    let what = What::read("expelled", columns, effects.clone()).unwrap();
    assert!(matches!(&what, What::Other(Other { word, .. }) if &**word == "expelled"));
    assert_eq!(what.effects(), effects);
    let members =
        r#""text":"new\ntext","data":{"n":1.50},"target":3,"user":"ben","role":"reader","until":5,"why":"spam""#;
    assert_eq!(encode(&entry(what)), format!(r#"{{"type":"expelled",{ENVELOPE},{members}}}"#));
    let bare = What::read("pinned", Columns { body: text("{}"), ..Columns::default() }, Effects::default()).unwrap();
    assert_eq!(encode(&entry(bare)), format!(r#"{{"type":"pinned",{ENVELOPE}}}"#));
}

#[test]
fn of_a_blanked_entry_only_what_surrounds_the_content_is_left() {
    let gone = |word: &str| entry(What::Gone(Gone { word: word.into(), effects: Effects::default() }));
    for what in every_kind() {
        let word = what.word().to_owned();
        let blank = blanked(&encode(&entry(what))).unwrap();
        assert_eq!(blank, format!(r#"{{"type":"{word}",{ENVELOPE},"gone":true}}"#));
        assert_eq!(blank, encode(&gone(&word)));
    }
    for strange in ["", "null", r#"{"type":"message"}"#, r#"{"type":"message","key":"unfinished"#] {
        assert_eq!(blanked(strange), None, "{strange}");
    }
}
