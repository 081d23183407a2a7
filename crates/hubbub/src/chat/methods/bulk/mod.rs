//! Many things at once, for the product's backend, each with an answer of its own: one that is refused is no reason to leave the others
//! undone.

pub mod create_rooms;
pub mod put_memberships;
pub mod send_messages;

use super::{MethodError, Problem};
use hubbub_core::{log::entry::Place, model::ids::Invalid};
use serde::Serialize;
use utoipa::ToSchema;

/// Where one of many things went, or why not.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkWritten {
    /// The entry's number in its room; absent where things were as asked already.
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    /// Its id, a UUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem>,
}

/// What became of many things.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkWrittenAll {
    /// One for each asked, in order.
    results: Vec<BulkWritten>,
}

impl BulkWrittenAll {
    fn new(written: Vec<Result<Option<Place>, MethodError>>) -> Self {
        let result = |written: Result<Option<Place>, MethodError>| {
            let (place, error) = match written {
                Ok(place) => (place, None),
                Err(error) => (None, Some(Problem::from(error))),
            };
            let (seq, id) = (place.map(|place| place.seq.get()), place.map(|place| place.id.to_string()));
            BulkWritten { seq, id, error }
        };
        Self { results: written.into_iter().map(result).collect() }
    }
}

/// Whether so many are asked for at once.
fn at_once(field: &'static str, named: usize, limit: usize) -> Result<(), MethodError> {
    if named > limit {
        return Err(Invalid::new(field, format!("{named} asked for; the limit is {limit}")).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{create_rooms::CreateRooms, put_memberships::PutMemberships, send_messages::SendMessages};
    use crate::chat::{
        Chat,
        methods::{JsonBody, MethodError, NoQuery, RestBody, RestMethod, RestRequest},
    };
    use bytes::Bytes;
    use hubbub_core::{
        limits,
        log::{
            entry::{Proposal, Right},
            kinds::{Message, Text, What},
            source::Source,
        },
        model::ids::{RoomId, UserId},
    };
    use serde_json::{Value, json};

    async fn asks<M>(chat: &Chat, key: Option<&str>, body: Value) -> Result<Vec<Value>, MethodError>
    where
        M: RestMethod<On = Chat, Path = (), Query = NoQuery>,
    {
        let body = M::Body::read(Bytes::from(body.to_string()), None)?;
        let idempotency_key = key.map(|key| key.as_bytes().to_vec());
        let (by, request) = M::translate(RestRequest { path: (), query: NoQuery, body, idempotency_key })?;
        let answer = serde_json::to_value(M::run(chat, &by, request).await?).expect("JSON");
        Ok(answer["results"].as_array().expect("results").clone())
    }

    /// The seq of each, or its problem's word.
    fn short(results: &[Value]) -> Vec<String> {
        let one = |result: &Value| match (&result["seq"], &result["error"]["code"]) {
            (Value::Number(seq), _) => seq.to_string(),
            (_, Value::String(code)) => code.clone(),
            _ => "so already".to_owned(),
        };
        results.iter().map(one).collect()
    }

    #[tokio::test]
    async fn each_of_many_has_an_answer_of_its_own_and_happens_once() {
        let folder = tempfile::tempdir().unwrap();
        let chat = Chat::alone(&folder.path().join("chat.db"));
        let rooms = json!({ "rooms": [
            { "id": "a", "kind": "private", "members": [{ "user": "ana" }] },
            { "id": "b", "kind": "open" },
            { "id": "a", "kind": "open" },
            { "id": "not an id", "kind": "open" },
            { "kind": "direct", "members": [{ "user": "ana" }, { "user": "ben" }, { "user": "cem" }] },
        ] });
        for (created, made) in [(true, true), (false, false)] {
            let results = asks::<CreateRooms>(&chat, None, rooms.clone()).await.unwrap();
            let told: Vec<_> = results
                .iter()
                .map(|result| {
                    (
                        result["created"].as_bool().unwrap(),
                        result["room"]["id"].as_str(),
                        result["error"]["code"].as_str(),
                    )
                })
                .collect();
            let direct = results[4]["room"]["id"].as_str();
            let expected = [
                (created, Some("a"), None),
                (made, Some("b"), None),
                (false, None, Some("invalid")),
                (false, None, Some("invalid")),
                (made, direct, None),
            ];
            assert_eq!(told, expected);
            assert!(direct.unwrap().starts_with("direct."));
        }

        let memberships = |last: &str| {
            json!({ "memberships": [
            { "room": "a", "user": "ben", "role": "member" },
            { "room": "b", "user": "ben", "role": "admin" },
            { "room": "nowhere", "user": "ben", "role": "member" },
            { "room": "a", "user": "ben", "role": "king" },
            { "room": "a", "user": "ana", "role": "member" },
            { "room": "a", "user": last, "role": "moderator" },
        ] })
        };
        let first = ["2", "1", "unknown_room", "invalid", "so already", "3"];
        assert_eq!(short(&asks::<PutMemberships>(&chat, Some("k"), memberships("cem")).await.unwrap()), first);
        let again = asks::<PutMemberships>(&chat, Some("k"), memberships("cem")).await.unwrap();
        assert_eq!(short(&again), first, "the first places");
        let other = asks::<PutMemberships>(&chat, Some("k"), memberships("dora")).await.unwrap();
        assert_eq!(short(&other)[5], "conflict");

        let messages = |second: &str| {
            json!({ "messages": [
            { "room": "a", "from": "ana", "text": "one" },
            { "room": "a", "from": "ana", "text": second },
            { "room": "a", "from": "eve", "text": "three" },
            { "room": "b", "from": "ben", "text": "four", "key": "own" },
            { "room": "b", "from": "ben" },
            { "room": "a", "from": "hubbub:api", "text": "six" },
            { "room": "a", "from": "ben", "text": "seven" },
        ] })
        };
        let first = ["4", "5", "unknown_room", "2", "invalid", "invalid", "6"];
        assert_eq!(short(&asks::<SendMessages>(&chat, Some("m"), messages("two")).await.unwrap()), first);
        assert_eq!(short(&asks::<SendMessages>(&chat, Some("m"), messages("two")).await.unwrap()), first);
        let changed = asks::<SendMessages>(&chat, Some("m"), messages("another")).await.unwrap();
        assert_eq!(short(&changed), ["4", "conflict", "unknown_room", "2", "invalid", "invalid", "6"]);
        // Without a key it is said again, but for what has its own.
        let again = asks::<SendMessages>(&chat, None, messages("two")).await.unwrap();
        assert_eq!(short(&again), ["7", "8", "unknown_room", "2", "invalid", "invalid", "9"]);

        let many = json!({ "messages": vec![json!({ "room": "a", "from": "ana", "text": "x" }); 1_001] });
        let why = asks::<SendMessages>(&chat, None, many).await.unwrap_err().to_string();
        assert_eq!(why, "messages: 1001 asked for; the limit is 1000");
        let many = json!({ "rooms": vec![json!({ "id": "x", "kind": "open" }); 101] });
        assert!(asks::<CreateRooms>(&chat, None, many).await.unwrap_err().to_string().contains("the limit is 100"));
        let unknown = json!({ "messages": [{ "room": "a", "from": "ana", "text": "x", "colour": 1 }] });
        assert!(asks::<SendMessages>(&chat, None, unknown).await.unwrap_err().to_string().contains("colour"));
    }

    #[tokio::test]
    async fn behind_what_is_busy_nothing_of_its_room_is_written_also_once_there_is_room_again() {
        let folder = tempfile::tempdir().unwrap();
        let chat = Chat::alone(&folder.path().join("chat.db"));
        let room = |id: &str| json!({ "id": id, "kind": "private", "members": [{ "user": "ana" }] });
        let rooms = json!({ "rooms": [room("a"), room("b")] });
        asks::<CreateRooms>(&chat, None, rooms).await.unwrap();
        // Others have filled the queue but for a hundred, and nobody empties it before something is waited for.
        let message = |text: &str| What::Message(Message::new(Text::parse(text).unwrap(), None, None));
        let free = 100;
        let (general, ana) = (RoomId::parse("a").unwrap(), UserId::parse("ana").unwrap());
        for _ in 0..limits::COMMIT_QUEUE - free {
            let proposal = Proposal::new(general.clone(), ana.clone(), None, message("others"), Right::Own);
            drop(chat.admission.submit(&Source::NONE, proposal).unwrap());
        }
        let many: Vec<Value> = (0..600)
            .map(|n| {
                let room = if n == 599 { "b" } else { "a" };
                json!({ "room": room, "from": "ana", "text": format!("{n}") })
            })
            .collect();
        let results = short(&asks::<SendMessages>(&chat, None, json!({ "messages": many })).await.unwrap());
        assert!(results[..599].iter().all(|result| result == "busy"), "{results:?}");
        assert_eq!(results[599], "2", "another room is another line");
        let again = short(&asks::<SendMessages>(&chat, None, json!({ "messages": many[..300] })).await.unwrap());
        let first = (limits::COMMIT_QUEUE - free) as u64 + 2;
        assert_eq!(
            again,
            (first..first + 300).map(|seq| seq.to_string()).collect::<Vec<_>>(),
            "none is written before"
        );
    }

    /// Bodies are objects.
    #[test]
    fn a_list_is_no_body() {
        assert!(JsonBody::<super::send_messages::NewMessages>::read(Bytes::from_static(b"[[]]"), None).is_err());
    }
}
