use super::*;
use crate::{
    log::kinds::{Banned, Joined, Left, Message, Renamed, SessionState, Text},
    model::{access::Role, ids::UserId},
};

fn says(text: &str, data: Option<&str>, reply_to: Option<u64>) -> What {
    What::Message(Message::new(
        Text::parse(text).unwrap(),
        data.map(|data| Json::trusted(data.into())),
        reply_to.map(Seq::new),
    ))
}

#[test]
fn the_hash_tells_bodies_apart_that_join_to_the_same_bytes() {
    let key = HashKey([7; 32]);
    assert_eq!(key.hash(&says("hi", None, None)), key.hash(&says("hi", None, None)));
    assert_ne!(key.hash(&says("hi1", None, None)), key.hash(&says("hi", Some("1"), None)));
}

#[test]
fn the_hash_of_two_that_happen_together_is_that_of_neither() {
    let key = HashKey([7; 32]);
    let (name, state) = (What::Renamed(Renamed { name: "x".into() }), What::State(SessionState::Open));
    let both = key.hash_both(&name, &state);
    assert!(
        ![key.hash(&name), key.hash(&state), key.hash_both(&state, &name), key.hash_both(&name, &name)].contains(&both)
    );
}

/// Vectors of the first version: a retry across an update must not become a conflict. Never change one.
#[test]
fn the_hashes_of_the_first_versions_kinds_are_what_they_were() {
    let ana = UserId::parse("ana").unwrap();
    let key = HashKey([9; 32]);
    for (what, expected) in [
        (says("hi", None, None), "5f6acec3cad86f086dde44eef69754c5"),
        (says("", Some(r#"{"n":1.50}"#), Some(41)), "3c8549a5bf33677bc36c2d9f24e47a01"),
        (says("line\nline \u{1f642}", Some("1"), None), "7dfa0fe28da5e2732ac1c9b53c3bbfcc"),
        (What::Joined(Joined { user: ana.clone(), role: Role::Admin }), "2354b952f695865a180c4fea5e0d788c"),
        (What::Joined(Joined { user: ana.clone(), role: Role::Member }), "847f9bb2c65bd4b9f847cb050de4674b"),
        (What::Left(Left { user: ana.clone() }), "da7b558491f25d831a8a7a194935ff51"),
        (What::Banned(Banned { user: ana }), "511f81b4adf9fc076654bf26d0736bf0"),
        (What::Renamed(Renamed { name: "Kitchen".into() }), "25c5615afe9d4776ab85417b4237d69c"),
        (What::State(SessionState::Open), "3ff828e63f2696f1d6582b7f1aeba145"),
        (What::State(SessionState::Waiting), "b6c612cd080f7ed26281845c30c27068"),
        (What::State(SessionState::Closed), "b640ad1a1b0a7b7cb91e809a69d69a58"),
    ] {
        let hex: String = key.hash(&what).0.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected, "{what:?}");
    }
}

#[test]
fn a_database_is_named_by_key_and_name_and_neither_can_be_read_off() {
    let (key, other) = (HashKey([7; 32]), HashKey([8; 32]));
    let name = key.name_of("one");
    assert_eq!(name, key.name_of("one"));
    assert!(name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    assert!(name != key.name_of("two") && name != other.name_of("one"));
    // What clients have kept is known by it: it must never be made in another way.
    assert_eq!(name, "f75b917e36dc31737ec9ab324f830baa");
}
