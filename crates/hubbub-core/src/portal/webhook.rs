//! What a webhook of ours says: rendered from the entry, so that every attempt, by whichever instance, has the same id.

use super::{PortalId, author::Author, mapping::message_id_in, settings::Forward};
use crate::{
    delivery::progress::SentMessage,
    log::{
        content::Content,
        encoded,
        entry::Entry,
        kinds::{SessionState, What},
    },
    model::{
        ids::{RoomId, UserId},
        json::to_json,
        seq::Seq,
    },
};
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use uuid::Uuid;

#[derive(Serialize)]
struct Webhook<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    session_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<&'a str>,
    customer: &'a str,
    from: Author<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    message_id: String,
    seq: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_message_id: Option<&'a str>,
    entry: Box<RawValue>,
}

/// The message that an edit or a deletion is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Its id.
    pub id: Uuid,
    /// Its number.
    pub seq: Seq,
    /// The portal's own ids of it, as far as they are known: several, where it went out in parts. In their order.
    pub externals: Vec<String>,
}

impl About {
    /// The message that an entry is about.
    pub const fn target(what: &What) -> Option<Seq> {
        match what {
            What::Edited(edited) => Some(edited.target),
            What::Deleted(deleted) => Some(deleted.target),
            _ => None,
        }
    }

    /// A message as a store knows it: its id, the portal's ids that it was `sent` under, and the names of `events` that brought it
    /// or are echoes of it.
    pub fn new(id: Uuid, seq: Seq, sent: &[SentMessage], events: &[String]) -> Self {
        let sent = sent.iter().filter(|sent| sent.seq == seq.get()).map(|sent| sent.id.as_str());
        let mut externals: Vec<String> = Vec::new();
        let mut named: Vec<&str> = events.iter().filter_map(|name| message_id_in(name)).collect();
        named.sort_unstable();
        for one in sent.chain(named) {
            if !externals.iter().any(|known| known == one) {
                externals.push(one.to_owned());
            }
        }
        Self { id, seq, externals }
    }

    /// The portal's own id of it, where it has one that stands for all of it.
    pub fn external(&self) -> Option<&str> {
        match &self.externals[..] {
            [one] => Some(one),
            _ => None,
        }
    }
}

/// The id of the webhook about an entry, for `webhook-id`: the same for every attempt, and no other's. By the entry's own id: numbers
/// are given again to others where the database has gone back.
pub fn id(database: &str, portal: &PortalId, session: &RoomId, entry: Uuid) -> String {
    let mut hash = Sha256::new();
    for part in [database, portal.as_str(), session.as_str()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.update(entry);
    let hex: String = hash.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("msg_{hex}")
}

/// The type of the webhook about an entry; `None`: it is not for the portal, because its settings say so or because it wrote
/// the entry itself.
pub fn kind(entry: &Entry, forward: &[Forward], portal: &PortalId) -> Option<&'static str> {
    if portal.speaks_as(&entry.from) {
        return None;
    }
    let (wanted, kind) = match &entry.what {
        What::Message(_) => (Forward::Messages, "message.created"),
        What::Edited(_) => (Forward::Edits, "message.edited"),
        What::Deleted(_) => (Forward::Deletions, "message.deleted"),
        What::State(SessionState::Open) => (Forward::States, "session.opened"),
        What::State(SessionState::Waiting) => (Forward::States, "session.waiting"),
        What::State(SessionState::Closed) => (Forward::States, "session.closed"),
        _ => return None,
    };
    forward.contains(&wanted).then_some(kind)
}

/// The body, JSON: the same bytes for the same arguments. `external` is the portal's own id of the conversation, as far as it was
/// known when the entry was claimed; `about` is the message that it changes.
pub fn body(kind: &str, entry: &Entry, external: Option<&str>, customer: &UserId, about: Option<&About>) -> String {
    let message = Content::of(&entry.what).map(|content| content.text.as_str());
    to_json(&Webhook {
        kind,
        timestamp: entry.at.to_string(),
        data: Data {
            session_id: entry.room.as_str(),
            external_id: external,
            customer: customer.as_str(),
            from: Author::of(entry, customer),
            message,
            message_id: about.map_or(entry.id, |about| about.id).to_string(),
            seq: entry.seq.get(),
            message_seq: about.map(|about| about.seq.get()),
            external_message_id: about.and_then(About::external),
            entry: encoded::raw(entry),
        },
    })
}

