//! `report`: somebody tells the moderators of a message.

use super::views::ReportView;
use crate::{
    chat::{
        ChatError,
        methods::{
            Actor, Doc, Edge, JsonBody, Method, MethodError, NoQuery, RestMethod, RestRequest, Route, RpcMethod, Verb,
            views::room,
            writing::{InName, target},
        },
    },
    features::people::{
        Choices,
        store::{NewReport, Reported},
    },
    store::ShownOf,
};
use hubbub_core::{
    limits::{REPORT_REASON_BYTES, REPORTS_OPEN},
    log::account::Use,
    model::{
        access::Refusal,
        ids::{Invalid, RoomId},
        seq::Seq,
    },
};
use serde::Deserialize;
use std::borrow::Cow;
use utoipa::ToSchema;

/// See the module.
pub struct ReportMessage;

/// What is reported, and why.
pub struct Wish {
    room: RoomId,
    target: Seq,
    reason: String,
}

impl Method for ReportMessage {
    const NAME: &'static str = "report";
    const DOC: Doc = Doc {
        summary: "Reports a message to the room's moderators and to the product's backend. For whoever may read it.",
        example: r#"{"room":"general","target":42,"reason":"spam"}
{"report":7,"room":"general","target":42,"from":"ana","reason":"spam","at":"2026-01-31T09:30:00.123Z","state":"open"}"#,
        more: "`reason` is in one's own words, at most 1,024 bytes. Nothing of the message is kept with it: what was deleted is gone for whoever looks. The room's moderators are told by a \
[signal](#signals), others are not. Whoever reports a message again is answered with the first report, as it is now. At most 100 open reports of one person: 106.",
    };
    type On = Choices;
    type Request = Wish;
    type Output = ReportView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(on: &Choices, by: &Actor, wish: Wish) -> Result<ReportView, MethodError> {
        let Wish { room, target, reason } = wish;
        on.chat.charge(by, &[Use::Entry])?;
        let page = on.chat.shown(by, &room, ShownOf::One(target), 1).await?;
        if page.entries.is_empty() {
            return Err(Refusal::NoSuchMessage("target").into());
        }
        let new = NewReport { room, target, reporter: by.user.clone(), reason };
        match on.store.report(&new, REPORTS_OPEN).await.map_err(ChatError::from)? {
            Reported::New(report) => {
                on.tell_moderators(&report).await;
                Ok(ReportView::new(&report))
            }
            Reported::Is(report) => Ok(ReportView::new(&report)),
            Reported::TooMany => {
                Err(Refusal::TooMany { field: "report", what: "open reports of yours", limit: REPORTS_OPEN }.into())
            }
            Reported::NoRoom => Err(Refusal::UnknownRoom.into()),
        }
    }
}

fn wish(room: RoomId, target: Seq, reason: Option<&str>) -> Result<Wish, Invalid> {
    let reason = reason.unwrap_or_default();
    if reason.len() > REPORT_REASON_BYTES {
        return Err(Invalid::too_long("reason", reason.len(), REPORT_REASON_BYTES));
    }
    if reason.contains('\0') {
        return Err(Invalid::new("reason", "the character U+0000 is not allowed"));
    }
    Ok(Wish { room, target, reason: reason.to_owned() })
}

/// `data` of a call.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct ReportData<'a> {
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    target: Option<u64>,
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
}

impl RpcMethod for ReportMessage {
    type Data<'a> = ReportData<'a>;

    fn read(data: ReportData<'_>) -> Result<Wish, Invalid> {
        wish(room(data.room.as_deref())?, target(data.target)?, data.reason.as_deref())
    }
}

/// A report to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportBody {
    /// Who reports it.
    from: String,
    /// The room.
    room: String,
    /// The seq of the message.
    target: u64,
    /// Why: at most 1,024 bytes.
    reason: Option<String>,
}

impl RestMethod for ReportMessage {
    const ROUTE: Route = Route {
        tag: "reports",
        problems: &[403, 404, 409, 410, 422],
        example: r#"{"from":"ana","room":"general","target":42,"reason":"spam"}"#,
        ..Route::new(Verb::Post, "/v1/reports", &[])
    };
    type Path = ();
    type Query = NoQuery;
    type Body = JsonBody<ReportBody>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, Wish), MethodError> {
        let JsonBody(new) = &asked.body;
        let by = InName::default().person(Some(&new.from))?;
        Ok((by, wish(RoomId::parse(&new.room)?, target(Some(new.target))?, new.reason.as_deref())?))
    }
}
