//! `reports`: messages that were reported.

use super::views::{ReportView, next, numbers};
use crate::{
    chat::{
        ChatError,
        methods::{
            Actor, Doc, Edge, Method, MethodError, NoBody, RestMethod, RestRequest, Route, RpcMethod, Verb, views::room,
        },
    },
    features::people::{
        Choices,
        store::{ReportFilter, ReportState},
    },
};
use hubbub_core::model::{
    ids::{Invalid, RoomId},
    rights::Act,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::{IntoParams, ToSchema};

/// See the module.
pub struct ListReports;

/// Which part of which reports.
pub struct ReportsRequest {
    filter: ReportFilter,
    after: u64,
    limit: usize,
}

/// Some of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportsPage {
    /// By number.
    reports: Vec<ReportView>,
    /// Ask for those `after` this one; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// Whether this is somebody who may see what was reported in a room, or the product's backend.
pub(super) async fn may_moderate(on: &Choices, by: &Actor, room: Option<&RoomId>) -> Result<(), MethodError> {
    if by.is_backend() {
        return Ok(());
    }
    let room = room.ok_or_else(|| Invalid::missing("room"))?;
    Ok(on.chat.may(by, room, Act::Reports).await.map(drop)?)
}

impl Method for ListReports {
    const NAME: &'static str = "reports";
    const DOC: Doc = Doc {
        summary: "Messages that were reported, by the number of the report: of one room, for its moderators; the product's backend sees all.",
        example: r#"{"room":"general","state":"open","after":6}
{"reports":[{"report":7,"room":"general","target":42,"from":"ana","reason":"spam","at":"2026-01-31T09:30:00.123Z","state":"open"}]}"#,
        more: "`state` asks for those that are `open`, `settled` or `dismissed`; the latter two have `settled_at` and `settled_by`. A page may end early by weight. The message itself is asked for with [`message`](#message). Those of a deleted room are gone with it.",
    };
    type On = Choices;
    type Request = ReportsRequest;
    type Output = ReportsPage;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(on: &Choices, by: &Actor, request: ReportsRequest) -> Result<ReportsPage, MethodError> {
        let ReportsRequest { filter, after, limit } = request;
        may_moderate(on, by, filter.room.as_ref()).await?;
        let part = on.store.reports(&filter, after, limit).await.map_err(ChatError::from)?;
        Ok(ReportsPage {
            reports: part.items.iter().map(ReportView::new).collect(),
            next: next(&part, |report| report.number),
        })
    }
}

fn state(word: Option<&str>) -> Result<Option<ReportState>, Invalid> {
    word.map(ReportState::parse).transpose()
}

/// `data` of a call.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct ReportsData<'a> {
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    #[serde(borrow)]
    state: Option<Cow<'a, str>>,
    after: Option<u64>,
    limit: Option<u64>,
}

impl RpcMethod for ListReports {
    type Data<'a> = ReportsData<'a>;

    fn read(data: ReportsData<'_>) -> Result<ReportsRequest, Invalid> {
        let room = room(data.room.as_deref())?;
        let (after, limit) = numbers(data.after, data.limit)?;
        Ok(ReportsRequest {
            filter: ReportFilter { room: Some(room), state: state(data.state.as_deref())? },
            after,
            limit,
        })
    }
}

/// Which reports.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReportsQuery {
    /// Of this room alone.
    room: Option<String>,
    /// Those that are `open`, `settled` or `dismissed`.
    state: Option<String>,
    /// Those after this number.
    after: Option<u64>,
    /// 1 to 1,000; 100 without.
    limit: Option<u64>,
}

impl RestMethod for ListReports {
    const ROUTE: Route =
        Route { tag: "reports", problems: &[422], example: "?state=open", ..Route::new(Verb::Get, "/v1/reports", &[]) };
    type Path = ();
    type Query = ReportsQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, ReportsRequest), MethodError> {
        let room = asked.query.room.as_deref().map(RoomId::parse).transpose()?;
        let (after, limit) = numbers(asked.query.after, asked.query.limit)?;
        let filter = ReportFilter { room, state: state(asked.query.state.as_deref())? };
        Ok((Actor::backend(), ReportsRequest { filter, after, limit }))
    }
}
