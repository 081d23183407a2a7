//! `dead_letters`: entries that were given up on.

use super::views::{AttemptView, PORTAL, PartView};
use crate::{
    chat::methods::{Actor, Doc, Edge, Method, MethodError, NoBody, RestMethod, RestRequest, Route, Verb},
    features::portals::{
        store::{DeadLetter, Filter},
        support::SupportChat,
    },
};
use hubbub_core::{
    log::{checks, encoded, kinds::What},
    model::ids::RoomId,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

/// See the module.
pub struct ListDeadLetters;

/// Which part of a numbered list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NumbersQuery {
    /// Only of this session.
    pub(super) session: Option<String>,
    /// Those after this number.
    pub(super) after: Option<u64>,
    /// 1 to 1,000; 100 without.
    pub(super) limit: Option<u64>,
}

/// An entry that was given up on.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeadLetterView {
    /// Its number.
    number: u64,
    /// The portal that did not take it.
    portal: String,
    /// The session.
    session: String,
    /// The entry's number there.
    seq: u64,
    /// When it was given up on.
    at: String,
    /// Why.
    why: String,
    /// dead, replaying, delivered, or deleted: the message was, so there is nothing to send any more.
    state: &'static str,
    /// When the portal took it after all.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_at: Option<String>,
    /// Its attempts, the newest last.
    attempts: Vec<AttemptView>,
    /// The entry.
    #[schema(value_type = Object)]
    entry: Box<RawValue>,
}

impl DeadLetterView {
    /// A dead letter.
    pub fn new(letter: &DeadLetter) -> Self {
        Self {
            number: letter.number,
            portal: letter.portal.to_string(),
            session: letter.entry.room.to_string(),
            seq: letter.entry.seq.get(),
            at: letter.at.to_string(),
            why: letter.why.clone(),
            state: match (letter.delivered_at, letter.replaying, &letter.entry.what) {
                (Some(_), ..) => "delivered",
                (None, true, _) => "replaying",
                (None, false, What::Gone(_)) => "deleted",
                (None, false, _) => "dead",
            },
            delivered_at: letter.delivered_at.map(|at| at.to_string()),
            attempts: letter.attempts.iter().map(AttemptView::new).collect(),
            entry: encoded::raw(&letter.entry),
        }
    }
}

impl Method for ListDeadLetters {
    const NAME: &'static str = "dead_letters";
    const DOC: Doc = Doc {
        summary: "Dead letters, by number, with their attempts; those that were delivered since stay in the list, and so do those of a portal that was deleted.",
        example: "",
        more: "",
    };
    type On = SupportChat;
    type Request = (String, NumbersQuery);
    type Output = PartView<DeadLetterView>;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(
        support: &SupportChat,
        _: &Actor,
        (portal, query): (String, NumbersQuery),
    ) -> Result<PartView<DeadLetterView>, MethodError> {
        let filter = Filter {
            portal: Some(support.left_by(&portal).await?),
            session: query.session.as_deref().map(|id| RoomId::parse_as("session", id)).transpose()?,
            ..Filter::default()
        };
        let after = query.after.unwrap_or_default();
        let part = support.dead_letters(&filter, after, checks::page_limit(query.limit)?).await?;
        Ok(PartView::new(&part, DeadLetterView::new, |letter| letter.number.to_string()))
    }
}

impl RestMethod for ListDeadLetters {
    const ROUTE: Route = Route {
        tag: "portals",
        problems: &[404],
        ..Route::new(Verb::Get, "/v1/portals/{portal}/dead-letters", &[PORTAL])
    };
    type Path = String;
    type Query = NumbersQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, (String, NumbersQuery)), MethodError> {
        Ok((Actor::backend(), (asked.path, asked.query)))
    }
}