/// The portal's own id of the conversation in its answer: a text or a number that is not too long.
pub fn external_in(answer: &[u8], pointer: &str) -> Option<String> {
    super::mapping::id_in(std::str::from_utf8(answer).ok()?, pointer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        log::kinds::{Deleted, Edited, Joined, Message, Pinned, Reacted, ReactionWord, Text},
        model::{access::Role, ids::Key, time::Timestamp},
    };

    fn entry(from: &str, what: What) -> Entry {
        Entry {
            room: RoomId::parse("s1").unwrap(),
            seq: Seq::new(3),
            id: uuid::Uuid::from_u128(7),
            from: UserId::parse(from).unwrap(),
            at: Timestamp(1_769_851_800_123),
            key: Key::parse("k").unwrap(),
            what,
        }
    }

    fn says(text: &str) -> What {
        What::Message(Message::new(Text::parse(text).unwrap(), None, None))
    }

    #[test]
    fn an_id_belongs_to_one_entry_for_one_portal() {
        let (desk, room) = (PortalId::parse("desk").unwrap(), RoomId::parse("s1").unwrap());
        let first = id("db", &desk, &room, Uuid::from_u128(1));
        assert_eq!(first.len(), 36);
        assert_eq!(first, id("db", &desk, &room, Uuid::from_u128(1)));
        let (other, shifted) = (PortalId::parse("desks1").unwrap(), PortalId::parse("esk").unwrap());
        for another in [
            id("db2", &desk, &room, Uuid::from_u128(1)),
            id("db", &other, &room, Uuid::from_u128(1)),
            id("dbd", &shifted, &room, Uuid::from_u128(1)),
            id("db", &desk, &RoomId::parse("s2").unwrap(), Uuid::from_u128(1)),
            id("db", &desk, &room, Uuid::from_u128(2)),
        ] {
            assert_ne!(first, another);
        }
    }

    #[test]
    fn a_portal_is_sent_what_its_settings_say_and_nothing_that_it_wrote() {
        let desk = PortalId::parse("desk").unwrap();
        let all = [Forward::Messages, Forward::States];
        let edited =
            || What::Edited(Edited { target: Seq::new(2), content: Content::text(Text::parse("so").unwrap()) });
        let deleted = || What::Deleted(Deleted { target: Seq::new(2), of: None });
        // Who has not asked for changes is not told of any.
        assert_eq!(kind(&entry("ana", edited()), &all, &desk), None);
        assert_eq!(kind(&entry("ana", deleted()), &all, &desk), None);
        let changes = [Forward::Edits, Forward::Deletions];
        assert_eq!(kind(&entry("ana", edited()), &changes, &desk), Some("message.edited"));
        assert_eq!(kind(&entry("bot", deleted()), &changes, &desk), Some("message.deleted"));
        assert_eq!(kind(&entry("ana", edited()), &changes[1..], &desk), None);
        assert_eq!(kind(&entry("portal:desk/ada", edited()), &changes, &desk), None, "it comes from there");
        assert_eq!(kind(&entry("portal:desk/ada", deleted()), &changes, &desk), None, "it comes from there");
        let reacted =
            What::Reacted(Reacted { target: Seq::new(2), reaction: ReactionWord::parse("+1").unwrap(), added: true });
        for other in [reacted, What::Pinned(Pinned { target: Seq::new(2), pinned: true })] {
            assert_eq!(kind(&entry("ana", other), &[&all[..], &changes].concat(), &desk), None);
        }
        let closed = || What::State(SessionState::Closed);
        let joined = What::Joined(Joined { user: UserId::parse("ana").unwrap(), role: Role::Member });
        assert_eq!(kind(&entry("ana", says("hi")), &all, &desk), Some("message.created"));
        assert_eq!(kind(&entry("ana", says("hi")), &[Forward::States], &desk), None);
        for (state, word) in [
            (SessionState::Open, "session.opened"),
            (SessionState::Waiting, "session.waiting"),
            (SessionState::Closed, "session.closed"),
        ] {
            assert_eq!(kind(&entry("ana", What::State(state)), &all, &desk), Some(word));
        }
        assert_eq!(kind(&entry("ana", closed()), &all[..1], &desk), None);
        assert_eq!(kind(&entry("portal:desk/ada", says("hi")), &all, &desk), None);
        assert_eq!(kind(&entry("portal:desk2/ada", says("hi")), &all, &desk), Some("message.created"));
        assert_eq!(kind(&entry("ana", joined), &all, &desk), None);
    }

    #[test]
    fn the_body_has_the_session_the_text_and_the_entry() {
        let ana = UserId::parse("ana").unwrap();
        let body = body("message.created", &entry("ana", says("hi \"you\"")), Some("c9"), &ana, None);
        let json: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(json["type"], "message.created");
        assert_eq!(json["timestamp"], "2026-01-31T09:30:00.123Z");
        assert_eq!(json["data"]["sessionId"], "s1");
        assert_eq!(json["data"]["externalId"], "c9");
        assert_eq!(json["data"]["message"], "hi \"you\"");
        assert_eq!(json["data"]["customer"], "ana");
        assert_eq!(json["data"]["from"], serde_json::json!({ "id": "ana", "kind": "customer" }));
        assert_eq!(json["data"]["messageId"], "00000000-0000-0000-0000-000000000007");
        assert_eq!((&json["data"]["seq"], &json["data"]["entry"]["seq"]), (&3.into(), &3.into()));
        assert_eq!(json["data"]["entry"]["text"], "hi \"you\"");
    }

    #[test]
    fn a_change_names_its_message_by_our_id_and_by_the_portals_where_that_is_one() {
        let (ana, id) = (UserId::parse("ana").unwrap(), Uuid::from_u128(42));
        let content = Content::text(Text::parse("hello").unwrap());
        let edited = entry("ana", What::Edited(Edited { target: Seq::new(2), content }));
        let sent = |seq, id: &str| SentMessage { seq, id: id.into() };
        let names = ["m:2:c1:17.1".to_owned(), "m:2:s1:17.1".to_owned(), "h:x".to_owned()];
        let shown = |about: &About| -> serde_json::Value {
            serde_json::from_str(&body("message.edited", &edited, None, &ana, Some(about))).unwrap()
        };
        let json = shown(&About::new(id, Seq::new(2), &[sent(1, "16"), sent(2, "17.1")], &names));
        assert_eq!((&json["data"]["message"], &json["data"]["seq"]), (&"hello".into(), &3.into()));
        assert_eq!((&json["data"]["messageId"], &json["data"]["messageSeq"]), (&id.to_string().into(), &2.into()));
        assert_eq!(json["data"]["externalMessageId"], "17.1");
        // In parts it has several, in the order in which they were sent.
        let about = About::new(id, Seq::new(2), &[sent(2, "b"), sent(2, "a")], &["m:2:c1:a".to_owned()]);
        assert_eq!((about.externals.clone(), about.external()), (vec!["b".to_owned(), "a".to_owned()], None));
        assert!(shown(&about)["data"].as_object().unwrap().get("externalMessageId").is_none());
        let deleted = entry("ana", What::Deleted(Deleted { target: Seq::new(2), of: None }));
        let json = body("message.deleted", &deleted, None, &ana, Some(&about));
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert!(json["data"].as_object().unwrap().get("message").is_none(), "{json}");
        assert_eq!(json["data"]["messageSeq"], 2);
    }

    #[test]
    fn a_change_of_state_has_no_message_and_what_is_not_known_is_left_out() {
        let ana = UserId::parse("ana").unwrap();
        let closed = entry("ana", What::State(SessionState::Closed));
        let body = body("session.closed", &closed, None, &ana, None);
        let json: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!((&json["type"], &json["data"]["entry"]["type"]), (&"session.closed".into(), &"closed".into()));
        let data = json["data"].as_object().unwrap();
        assert!(!data.contains_key("message") && !data.contains_key("externalId"), "{body}");
    }

    #[test]
    fn a_conversations_id_is_a_text_or_a_number() {
        let long = "x".repeat(257);
        let answer = format!(
            r#"{{"id":118,"big":12345678901234567890123,"conversation":{{"id":"c-1"}},"list":[],"none":null,"":"","long":"{long}"}}"#
        );
        let answer = answer.as_bytes();
        assert_eq!(external_in(answer, "/big").as_deref(), Some("12345678901234567890123"));
        assert_eq!(external_in(answer, "/id").as_deref(), Some("118"));
        assert_eq!(external_in(answer, "/conversation/id").as_deref(), Some("c-1"));
        for pointer in ["/long", "/list", "/none", "/nowhere", "/", ""] {
            assert_eq!(external_in(answer, pointer), None, "{pointer}");
        }
        assert_eq!(external_in(b"<html>", "/id"), None);
    }
}
