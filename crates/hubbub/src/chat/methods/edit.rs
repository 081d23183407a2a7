//! `edit`: has a message say something else.

use super::{
    Actor, Doc, Edge, JsonBody, Method, MethodError, RestMethod, RestRequest, Route, RpcMethod, Verb,
    rest::{MESSAGE, ROOM},
    views::room,
    writing::{InName, Writing, WrittenView, target},
};
use crate::chat::Chat;
use hubbub_core::{
    log::{
        checks::{self, Said},
        kinds::{Edited, What},
    },
    model::{
        ids::{Invalid, RoomId},
        seq::Seq,
    },
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use utoipa::ToSchema;

/// See the module.
pub struct EditMessage;

impl Method for EditMessage {
    const NAME: &'static str = "edit";
    const DOC: Doc = Doc {
        summary: "Changes what a message says. For its author, within the room's `edit_window`, and the product's backend.",
        example: r#"{"room":"general","target":42,"text":"hi all","mentions":["ben"],"key":"9a0b…"}
{"id":"0198…","room":"general","seq":43,"epoch":"1a2b3c4d.1","at":"2026-01-31T09:31:00.123Z"}"#,
        more: r#"The new content as a whole: `text`, `data`, `mentions`, `mention_all` as in `send`; what is left out is gone from the message. It becomes an
entry `edited`; the message's own entry stays as it was said. The same content as now is answered without `seq`, and writes nothing. Who was mentioned
before may have left since. A message has at most 1,000 edits: 106.

`key`, here and in all that follows, makes it happen once as in `send`: the same key with the same body is answered with the first entry's place, whatever
has been muted, frozen or deleted since; with another body, 409."#,
    };
    type On = Chat;
    type Request = Writing;
    type Output = WrittenView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.write::<Self>();
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, writing: Writing) -> Result<WrittenView, MethodError> {
        writing.written(chat, by).await
    }
}

/// `data` of a call.
#[derive(Deserialize, ToSchema)]
pub struct EditData<'a> {
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    target: Option<u64>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[schema(value_type = Option<Value>)]
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    mentions: Option<Vec<Cow<'a, str>>>,
    mention_all: Option<bool>,
}

fn edited(target: Seq, said: Said<'_>) -> Result<What, Invalid> {
    Ok(What::Edited(Edited { target, content: checks::content(said)? }))
}

impl RpcMethod for EditMessage {
    type Data<'a> = EditData<'a>;

    fn read(data: EditData<'_>) -> Result<Writing, Invalid> {
        room(data.room.as_deref())?;
        let said = Said {
            text: data.text.as_deref(),
            data: data.data,
            mentions: data.mentions.as_deref().unwrap_or_default(),
            mention_all: data.mention_all.unwrap_or_default(),
        };
        Writing::read(data.room.as_deref(), data.key.as_deref(), edited(target(data.target)?, said)?)
    }
}

/// What a message is to say.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewContent {
    /// In the name of this user, who may no more than over a connection of their own. Without it: in the backend's own.
    from: Option<String>,
    /// At most 8 KiB.
    text: Option<String>,
    /// Any JSON, at most 16 KiB and 16 levels.
    #[schema(value_type = Value, required = false)]
    data: Option<Box<RawValue>>,
    /// Who is mentioned: at most 50 members, in no order.
    #[schema(max_items = 50)]
    mentions: Option<Vec<String>>,
    /// Whether everybody is mentioned.
    mention_all: Option<bool>,
}

