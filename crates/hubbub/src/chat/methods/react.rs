//! `react`: adds a reaction to a message.

use super::{
    Actor, Doc, Edge, Method, MethodError, OptionalJson, RestMethod, RestRequest, Route, RpcMethod, Verb,
    rest::{MESSAGE, REACTION, ROOM},
    views::room,
    writing::{InName, Writing, WrittenView, target},
};
use crate::chat::Chat;
use hubbub_core::{
    log::kinds::{Reacted, ReactionWord, What},
    model::{
        ids::{Invalid, RoomId},
        seq::Seq,
    },
};
use serde::Deserialize;
use std::borrow::Cow;
use utoipa::ToSchema;

/// See the module.
pub struct React;

impl Method for React {
    const NAME: &'static str = "react";
    const DOC: Doc = Doc {
        summary: "Adds a reaction to a message: an emoji or a word of at most 64 bytes. Once per person and reaction.",
        example: r#"{"room":"general","target":42,"reaction":"👍","key":"5e11…"}
{"id":"0198…","room":"general","seq":45,"epoch":"1a2b3c4d.1","at":"2026-01-31T09:33:00.123Z"}"#,
        more: "At most 50 different ones on a message: 106. One that is there already: without `seq`. Over REST `from` is required: it is somebody's.

A reaction is told from others by its bytes, as they are sent: nothing is normalised. So `é` in one code point and in two are different, and so is an
emoji with and without a variation selector or a tone of skin: have your client send one form of each. Refused are white space at the ends, control characters,
characters that turn the direction of a text, Unicode's noncharacters, a mark without the letter it belongs to, what cannot be seen at all, and `.` and `..`,
which no URL can name.",
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
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct ReactData<'a> {
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    target: Option<u64>,
    #[serde(borrow)]
    reaction: Option<Cow<'a, str>>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
}

impl ReactData<'_> {
    /// The entry: a reaction more, or less.
    pub(super) fn writing(&self, added: bool) -> Result<Writing, Invalid> {
        room(self.room.as_deref())?;
        let target = target(self.target)?;
        let word = self.reaction.as_deref().ok_or_else(|| Invalid::missing("reaction"))?;
        Writing::read(self.room.as_deref(), self.key.as_deref(), entry(target, word, added)?)
    }
}

fn entry(target: Seq, word: &str, added: bool) -> Result<What, Invalid> {
    Ok(What::Reacted(Reacted { target, reaction: ReactionWord::parse(word)?, added }))
}

/// The same from the parts of a request: somebody's, since the backend itself has no feelings.
pub(super) fn of_rest<M>(asked: &RestRequest<M>, added: bool) -> Result<(Actor, Writing), MethodError>
where
    M: RestMethod<Path = (String, u64, String), Query = InName, Body = OptionalJson<InName>>,
{
    let (key, OptionalJson(body), (room, target, word)) = (asked.key()?, &asked.body, &asked.path);
    let room = RoomId::parse(room)?;
    let by = asked.query.person(body.from.as_deref())?;
    Ok((by, Writing::new(room, key, entry(Seq::new(*target), word, added)?)))
}

impl RpcMethod for React {
    type Data<'a> = ReactData<'a>;

    fn read(data: ReactData<'_>) -> Result<Writing, Invalid> {
        data.writing(true)
    }
}

impl RestMethod for React {
    const ROUTE: Route = Route {
        tag: "messages",
        problems: &[403, 404, 409, 410, 422],
        idempotency_key: true,
        example: "?from=ana",
        ..Route::new(Verb::Put, "/v1/rooms/{room}/messages/{seq}/reactions/{reaction}", &[ROOM, MESSAGE, REACTION])
    };
    type Path = (String, u64, String);
    type Query = InName;
    type Body = OptionalJson<InName>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, Writing), MethodError> {
        of_rest(&asked, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_core::wire::rpc::RawData;

    #[test]
    fn what_is_missing_or_no_reaction_is_named() {
        let long = format!(r#"{{"room":"r","target":1,"reaction":"{}"}}"#, "x".repeat(65));
        for (data, why) in [
            ("{}", "room: missing"),
            (r#"{"room":"r"}"#, "target: missing"),
            (r#"{"room":"r","target":1}"#, "reaction: missing"),
            (r#"{"room":"r","target":1,"reaction":""}"#, "reaction: empty"),
            (r#"{"room":"r","target":1,"reaction":"a\nb"}"#, "reaction: control characters are not allowed"),
            (r#"{"room":"r","target":1,"reaction":" a"}"#, "reaction: white space at its ends is not allowed"),
            (r#"{"room":"r","target":1,"reaction":"\u200b"}"#, "reaction: nothing of it can be seen"),
            (
                r#"{"room":"r","target":1,"reaction":"a\u202eb"}"#,
                "reaction: characters that turn the direction are not allowed",
            ),
            (
                r#"{"room":"r","target":1,"reaction":"\u2066a\u2069"}"#,
                "reaction: characters that turn the direction are not allowed",
            ),
            (
                r#"{"room":"r","target":1,"reaction":"a\uffff"}"#,
                "reaction: characters that Unicode keeps for no text are not allowed",
            ),
            (
                r#"{"room":"r","target":1,"reaction":"\ud83f\udffe"}"#,
                "reaction: characters that Unicode keeps for no text are not allowed",
            ),
            (
                r#"{"room":"r","target":1,"reaction":"\u0301"}"#,
                "reaction: it begins with a mark that belongs to a letter before it",
            ),
            (
                r#"{"room":"r","target":1,"reaction":"\u20e3\u20e3"}"#,
                "reaction: it begins with a mark that belongs to a letter before it",
            ),
            (r#"{"room":"r","target":1,"reaction":".."}"#, "reaction: no URL can name it"),
            (&long, "reaction: 65 bytes; the limit is 64"),
        ] {
            let data = RawData::from_json(data);
            assert_eq!(React::read(data.read().unwrap()).unwrap_err().to_string(), why);
        }
        for word in ["+1", "👍🏽", "🏽", "👩‍👩‍👧‍👦", "1️⃣", "❤️", "e\u{301}", "नमस्ते", "שלום", "🇩🇪", "ship it", &"x".repeat(64)]
        {
            assert!(entry(Seq::new(1), word, true).is_ok(), "{word}");
        }
    }
}
