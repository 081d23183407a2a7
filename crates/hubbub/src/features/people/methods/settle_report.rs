//! `settle_report`: a report was dealt with, or is to be looked at again.

use super::{reports::may_moderate, views::ReportView};
use crate::{
    chat::{
        ChatError,
        methods::{
            Actor, Doc, Edge, JsonBody, Method, MethodError, NoQuery, RestMethod, RestRequest, Route, RpcMethod, Verb,
            rest::PathParam, views::room,
        },
    },
    features::people::{Choices, store::ReportState},
};
use hubbub_core::{
    log::account::Use,
    model::ids::{Invalid, RoomId},
};
use serde::Deserialize;
use std::borrow::Cow;
use utoipa::ToSchema;

/// See the module.
pub struct SettleReport;

/// `{report}` in a path.
const REPORT: PathParam = PathParam::number("report", "The report's number", "7");

/// Which report, and what becomes of it.
pub struct Settling {
    room: Option<RoomId>,
    report: u64,
    state: ReportState,
}

impl Method for SettleReport {
    const NAME: &'static str = "settle_report";
    const DOC: Doc = Doc {
        summary: "Settles a report, dismisses it, or opens it again. For moderators of the room and the product's backend.",
        example: r#"{"room":"general","report":7,"state":"settled"}
{"report":7,"room":"general","target":42,"from":"ana","reason":"spam","at":"2026-01-31T09:30:00.123Z","state":"settled","settled_at":"2026-01-31T09:40:00.123Z","settled_by":"mo"}"#,
        more: "`state` is `settled` (something was done), `dismissed` (nothing was to be done) or `open`. What becomes of the message is said by `delete` and the like. One that stands so already stays as it is: \
`settled_at` and `settled_by` are those of the first time. Whoever has reported is not told.",
    };
    type On = Choices;
    type Request = Settling;
    type Output = ReportView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(on: &Choices, by: &Actor, asked: Settling) -> Result<ReportView, MethodError> {
        may_moderate(on, by, asked.room.as_ref()).await?;
        on.chat.charge(by, &[Use::Entry])?;
        let settle = async {
            let settled = on.store.settle_report(asked.report, asked.room.as_ref(), asked.state, &by.user).await;
            let none =
                || MethodError::new(404, "unknown_report", format!("report: there is no report {}", asked.report));
            Ok(ReportView::new(&settled.map_err(ChatError::from)?.ok_or_else(none)?))
        };
        let subject = format!("/v1/reports/{}", asked.report);
        on.chat.audited(&by.user, Self::NAME, subject, settle).await
    }
}

fn number(report: Option<u64>) -> Result<u64, Invalid> {
    let report = report.ok_or_else(|| Invalid::missing("report"))?;
    if i64::try_from(report).is_err() {
        return Err(Invalid::new("report", "no report has such a number"));
    }
    Ok(report)
}

fn state(word: Option<&str>) -> Result<ReportState, Invalid> {
    ReportState::parse(word.ok_or_else(|| Invalid::missing("state"))?)
}

/// `data` of a call.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct SettleData<'a> {
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    report: Option<u64>,
    #[serde(borrow)]
    state: Option<Cow<'a, str>>,
}

impl RpcMethod for SettleReport {
    type Data<'a> = SettleData<'a>;

    fn read(data: SettleData<'_>) -> Result<Settling, Invalid> {
        let (room, report) = (room(data.room.as_deref())?, number(data.report)?);
        Ok(Settling { room: Some(room), report, state: state(data.state.as_deref())? })
    }
}

/// What becomes of it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettleBody {
    /// `settled`, `dismissed` or `open`.
    #[schema(required = true)]
    state: Option<String>,
}

impl RestMethod for SettleReport {
    const ROUTE: Route = Route {
        tag: "reports",
        problems: &[404, 422],
        example: r#"{"state":"settled"}"#,
        ..Route::new(Verb::Put, "/v1/reports/{report}", &[REPORT])
    };
    type Path = u64;
    type Query = NoQuery;
    type Body = JsonBody<SettleBody>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, Settling), MethodError> {
        let state = state(asked.body.0.state.as_deref())?;
        Ok((Actor::backend(), Settling { room: None, report: number(Some(asked.path))?, state }))
    }
}