impl RestMethod for EditMessage {
    const ROUTE: Route = Route {
        tag: "messages",
        problems: &[403, 404, 409, 410, 422],
        idempotency_key: true,
        example: r#"{"from":"ana","text":"hi all"}"#,
        ..Route::new(Verb::Patch, "/v1/rooms/{room}/messages/{seq}", &[ROOM, MESSAGE])
    };
    type Path = (String, u64);
    type Query = InName;
    type Body = JsonBody<NewContent>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, Writing), MethodError> {
        let (key, JsonBody(new)) = (asked.key()?, &asked.body);
        let mentions: Vec<Cow<'_, str>> = new.mentions.iter().flatten().map(Cow::from).collect();
        let said = Said {
            text: new.text.as_deref(),
            data: new.data.as_deref(),
            mentions: &mentions,
            mention_all: new.mention_all.unwrap_or_default(),
        };
        let (room, target) = (RoomId::parse(&asked.path.0)?, Seq::new(asked.path.1));
        let by = asked.query.actor(new.from.as_deref())?;
        Ok((by, Writing::new(room, key, edited(target, said)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{ChatError, methods::send::SendMessage};
    use hubbub_core::{
        log::kinds::Deleted,
        model::{
            access::{Refusal, Role, RoomKind},
            ids::UserId,
        },
        wire::rpc::RawData,
    };

    fn read(data: &str) -> Result<Writing, String> {
        EditMessage::read(RawData::from_json(data).read().unwrap()).map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn what_is_missing_or_too_much_is_named() {
        let crowd = |n: usize| (0..n).map(|n| format!("u{n}")).collect::<Vec<_>>();
        let many = serde_json::json!({ "room": "r", "target": 1, "text": "x", "mentions": crowd(51) }).to_string();
        for (data, why) in [
            ("{}", "room: missing"),
            (r#"{"room":"r","text":"x"}"#, "target: missing"),
            (r#"{"room":"r","target":1}"#, "text: missing"),
            (r#"{"room":"r","target":1,"text":""}"#, "text: empty, and there is no data"),
            (r#"{"room":"r","target":1,"text":"x","mentions":[""]}"#, "mentions: empty"),
            (r#"{"room":"r","target":1,"text":"x","key":""}"#, "key: empty"),
            (&many, "mentions: 51 named; the limit is 50"),
        ] {
            assert_eq!(read(data).unwrap_err(), why, "{data}");
        }
        let What::Edited(edited) = read(r#"{"room":"r","target":7,"text":"x","mentions":["a","a","b"]}"#).unwrap().what
        else {
            panic!("another kind")
        };
        assert_eq!((edited.target, edited.content.mentions.len()), (Seq::new(7), 2));
    }

    #[tokio::test]
    async fn an_edit_that_comes_again_late_does_not_undo_a_later_one() {
        let folder = tempfile::tempdir().unwrap();
        let chat = Chat::alone(&folder.path().join("chat.db"));
        let (ana, room) = (Actor::for_user(UserId::parse("ana").unwrap()), RoomId::parse("general").unwrap());
        let members = [(ana.user.clone(), Role::Admin)];
        chat.make_room(&room, RoomKind::Private, "", &UserId::backend(), &members).await.unwrap();
        let said = SendMessage::read(RawData::from_json(r#"{"room":"general","text":"v0"}"#).read().unwrap()).unwrap();
        assert_eq!(said.write(&chat, &ana).await.unwrap().unwrap().seq, Seq::new(2));
        let edit = async |text: &str, key: &str| {
            let data = format!(r#"{{"room":"general","target":2,"text":"{text}","key":"{key}"}}"#);
            read(&data).unwrap().write(&chat, &ana).await.map(|place| place.map(|place| place.seq.get()))
        };
        assert_eq!(edit("v1", "k1").await, Ok(Some(3)));
        assert_eq!(edit("v2", "k2").await, Ok(Some(4)));
        assert_eq!(edit("v1", "k1").await, Ok(Some(3)), "the first place");
        assert_eq!(edit("v2", "k3").await, Ok(None), "it says so already");
        assert!(
            matches!(edit("v3", "k1").await, Err(MethodError::Chat(ChatError::Conflict { seq, .. })) if seq == Seq::new(3))
        );
        assert_eq!(chat.view(&ana.user, &room).await.unwrap().room.head, Seq::new(4));
        let deleted = What::Deleted(Deleted { target: Seq::new(2), of: None });
        assert!(Writing::new(room.clone(), None, deleted).write(&chat, &ana).await.unwrap().is_some());
        assert_eq!(edit("v1", "k1").await, Ok(Some(3)), "also where it was deleted since");
        assert!(matches!(
            edit("v4", "k4").await,
            Err(MethodError::Chat(ChatError::Refused(Refusal::Deleted("target"))))
        ));
    }
}
